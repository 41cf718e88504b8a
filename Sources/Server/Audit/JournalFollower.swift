import Audit
import System

/// Waits for what a series of a journal gets, also when it goes on in a new file.
struct JournalFollower {
  private let path: String
  /// nil: there is none yet.
  private var file: JournalFiles.File?
  /// Where the first line begins that was not read yet.
  private var offset = 0
  /// The number of the last line that was read.
  private var last: UInt64 = 0

  /// Begins at the end of these files; nil: of none.
  init(_ path: String, behind files: JournalFiles?) {
    self.path = path
    file = files?.files.last
    if let file { offset = Self.lineStart(of: file, before: file.size) }
  }

  /// The lines that have come since the last time.
  mutating func more() throws(Failure) -> [JournalLine] {
    var lines = try readOn()
    guard let now = try? JournalFiles.file(path), now.identity != file?.identity || now.size < offset else {
      return lines
    }
    // What came to the old file before it got its new name.
    lines += try readOn()
    guard let files = try JournalFiles.find(path) else { return lines }
    var newer = files.files[...]
    if let known = newer.lastIndex(where: { $0.identity == file?.identity && $0.size >= offset }) {
      newer = newer[(known + 1)...]
    }
    let known = last
    for next in newer {
      file = next
      offset = 0
      lines += try readOn().filter { $0.sequence > known }
    }
    return lines
  }

  /// Reads to the end of the file as it is now.
  private mutating func readOn() throws(Failure) -> [JournalLine] {
    guard let file else { return [] }
    guard !file.isCompressed else {
      var reader = JournalReader(file, from: 0)
      return try read(&reader)
    }
    guard let size = try? file.descriptor.status().size, size > offset else { return [] }
    let grown = file.grown(to: size)
    self.file = grown
    let end = Self.lineStart(of: grown, before: size)
    guard end > offset else { return [] }
    var reader = JournalReader(grown.grown(to: end), from: offset)
    offset = end
    return try read(&reader)
  }

  private mutating func read(_ reader: inout JournalReader) throws(Failure) -> [JournalLine] {
    var lines: [JournalLine] = []
    while let line = try reader.nextEvent() {
      lines.append(line)
      last = max(last, line.sequence)
    }
    return lines
  }

  /// The start of the line in which this byte is, or of the one behind the newline just before it.
  static func lineStart(of file: JournalFiles.File, before offset: Int) -> Int {
    var end = min(max(offset, 0), file.size)
    while end > 0 {
      let begin = max(0, end - (64 << 10))
      guard let bytes = try? file.descriptor.read(count: end - begin, at: begin) else { return 0 }
      if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) { return begin + newline + 1 }
      end = begin
    }
    return 0
  }
}
