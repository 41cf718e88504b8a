import CLinux
import Glibc

/// Whole messages in one direction over a pipe, which carries bytes and nothing else: no descriptors.
///
/// Before each message stands its length, 4 bytes, the most significant first. Either end belongs to a process with one
/// thread, and never waits by itself.
enum MessagePipe {
  static let headerSize = 4

  /// What stands before a message of so many bytes.
  static func header(_ count: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } }

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
    /// A message, behind its length, of which the pipe took `sent` bytes; empty: nothing waits.
    private var frame: [UInt8] = []
    private var sent = 0

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    deinit { frame.overwrite() }

    /// True while a part of a message waits.
    var hasRest: Bool { !frame.isEmpty }

    /// Sends a message. It is sent when the pipe takes the beginning of it; the rest goes before the next one.
    func send(_ bytes: [UInt8], wait: Bool) throws(SystemError) -> Transfer {
      let flushed = try flush(wait: wait)
      guard case .bytes = flushed else { return flushed }
      frame.reserveCapacity(MessagePipe.headerSize + bytes.count)
      frame += MessagePipe.header(bytes.count)
      frame += bytes
      switch try flush(wait: wait) {
      case .bytes: return .bytes(bytes.count)
      case .wouldBlock where sent > 0: return .bytes(bytes.count)
      case .wouldBlock:
        forget()
        return .wouldBlock
      case .ended: return .ended
      }
    }

    /// Sends what waits; `.bytes` when nothing does any more.
    func flush(wait: Bool) throws(SystemError) -> Transfer {
      while sent < frame.count {
        switch try descriptor.write(frame[sent...]) {
        case .bytes(let count): sent += count
        case .wouldBlock:
          guard wait else { return .wouldBlock }
          descriptor.wait(for: POLLOUT)
        case .ended:
          forget()
          return .ended
        }
      }
      forget()
      return .bytes(0)
    }

    private func forget() {
      frame.overwrite()
      frame.removeAll()
      sent = 0
    }
  }
}

extension [UInt8] {
  /// Overwrites what may have been a password.
  fileprivate mutating func overwrite() {
    withUnsafeMutableBytes { buffer in
      if let start = buffer.baseAddress { clinux_wipe(start, buffer.count) }
    }
  }
}
