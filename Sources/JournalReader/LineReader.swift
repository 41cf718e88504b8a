import Glibc
import System

/// Divides what a source returns into lines. Holds one line and one block at most.
public struct LineReader {
  public enum Line: Equatable, Sendable {
    /// Without its newline.
    case whole(ArraySlice<UInt8>)
    /// What follows the last newline.
    case rest(ArraySlice<UInt8>)
    /// It is longer than the limit. The next call returns the line after it.
    case tooLong
  }

  /// Bytes that are requested at a time.
  static let block = 64 << 10

  private let read: (Int) throws(ReadError) -> [UInt8]
  private let limit: Int
  private var buffer: [UInt8] = []
  /// Where `buffer` begins in the source.
  private var bufferOffset: UInt64
  /// Where the next line begins in `buffer`.
  private var start = 0
  /// There is no newline before this one from `start` on.
  private var searched = 0
  /// The end of a line that is too long has not been found yet.
  private var isTooLong = false
  private var isAtEnd = false

  /// Where the line begins in the source that was returned last; after the end, where the next one would begin.
  public private(set) var offset: UInt64

  /// - Parameters:
  ///   - limit: bytes of a line at most.
  ///   - offset: where the source begins.
  ///   - read: returns at most as many bytes as it is asked for, and none at the end.
  public init(limit: Int, offset: UInt64 = 0, read: @escaping (Int) throws(ReadError) -> [UInt8]) {
    self.limit = limit
    self.read = read
    self.offset = offset
    bufferOffset = offset
  }

  /// The lines of a file that is open for reading; it may be a pipe or a terminal.
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
  /// - Throws: what the source throws.
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
      // Lines that were returned keep the old buffer: only what is left of it is copied.
      var unfinished = Array(buffer[start...])
      unfinished += more
      buffer = unfinished
      bufferOffset += UInt64(start)
      searched -= start
      start = 0
    }
  }
}
