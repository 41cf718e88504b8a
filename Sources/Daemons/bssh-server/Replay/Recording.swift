import Audit
import Glibc
import JournalReader
import System

/// An asciicast that is read from beginning to end.
struct Recording {
  private(set) var reader: AsciicastReader
  /// Why the recording is incomplete without being damaged: the recorder was killed.
  private(set) var complaint: String?
  private let path: String
  private var lines: LineReader
  private var number = 1

  /// Opens the file, or uses standard input for `-`, and reads the header.
  ///
  /// - Throws: ``Failure`` if it cannot be read or has no valid header.
  init(_ path: String) throws(Failure) {
    self.path = path == "-" ? "standard input" : path
    lines = LineReader(try Self.open(path), limit: AsciicastReader.lineLimit)
    let first: LineReader.Line?
    do throws(ReadError) { first = try lines.next() } catch { throw Failure(error, self.path) }
    do throws(AsciicastError) {
      switch first {
      case .whole(let line), .rest(let line): reader = try AsciicastReader(header: line)
      case .tooLong, nil: throw .header
      }
    } catch { throw Failure(.badInput, "bssh-server: \(self.path): \(error)") }
  }

  /// The next event; nil at the end.
  mutating func next() throws(Failure) -> AsciicastReader.Event? {
    while true {
      let line: LineReader.Line?
      do throws(ReadError) { line = try lines.next() } catch { throw Failure(error, path) }
      number += 1
      do throws(AsciicastError) {
        switch line {
        case .whole(let line): if let event = try reader.event(line) { return event }
        case .rest(let line):
          if let event = try? reader.event(line) { return event }
          complaint = "bssh-server: \(path): the recording ends within line \(number)"
          return nil
        case .tooLong: throw .tooLong
        case nil: return nil
        }
      } catch { throw Failure(.badInput, "bssh-server: \(path): line \(number): \(error)") }
    }
  }

  private static func open(_ path: String) throws(Failure) -> Descriptor {
    if path == "-" { return Descriptor(owning: STDIN_FILENO) }
    do throws(RegularFile.Unreadable) { return try RegularFile(path).descriptor } catch {
      throw Failure(.noInput, "bssh-server: \(path): \(error.reason)")
    }
  }
}
