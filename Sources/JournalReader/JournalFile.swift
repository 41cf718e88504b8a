import Audit
import Gzip
import System

/// Why lines cannot be read.
public enum ReadError: Error, Equatable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// It is a directory, a pipe or a device.
  case notRegular
  case gzip(GzipError)
  /// The compressed file ends before its end.
  case truncated
  /// A line has more bytes than ``JournalLine/lengthLimit``. Its number, from 1 on.
  case tooLong(line: Int)

  /// What failed, and why.
  public var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .notRegular: "\(SystemError("read a journal that is no file", code: 22))"
    case .gzip, .truncated, .tooLong: reason
    }
  }

  /// Why alone, as `No such file or directory`.
  public var reason: String {
    switch self {
    case .system(let error): SystemError.message(error.code)
    case .notRegular: "not a regular file"
    case .gzip(let error): "\(error)"
    case .truncated: "the compressed file ends too soon"
    case .tooLong(let line): "line \(line) is longer than \(JournalLine.lengthLimit) bytes"
    }
  }

  /// True when nothing is there.
  public var isMissingFile: Bool { if case .system(let error) = self { error.isMissingFile } else { false } }

  /// Calls `body`; throws `system` with what it throws.
  static func wrapping<Value>(_ body: () throws(SystemError) -> Value) throws(ReadError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
  }
}

/// A file of a journal, opened: plain or compressed, as its name says.
public struct JournalFile {
  /// What it was called when it was opened.
  public let name: JournalFileName
  /// Its path, for people.
  public let path: String
  /// Bytes when it was opened; more may come.
  public let size: Int
  private let descriptor: Descriptor
  private let device: UInt64
  private let inode: UInt64

  init(_ descriptor: Descriptor, _ name: JournalFileName, path: String) throws(ReadError) {
    let status = try ReadError.wrapping { () throws(SystemError) in try descriptor.status() }
    guard status.kind == .regular else { throw .notRegular }
    (self.descriptor, self.name, self.path) = (descriptor, name, path)
    (device, inode, size) = (status.device, status.inode, status.size)
  }

  /// True when both are the same file, whatever they were called.
  public func isSame(as other: JournalFile) -> Bool { device == other.device && inode == other.inode }

  /// Bytes that it has now.
  func currentSize() throws(ReadError) -> Int {
    try ReadError.wrapping { () throws(SystemError) in try descriptor.status().size }
  }

  /// A line that begins at `offset`, for a cursor; nil in a compressed file.
  func place(_ offset: UInt64) -> Cursor.Place? {
    name.isCompressed ? nil : Cursor.Place(device: device, inode: inode, offset: offset)
  }

  /// True when this is the file of a cursor's place.
  func has(_ place: Cursor.Place) -> Bool { device == place.device && inode == place.inode }

  /// Its lines, up to its end as that is when it is reached.
  ///
  /// - Parameters:
  ///   - start: where a line begins; 0 in a compressed file.
  ///   - end: no byte of the file is read from here on.
  public func lines(from start: UInt64 = 0, upTo end: Int = .max) -> LineReader {
    let content = Content(descriptor, isCompressed: name.isCompressed, from: start, upTo: end)
    return LineReader(limit: JournalLine.lengthLimit, offset: start) { (count) throws(ReadError) in
      try content.next(count)
    }
  }

  /// The number of the first event; nil when its first part, of 4 MiB, has none.
  public func firstNumber() throws(ReadError) -> UInt64? {
    var lines = lines(upTo: 4 << 20)
    do throws(ReadError) {
      while let line = try lines.next() {
        if case .whole(let bytes) = line, let head = LineHead(bytes) { return head.sequence }
      }
    } catch { if error != .truncated { throw error } }
    return nil
  }

  /// The last event that it had when it was opened, as far as its last part, of 512 KiB, tells; of a compressed file, all
  /// of it is read.
  public func lastEvent(of series: JournalSeries) throws(ReadError) -> (head: LineHead, place: Cursor.Place?)? {
    var last: (head: LineHead, place: Cursor.Place?)?
    let start = name.isCompressed ? 0 : max(size - (512 << 10), 0)
    var lines = lines(from: UInt64(start), upTo: size)
    while let line = try lines.next() {
      if case .whole(let bytes) = line, let head = LineHead(bytes, of: series) { last = (head, place(lines.offset)) }
    }
    return last
  }
}

/// What is in a file, decompressed if need be, from front to back.
private final class Content {
  private let file: Descriptor
  private let isCompressed: Bool
  private var offset: Int
  private let end: Int
  private var gzip: GzipReader?

  init(_ file: Descriptor, isCompressed: Bool, from start: UInt64, upTo end: Int) {
    (self.file, self.isCompressed, self.end) = (file, isCompressed, end)
    offset = Int(clamping: start)
  }

  /// At most `count` bytes; none at the end.
  func next(_ count: Int) throws(ReadError) -> [UInt8] {
    guard isCompressed else { return try read(count) }
    while true {
      let gzip: GzipReader
      do throws(GzipError) {
        if let begun = self.gzip { gzip = begun } else { gzip = try GzipReader() }
        self.gzip = gzip
        let bytes = try gzip.next(limit: count)
        if !bytes.isEmpty { return bytes }
      } catch { throw .gzip(error) }
      let more = try read(count)
      if more.isEmpty {
        if gzip.isWhole { return [] }
        throw .truncated
      }
      gzip.add(more[...])
    }
  }

  private func read(_ count: Int) throws(ReadError) -> [UInt8] {
    let bytes = try ReadError.wrapping { () throws(SystemError) in
      try file.read(count: min(count, max(end - offset, 0)), at: offset)
    }
    offset += bytes.count
    return bytes
  }
}
