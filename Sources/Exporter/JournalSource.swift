import Audit
import Export
import Glibc
import Gzip
import System

/// A file of the journal that is being read, from front to back.
final class JournalSource {
  /// Bytes that are read at a time.
  static let chunkSize = 128 << 10

  let device: UInt64
  let inode: UInt64
  /// What it was called when it was opened.
  let name: JournalFileName
  /// True once it was seen that the journal goes on in another file: what is there now is all that it will have.
  var isComplete = false
  private let file: Descriptor
  private let unpacker: GzipReader?
  private var splitter = LineSplitter()
  /// Where the file is read next; in one that is not compressed a line begins there. What a crash left of a line may be
  /// cut off and written anew, so nothing of it is kept.
  private var offset: UInt64

  /// Reads `file` from `offset` on, where a line begins; a compressed one from its start.
  init(_ file: Descriptor, _ name: JournalFileName, offset: UInt64 = 0) throws {
    let status = try file.status()
    guard status.kind == .regular else { throw SystemError("read a journal that is no file", code: EINVAL) }
    (device, inode) = (status.device, status.inode)
    self.file = file
    self.name = name
    self.offset = name.isCompressed ? 0 : offset
    unpacker = name.isCompressed ? try GzipReader() : nil
  }

  /// Where a line stands, for a cursor; nil in a compressed file.
  func place(of line: LineSplitter.Line) -> Cursor.Place? {
    name.isCompressed ? nil : Cursor.Place(device: device, inode: inode, offset: line.offset)
  }

  /// The next lines, perhaps none; nil at the end of the file.
  func read() throws -> [LineSplitter.Line]? {
    name.isCompressed ? try readCompressed() : try readPlain()
  }

  private func readPlain() throws(SystemError) -> [LineSplitter.Line]? {
    var size = JournalSource.chunkSize
    while true {
      let chunk = try file.read(count: size, at: Int(offset))
      var splitter = LineSplitter(offset: offset)
      let lines = splitter.take(chunk)
      if !lines.isEmpty {
        offset = splitter.lineOffset
        return lines
      }
      if chunk.count < size { return nil }
      size *= 2
      if size > 2 * LineSplitter.longest {
        offset += UInt64(chunk.count)
        return []
      }
    }
  }

  private func readCompressed() throws -> [LineSplitter.Line]? {
    // It becomes many times as much.
    let chunk = try file.read(count: 8 << 10, at: Int(offset))
    if chunk.isEmpty { return nil }
    offset += UInt64(chunk.count)
    var lines: [LineSplitter.Line] = []
    unpacker?.add(chunk[...])
    while let content = try unpacker?.next(), !content.isEmpty { lines += splitter.take(content) }
    return lines
  }

  /// True when the file has become shorter than what was read of it.
  var isCut: Bool { get throws(SystemError) { UInt64(clamping: try file.status().size) < offset } }

  /// The first event of a file.
  static func firstEvent(of file: Descriptor, _ name: JournalFileName) throws -> LineHead? {
    let source = try JournalSource(file, name)
    while source.offset < 4 << 20, let lines = try source.read() {
      if let head = lines.lazy.compactMap({ LineHead($0.bytes) }).first { return head }
    }
    return nil
  }

  /// The last event of a file that is not compressed, as far as its last lines tell.
  static func lastEvent(of file: Descriptor) throws -> LineHead? {
    let size = try file.status().size
    let start = max(size - (512 << 10), 0)
    var splitter = LineSplitter()
    return splitter.take(try file.read(count: size - start, at: start)).lazy.reversed()
      .compactMap { LineHead($0.bytes) }.first
  }
}
