import CLinux
import Glibc

/// Whole messages in one direction over a pipe, which carries bytes and nothing else: no descriptors.
///
/// Before each message stands its length, 4 bytes, the most significant first. Either end belongs to a process with one
/// thread, and never waits by itself.
enum MessagePipe {
  static let headerSize = 4

  /// The end that messages come from.
  final class Reader: @unchecked Sendable {
    let descriptor: Descriptor
    private var header: [UInt8] = []
    private var message: [UInt8] = []
    /// Bytes of `message` that have come.
    private var filled = 0

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    deinit { message.overwrite() }

    /// The next message, if all of it is there. A length that no message has closes: no process of ours sends one.
    func receive() throws(SystemError) -> MessageSocket.Received {
      while header.count < MessagePipe.headerSize {
        let (bytes, outcome) = try descriptor.read(count: MessagePipe.headerSize - header.count)
        switch outcome {
        case .bytes: header += bytes
        case .wouldBlock: return .wouldBlock
        case .ended: return .closed
        }
        guard header.count == MessagePipe.headerSize else { continue }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard (1...MessageSocket.limit).contains(length) else { return .closed }
        message = [UInt8](repeating: 0, count: length)
        filled = 0
      }
      while filled < message.count {
        switch try message.withUnsafeMutableBytes({ buffer in
          Result { () throws(SystemError) in
            try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
          }
        }).get() {
        case .bytes(let count): filled += count
        case .wouldBlock: return .wouldBlock
        case .ended: return .closed
        }
      }
      header = []
      defer { message = [] }
      return .message(message, [])
    }
  }

  /// The end that messages go to.
  final class Writer: @unchecked Sendable {
    let descriptor: Descriptor
    /// What the pipe did not take of the last message.
    private var rest: ArraySlice<UInt8> = []

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// True while a part of a message waits.
    var hasRest: Bool { !rest.isEmpty }

    /// Sends a message. It is sent when the pipe takes the beginning of it; the rest goes before the next one.
    func send(_ bytes: [UInt8], wait: Bool) throws(SystemError) -> Transfer {
      let flushed = try flush(wait: wait)
      guard case .bytes = flushed else { return flushed }
      var frame: [UInt8] = []
      frame.reserveCapacity(MessagePipe.headerSize + bytes.count)
      for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
      frame += bytes
      defer { frame.overwrite() }
      while true {
        switch try descriptor.write(frame[...]) {
        case .bytes(let count) where count == frame.count: return .bytes(bytes.count)
        case .bytes(let count):
          rest = Array(frame[count...])[...]
          let outcome = try flush(wait: wait)
          return outcome == .wouldBlock ? .bytes(bytes.count) : outcome
        case .wouldBlock:
          guard wait else { return .wouldBlock }
          descriptor.wait(for: POLLOUT)
        case .ended: return .ended
        }
      }
    }

    /// Sends what waits; `.bytes` when nothing does any more.
    func flush(wait: Bool) throws(SystemError) -> Transfer {
      while !rest.isEmpty {
        switch try descriptor.write(rest) {
        case .bytes(let count):
          rest.removeFirst(count)
          if rest.isEmpty { rest.overwrite() }
        case .wouldBlock:
          guard wait else { return .wouldBlock }
          descriptor.wait(for: POLLOUT)
        case .ended:
          rest = []
          return .ended
        }
      }
      rest = []
      return .bytes(0)
    }
  }
}

extension MutableCollection where Self: RandomAccessCollection, Element == UInt8 {
  /// Overwrites what may have been a password.
  fileprivate mutating func overwrite() {
    _ = withContiguousMutableStorageIfAvailable { buffer in
      if let start = buffer.baseAddress { clinux_wipe(start, buffer.count) }
    }
  }
}
