import Audit
import Gzip
import System

/// Reads the lines of a file of the journal from the front, whether it is compressed or not.
struct LineScan {
  private let file: Descriptor
  private let reader: GzipReader?
  private var offset = 0
  private var pending: [UInt8] = []
  /// Where in `pending` the next line begins.
  private var start = 0
  private var isAtEnd = false

  init(_ file: Descriptor, isCompressed: Bool) {
    self.file = file
    reader = isCompressed ? try? GzipReader() : nil
    isAtEnd = isCompressed && reader == nil
  }

  /// The first line; nil: there is none that can be read.
  var firstLine: JournalLine? {
    var scan = self
    return scan.next().flatMap { try? JournalLine(json: $0[...]) }
  }

  /// The last whole line, with the hash of it, as above.
  var lastLine: (line: JournalLine, hash: LineHash)? {
    var scan = self
    var last: [UInt8]?
    while let line = scan.next() { last = line }
    guard let last, let line = try? JournalLine(json: last[...]) else { return nil }
    return (line, LineHash(of: last[...]))
  }

  /// The next whole line, without its newline; nil: there is none, or none that is short enough.
  mutating func next() -> [UInt8]? {
    var searched = start
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        return Array(pending[start..<end])
      }
      // The lines before are thrown away once for each block, and not each by itself.
      pending.removeFirst(start)
      start = 0
      searched = pending.count
      guard !isAtEnd, searched <= JournalLine.lengthLimit else { return nil }
      fill()
    }
  }

  private mutating func fill() {
    guard let reader else {
      let bytes = (try? file.read(count: 256 << 10, at: offset)) ?? []
      offset += bytes.count
      isAtEnd = bytes.isEmpty
      pending += bytes
      return
    }
    while true {
      guard let bytes = try? reader.next(limit: 256 << 10) else {
        isAtEnd = true
        return
      }
      pending += bytes
      if !bytes.isEmpty { return }
      let more = (try? file.read(count: 256 << 10, at: offset)) ?? []
      offset += more.count
      if more.isEmpty {
        isAtEnd = true
        return
      }
      reader.add(more[...])
    }
  }
}
