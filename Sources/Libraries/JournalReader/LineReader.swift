import Glibc
import System

/// Splits the output of a source into lines. It buffers at most one line and one block.
public struct LineReader {
  /// A line, or the end of the source.
  public enum Line: Equatable, Sendable {
    /// A line without its newline.
    case whole(ArraySlice<UInt8>)
    /// What follows the last newline.
    case rest(ArraySlice<UInt8>)
    /// The line is longer than the limit. The next call returns the line after it.
    case tooLong
  }

  /// Number of bytes that are requested at a time.
  static let block = 64 << 10

  private let read: (Int) throws(ReadError) -> [UInt8]
  private let limit: Int
  private var buffer: [UInt8] = []
  /// Offset of `buffer` in the source.
  private var bufferOffset: UInt64
  /// Index of the next line in `buffer`.
  private var start = 0
  /// There is no newline between `start` and this index.
  private var searched = 0
  /// True until the end of an overlong line has been found.
  private var isTooLong = false
  private var isAtEnd = false

  /// Offset in the source of the last returned line; after the end, of the line that would follow.
  public private(set) var offset: UInt64

  /// - Parameters:
  ///   - limit: maximum length of a line in bytes.
  ///   - offset: the offset at which the source begins.
  ///   - read: returns at most the requested number of bytes, and none at the end.
  public init(limit: Int, offset: UInt64 = 0, read: @escaping (Int) throws(ReadError) -> [UInt8]) {
    self.limit = limit
    self.read = read
    self.offset = offset
    bufferOffset = offset
  }

  /// Reads the lines of an open file, which may be a pipe or terminal.
  public init(_ file: Descriptor, limit: Int) {
    self.init(limit: limit) { (count) throws(ReadError) in
      do throws(SystemError) {
        while true {
          let (bytes, outcome) = try file.read(count: count)
          switch outcome {
          case .bytes: return bytes
          case .ended: return []
          case .wouldBlock: file.wait(for: POLLIN)
          }
        }
      } catch { throw .system(error) }
    }
  }

  /// The next line; nil at the end.
  ///
  /// - Throws: the error of the source.
  public mutating func next() throws(ReadError) -> Line? {
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let (line, wasTooLong) = (buffer[start..<end], isTooLong)
        isTooLong = false
        if !wasTooLong { offset = bufferOffset + UInt64(start) }
        start = end + 1
        searched = start
        if wasTooLong { continue }
        return line.count > limit ? .tooLong : .whole(line)
      }
      searched = buffer.count
      if isTooLong || searched - start > limit {
        defer { (start, isTooLong) = (searched, true) }
        if !isTooLong {
          offset = bufferOffset + UInt64(start)
          return .tooLong
        }
      }
      if isAtEnd {
        if isTooLong { return nil }
        offset = bufferOffset + UInt64(start)
        defer { start = searched }
        return start < searched ? .rest(buffer[start...]) : nil
      }
      let more = try read(Self.block)
      isAtEnd = more.isEmpty
      // Returned lines keep the old buffer; only the remainder is copied.
      var unfinished = Array(buffer[start...])
      unfinished += more
      buffer = unfinished
      bufferOffset += UInt64(start)
      searched -= start
      start = 0
    }
  }
}
