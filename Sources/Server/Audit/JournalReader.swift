import Audit
import System

/// Where a line of a journal stands.
struct JournalPlace: Equatable {
  let path: String
  /// From 1 on.
  let line: Int
}

extension JournalPlace: CustomStringConvertible {
  var description: String { "\(path): line \(line)" }
}

/// Reads the lines of a series of a journal, the oldest first, over all of its files.
struct JournalReader {
  struct Line {
    let place: JournalPlace
    /// Without the newline.
    let bytes: ArraySlice<UInt8>
    /// False: it is the last one, and has no newline.
    let isWhole: Bool
  }

  private var files: ArraySlice<JournalFiles.File>
  private var current: (path: String, lines: LineReader)?
  private var number = 0
  /// Complaints about lines that are none; each is told once.
  private(set) var complaints = 0

  init(_ files: JournalFiles) { self.files = files.files[...] }

  /// Reads a part of one file: it begins at `start`, which is behind a newline.
  init(_ file: JournalFiles.File, from start: Int) {
    files = []
    current = (file.path, LineReader(file, from: start))
  }

  /// The next line; nil at the end.
  mutating func next() throws(RegularFile.Unreadable) -> Line? {
    while true {
      if current == nil {
        guard let file = files.popFirst() else { return nil }
        current = (file.path, LineReader(file))
        number = 0
      }
      guard let path = current?.path else { return nil }
      number += 1
      let place = JournalPlace(path: path, line: number)
      switch try current?.lines.next() {
      case .whole(let bytes): return Line(place: place, bytes: bytes, isWhole: true)
      case .rest(let bytes): return Line(place: place, bytes: bytes, isWhole: false)
      case .tooLong:
        throw RegularFile.Unreadable(
          reason: "line \(number) is longer than \(JournalLine.lengthLimit) bytes", code: nil)
      case nil: current = nil
      }
    }
  }

  /// The path of the file that is being read.
  var path: String { current?.path ?? files.first?.path ?? "" }

  /// The next event that can be read; of a line that is none, standard error hears. nil at the end.
  mutating func nextEvent() throws(Failure) -> JournalLine? {
    while true {
      let line: Line?
      do throws(RegularFile.Unreadable) { line = try next() } catch {
        throw Failure(.noInput, "bssh-server: \(path): \(error.reason)")
      }
      guard let line else { return nil }
      do throws(JournalLineError) { return try JournalLine(json: line.bytes) } catch {
        // The journal may be about to write the rest of it.
        guard line.isWhole else { continue }
        complaints += 1
        if complaints <= 10 { Output.complain(["bssh-server: \(line.place): no line of a journal: \(error)"]) }
      }
    }
  }
}
