import Audit
import JournalReader
import System

/// The position of a line in a journal.
struct JournalPosition: Equatable {
  let path: String
  /// Starts at 1.
  let line: Int
}

extension JournalPosition: CustomStringConvertible {
  var description: String { "\(path): line \(line)" }
}

/// Reads the lines of a series of a journal, the oldest first, across all of its files, each up to its size when it was
/// opened.
struct SeriesReader {
  struct Line {
    let place: JournalPosition
    /// Without the newline.
    let bytes: ArraySlice<UInt8>
    /// False: it is the last line, and has no newline.
    let isWhole: Bool
  }

  private var files: ArraySlice<JournalFile>
  private var current: (path: String, lines: LineReader)?
  private var number = 0
  private let complaints = Complaints()

  init(_ files: JournalFiles) { self.files = files.files[...] }

  /// Reads approximately the last `count` bytes of one file, starting at the beginning of a line.
  init(endOf file: JournalFile, bytes count: Int) {
    files = []
    // Includes the preceding newline.
    let start = max(file.size - count - 1, 0)
    var lines = file.lines(from: UInt64(start), upTo: file.size)
    if start > 0 { _ = try? lines.next() }
    current = (file.path, lines)
  }

  /// The next line; nil at the end.
  ///
  /// - Throws: `ReadError` if a file cannot be read or decompressed, or if a line is too long.
  mutating func next() throws(ReadError) -> Line? {
    while true {
      if current == nil {
        guard let file = files.popFirst() else { return nil }
        current = (file.path, file.lines(upTo: file.size))
        number = 0
      }
      guard let path = current?.path else { return nil }
      number += 1
      let place = JournalPosition(path: path, line: number)
      switch try current?.lines.next() {
      case .whole(let bytes): return Line(place: place, bytes: bytes, isWhole: true)
      case .rest(let bytes): return Line(place: place, bytes: bytes, isWhole: false)
      case .tooLong: throw .tooLong(line: number)
      case nil: current = nil
      }
    }
  }

  /// The path of the file that is being read.
  var path: String { current?.path ?? files.first?.path ?? "" }

  /// The next event that can be parsed, or nil at the end. Lines that cannot be parsed are reported on standard error.
  mutating func nextEvent() throws(Failure) -> JournalLine? {
    while true {
      let line: Line?
      do throws(ReadError) { line = try next() } catch { throw Failure(error, path) }
      guard let line else { return nil }
      do throws(JournalLineError) { return try JournalLine(json: line.bytes) } catch {
        // The journal may be about to write the rest of it.
        if line.isWhole { complaints.add("\(line.place)", error) }
      }
    }
  }
}

/// Reports malformed lines of a journal on standard error, up to ten.
final class Complaints {
  private var count = 0

  func add(_ place: String, _ error: JournalLineError) {
    count += 1
    if count <= 10 { Output.complain(["bssh-server: \(place): not a journal line: \(error)"]) }
  }
}

extension Failure {
  /// The error for a file that cannot be read.
  init(_ error: ReadError, _ path: String) { self.init(.noInput, "bssh-server: \(path): \(error.reason)") }
}
