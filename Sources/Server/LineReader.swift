import Glibc
import System

/// Takes what a source gives apart into lines, with no more in memory than the longest line and a block.
struct LineReader {
  enum Line: Equatable {
    /// Without its newline.
    case whole(ArraySlice<UInt8>)
    /// What stands behind the last newline.
    case rest(ArraySlice<UInt8>)
    /// It is longer than it may be; there is no more to be had.
    case tooLong
  }

  /// Bytes that are asked for at a time.
  static let block = 64 << 10

  private let read: (Int) throws(RegularFile.Unreadable) -> [UInt8]
  private let limit: Int
  private var buffer: [UInt8] = []
  private var start = 0
  /// Up to here there is no newline.
  private var searched = 0
  private var isAtEnd = false

  /// - Parameters:
  ///   - limit: bytes of a line at most.
  ///   - read: gives at most so many bytes as it is asked for, and none at the end.
  init(limit: Int, read: @escaping (Int) throws(RegularFile.Unreadable) -> [UInt8]) {
    self.limit = limit
    self.read = read
  }

  /// The lines of a file that is open for reading.
  init(_ file: Descriptor, limit: Int) {
    self.init(limit: limit) { (count) throws(RegularFile.Unreadable) in
      do throws(SystemError) {
        while true {
          let (bytes, outcome) = try file.read(count: count)
          switch outcome {
          case .bytes: return bytes
          case .ended: return []
          case .wouldBlock: file.wait(for: POLLIN)
          }
        }
      } catch { throw RegularFile.Unreadable(reason: SystemError.message(error.code), code: error.code) }
    }
  }

  /// The next line; nil at the end.
  mutating func next() throws(RegularFile.Unreadable) -> Line? {
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer[start..<end]
        start = end + 1
        searched = start
        return line.count > limit ? .tooLong : .whole(line)
      }
      searched = buffer.count
      guard buffer.count - start <= limit else { return .tooLong }
      if isAtEnd {
        defer { start = buffer.count }
        return start < buffer.count ? .rest(buffer[start...]) : nil
      }
      let more = try read(LineReader.block)
      isAtEnd = more.isEmpty
      buffer.removeFirst(start)
      searched -= start
      start = 0
      buffer += more
    }
  }
}
