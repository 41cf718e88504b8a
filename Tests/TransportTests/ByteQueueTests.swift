import Testing

@testable import Transport

@Suite struct ByteQueueTests {
  @Test func `what goes in comes out, in whatever parts`() {
    var queue = ByteQueue()
    var next: UInt8 = 0
    var expected: UInt8 = 0
    for step in 1...2000 {
      let more = (0..<step % 701).map { _ in
        defer { next &+= 1 }
        return next
      }
      more.withUnsafeBytes { queue.append($0) }
      let taken = queue.withBytes { Array($0.prefix(step % 353)) }
      for byte in taken {
        #expect(byte == expected)
        expected &+= 1
      }
      queue.removeFirst(taken.count)
    }
    let rest = queue.withBytes { Array($0) }
    queue.removeFirst(rest.count)
    #expect(queue.isEmpty && queue.size == 0)
    #expect(expected &+ UInt8(truncatingIfNeeded: rest.count) == next)
  }

  /// A program that is always a little behind its client.
  @Test func `a queue that is never empty keeps no more than twice what waits`() {
    var queue = ByteQueue()
    let part = [UInt8](repeating: 7, count: 64 << 10)
    part.withUnsafeBytes { queue.append($0) }
    for _ in 0..<4096 {
      part.withUnsafeBytes { queue.append($0) }
      queue.removeFirst(part.count)
      #expect(queue.size <= 2 * part.count + ByteQueue.slack + part.count)
    }
    #expect(queue.withBytes { $0.count } == part.count)
  }
}
