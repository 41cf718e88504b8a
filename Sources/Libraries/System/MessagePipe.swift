import CLinux
import Glibc

/// Messages in one direction over a pipe; no descriptors.
///
/// Each message follows its length, 4 bytes, most significant first, and the message version. Each end belongs to a
/// process with one thread, and never blocks unless told to.
enum MessagePipe {
  private static let lengthSize = 4
  static let headerSize = lengthSize + MessageVersion.header.count

  /// The length and version that precede a message of `count` bytes.
  static func header(_ count: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + MessageVersion.header
  }

  /// The receiving end.
  final class Reader: @unchecked Sendable {
    let descriptor: Descriptor
    private var header: [UInt8] = []
    private var message: [UInt8] = []
    /// Bytes of `message` that have arrived.
    private var filled = 0

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    deinit { message.overwrite() }

    /// Returns the next message if it has arrived completely. An invalid length counts as closed: no process of ours
    /// sends one.
    ///
    /// - Throws: `SystemError` with the errno of read(2), or EPROTO for a message of another version.
    func receive() throws(SystemError) -> MessageSocket.Received {
      // After a message of another version nothing can be decoded.
      try MessageVersion.check(beginning: header.dropFirst(MessagePipe.lengthSize))
      while header.count < MessagePipe.headerSize {
        let (bytes, outcome) = try descriptor.read(count: MessagePipe.headerSize - header.count)
        switch outcome {
        case .bytes: header += bytes
        case .wouldBlock: return .wouldBlock
        case .ended: return .closed
        }
        try MessageVersion.check(beginning: header.dropFirst(MessagePipe.lengthSize))
        guard header.count >= MessagePipe.lengthSize else { continue }
        let length = header.prefix(MessagePipe.lengthSize).reduce(0) { $0 << 8 | Int($1) }
        guard (1...MessageSocket.limit).contains(length) else { return .closed }
        guard header.count == MessagePipe.headerSize else { continue }
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

  /// The sending end.
  final class Writer: @unchecked Sendable {
    let descriptor: Descriptor
    /// A message with its length, of which the pipe has accepted `sent` bytes; empty when nothing is pending.
    private var frame: [UInt8] = []
    private var sent = 0

    init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    deinit { frame.overwrite() }

    /// True while part of a message is pending.
    var hasRest: Bool { !frame.isEmpty }

    /// Sends a message. It counts as sent once the pipe accepts its first bytes; the remainder goes out before the next
    /// message.
    ///
    /// - Parameter wait: whether to block until all of it is written.
    /// - Throws: `SystemError` with the errno of write(2).
    func send(_ bytes: [UInt8], wait: Bool) throws(SystemError) -> IOOutcome {
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

    /// Sends what is pending; `.bytes` when nothing is left.
    func flush(wait: Bool) throws(SystemError) -> IOOutcome {
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
  /// Overwrites bytes that may contain a password.
  fileprivate mutating func overwrite() {
    withUnsafeMutableBytes { buffer in
      if let start = buffer.baseAddress { clinux_wipe(start, buffer.count) }
    }
  }
}
