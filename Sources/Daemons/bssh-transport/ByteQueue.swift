/// A byte queue that is consumed piecemeal. Consumed bytes are released before they exceed the bytes in the queue, even
/// if it is never empty.
struct ByteQueue {
  /// The slack of a queue for a program, in bytes.
  static let largeSlack = 512 << 10
  /// The slack of a queue for a forwarded connection, of which there can be many, in bytes.
  static let smallSlack = 8 << 10

  /// Consumed bytes that may be kept, and the capacity that an empty queue keeps.
  let slack: Int
  private var bytes: [UInt8] = []
  /// How many of them are consumed.
  private var start = 0

  init(slack: Int = largeSlack) { self.slack = slack }

  var isEmpty: Bool { start == bytes.count }
  /// Bytes in the queue.
  var count: Int { bytes.count - start }
  /// Bytes in memory: at most twice ``count``, plus ``slack``.
  var size: Int { bytes.count }

  mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

  /// Lends the queued bytes for the duration of the call.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }

  /// Consumes the first `count` bytes.
  mutating func removeFirst(_ count: Int) {
    start += count
    if isEmpty { return removeAll() }
    // This moves no more bytes than were consumed since the last time.
    guard start >= slack, start >= bytes.count - start else { return }
    bytes.removeFirst(start)
    start = 0
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= slack)
    start = 0
  }
}
