import System
import Wire

/// Replies that were not sent yet, in memory that is reused: file contents are read directly into it.
public struct ReplyBuffer {
  /// Bytes of unsent replies at which no more requests are handled.
  static let limit = 384 << 10
  /// Most bytes of file content in a reply.
  static let dataLimit = 255 << 10

  private var bytes = [UInt8](repeating: 0, count: limit + SFTPPackets.limit)
  private var start = 0
  private var end = 0

  public init() {}

  /// True when all replies were sent.
  public var isEmpty: Bool { start == end }

  /// True when no more requests may be handled.
  public var isFull: Bool { end >= ReplyBuffer.limit }

  /// The bytes that were not sent yet.
  public var unsent: ArraySlice<UInt8> { bytes[start..<end] }

  /// Removes the first `count` bytes, which were sent.
  public mutating func sent(_ count: Int) {
    start += count
    if start == end { (start, end) = (0, 0) }
  }

  /// Sends what the descriptor accepts now.
  ///
  /// - Throws: `SystemError` when write(2) or send(2) fails.
  mutating func flush(to descriptor: Descriptor, isSocket: Bool) throws(SystemError) -> IOOutcome {
    let outcome = isSocket ? try descriptor.send(unsent) : try descriptor.write(unsent)
    if case .bytes(let n) = outcome { sent(n) }
    return outcome
  }

  /// Adds a packet; `packet` does not include the length.
  mutating func append(_ packet: WireWriter) {
    header(packet.bytes.count)
    bytes.put(packet.bytes, at: end)
    end += packet.bytes.count
  }

  /// Adds an SSH_FXP_STATUS. draft-ietf-secsh-filexfer-02, section 7
  mutating func status(_ id: UInt32, _ status: SFTPStatus, _ message: String) {
    header(17 + message.utf8.count)
    bytes[end] = 101
    end += 1
    number(id)
    number(status.rawValue)
    number(UInt32(message.utf8.count))
    put(message.utf8)
    // An empty language tag.
    number(0)
  }

  /// Adds an SSH_FXP_DATA whose content `read` writes into the buffer from a position on. Adds nothing when `read`
  /// returns 0 or throws.
  ///
  /// - Returns: the bytes of content.
  /// - Throws: what `read` throws.
  mutating func data<Failure>(
    _ id: UInt32, _ read: (inout [UInt8], Int) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    let count = try read(&bytes, end + 13)
    guard count > 0 else { return 0 }
    header(count + 9)
    bytes[end] = 103
    end += 1
    number(id)
    number(UInt32(count))
    end += count
    return count
  }

  private mutating func header(_ count: Int) { number(UInt32(count)) }

  private mutating func number(_ value: UInt32) {
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes[end] = UInt8(truncatingIfNeeded: value >> UInt32(shift))
      end += 1
    }
  }

  private mutating func put(_ text: String.UTF8View) {
    for byte in text {
      bytes[end] = byte
      end += 1
    }
  }
}
