import System
import Wire

/// Received packets that were not handled yet.
public struct SFTPPackets {
  /// Longest packet in bytes without its length field: OpenSSH's limit, and some more for names.
  public static let limit = 256 << 10 + 1024

  /// Bytes of the buffer: a whole packet, and room to read the next ones.
  static let capacity = 2 * limit

  private var bytes = [UInt8](repeating: 0, count: capacity)
  private var start = 0
  private var end = 0

  public init() {}

  /// True when no bytes are left, not even a part of a packet.
  public var isEmpty: Bool { start == end }

  /// How many more bytes can be added before a packet is taken.
  public var room: Int { SFTPPackets.capacity - (end - start) }

  /// Reads what has arrived; false at the end of input.
  ///
  /// - Throws: `SystemError` when read(2) fails.
  mutating func fill(from descriptor: Descriptor) throws(SystemError) -> Bool {
    makeRoom()
    let n = try descriptor.read(into: &bytes, at: end, count: bytes.count - end)
    end += n
    return n > 0
  }

  /// Adds bytes, at most ``room``.
  public mutating func append(_ more: ArraySlice<UInt8>) {
    precondition(more.count <= room)
    if bytes.count - end < more.count { makeRoom(whole: true) }
    bytes.replaceSubrange(end..<end + more.count, with: more)
    end += more.count
  }

  /// The next whole packet without its length field; nil when it has not arrived completely. Release it before more is
  /// read, or the buffer is copied.
  ///
  /// - Throws: `.badLength`
  mutating func next() throws(SFTPViolation) -> ArraySlice<UInt8>? {
    guard end - start >= 4 else { return nil }
    let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) }
    guard length > 0, length <= UInt32(SFTPPackets.limit) else { throw .badLength(length) }
    guard end - start - 4 >= Int(length) else { return nil }
    let packet = bytes[start + 4..<start + 4 + Int(length)]
    start += 4 + Int(length)
    return packet
  }

  /// Moves the remaining bytes to the front when the current packet may not fit after them.
  private mutating func makeRoom(whole: Bool = false) {
    if start == end { (start, end) = (0, 0) }
    guard start > 0, whole || bytes.count - end < SFTPPackets.limit / 2 else { return }
    let count = end - start
    bytes.move(count, from: start, to: 0)
    (start, end) = (0, count)
  }
}
