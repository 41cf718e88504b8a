/// Bytes that wait for somebody who takes them little by little. What was taken is given back before it is as much as
/// what waits, also when the queue is never empty.
struct ByteQueue {
  /// Bytes that may be kept although they were taken, and that an empty queue keeps room for.
  static let slack = 512 << 10

  private var bytes: [UInt8] = []
  /// How many of them were taken.
  private var start = 0

  var isEmpty: Bool { start == bytes.count }
  /// Bytes that wait.
  var count: Int { bytes.count - start }
  /// Bytes that are in memory: at most twice what waits, and ``slack``.
  var size: Int { bytes.count }

  mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

  /// Lends what waits.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
  }

  /// So many bytes were taken.
  mutating func removeFirst(_ count: Int) {
    start += count
    if isEmpty { return removeAll() }
    // What is moved then is no more than what was taken since the last time.
    guard start >= Self.slack, start >= bytes.count - start else { return }
    bytes.removeFirst(start)
    start = 0
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.slack)
    start = 0
  }
}
