import Audit
import Gzip
import System

/// Why a journal file cannot be read.
public enum ReadError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A system call failed.
  case system(SystemError)
  /// The file is a directory, pipe or device.
  case notRegular
  /// The compressed data is invalid.
  case gzip(GzipError)
  /// The compressed data is incomplete.
  case truncated
  /// A line is longer than ``JournalLine/lengthLimit`` bytes. Lines are counted from 1.
  case tooLong(line: Int)

  /// The operation and the reason, for people.
  public var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .notRegular: "\(SystemError("read a journal that is not a regular file", code: 22))"
    case .gzip, .truncated, .tooLong: reason
    }
  }

  /// The reason alone, such as `No such file or directory`.
  public var reason: String {
    switch self {
    case .system(let error): SystemError.message(error.code)
    case .notRegular: "not a regular file"
    case .gzip(let error): "\(error)"
    case .truncated: "the compressed file is truncated"
    case .tooLong(let line): "line \(line) is longer than \(JournalLine.lengthLimit) bytes"
    }
  }

  /// True if the file does not exist.
  public var isMissingFile: Bool { if case .system(let error) = self { error.isMissingFile } else { false } }

  /// Calls `body` and converts its error to `system`.
  static func wrapping<Value>(_ body: () throws(SystemError) -> Value) throws(ReadError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
  }
}

/// An open journal file, plain or compressed according to its name.
public struct JournalFile {
  /// Its name when it was opened.
  public let name: JournalFileName
  /// Its path, for messages.
  public let path: String
  /// Its size in bytes when it was opened; it may grow.
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

  /// True if both are the same file, regardless of their names.
  public func isSame(as other: JournalFile) -> Bool { device == other.device && inode == other.inode }

  /// The current size in bytes.
  func currentSize() throws(ReadError) -> Int {
    try ReadError.wrapping { () throws(SystemError) in try descriptor.status().size }
  }

  /// The position of a line that begins at `offset`, for a cursor; nil in a compressed file.
  func place(_ offset: UInt64) -> Cursor.Place? {
    name.isCompressed ? nil : Cursor.Place(device: device, inode: inode, offset: offset)
  }

  /// True if the position is in this file.
  func has(_ place: Cursor.Place) -> Bool { device == place.device && inode == place.inode }

  /// Reads the lines, up to the end of the file at the time it is reached.
  ///
  /// - Parameters:
  ///   - start: the offset of a line; must be 0 in a compressed file.
  ///   - end: bytes of the file from this offset on are not read.
  public func lines(from start: UInt64 = 0, upTo end: Int = .max) -> LineReader {
    let content = Content(descriptor, isCompressed: name.isCompressed, from: start, upTo: end)
    return LineReader(limit: JournalLine.lengthLimit, offset: start) { (count) throws(ReadError) in
      try content.next(count)
    }
  }

  /// The number of the first event; nil if the first 4 MiB contain none.
  ///
  /// - Throws: `ReadError`, except `truncated`.
  public func firstNumber() throws(ReadError) -> UInt64? {
    var lines = lines(upTo: 4 << 20)
    do throws(ReadError) {
      while let line = try lines.next() {
        if case .whole(let bytes) = line, let head = LineHead(bytes) { return head.sequence }
      }
    } catch { if error != .truncated { throw error } }
    return nil
  }

  /// The last event that the file had when it was opened, with its position; nil if there is none in the last 512 KiB.
  /// A compressed file is read completely.
  ///
  /// - Throws: `ReadError`, see its cases.
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

/// The content of a file, decompressed if necessary, from start to end.
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
