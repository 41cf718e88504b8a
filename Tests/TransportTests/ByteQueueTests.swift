import Testing

@testable import Transport

@Suite struct ByteQueueTests {
  @Test func `bytes come out in order, in whatever pieces`() {
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
  @Test func `a queue that is never empty uses at most twice its bytes plus the slack`() {
    var queue = ByteQueue()
    let part = [UInt8](repeating: 7, count: 64 << 10)
    part.withUnsafeBytes { queue.append($0) }
    for _ in 0..<4096 {
      part.withUnsafeBytes { queue.append($0) }
      queue.removeFirst(part.count)
      #expect(queue.size <= 2 * part.count + ByteQueue.largeSlack + part.count)
    }
    #expect(queue.withBytes { $0.count } == part.count)
  }

  private func append(_ count: Int, to queue: inout ByteQueue) {
    [UInt8](repeating: 7, count: count).withUnsafeBytes { queue.append($0) }
  }

  @Test func `consumed bytes stay until they reach the slack and outnumber the rest`() {
    let slack = ByteQueue.largeSlack
    var queue = ByteQueue()
    append(2 * slack, to: &queue)
    queue.removeFirst(slack - 1)
    #expect(queue.count == slack + 1 && queue.size == 2 * slack)
    queue.removeFirst(1)
    #expect(queue.count == slack && queue.size == slack)
    append(slack + 1, to: &queue)
    queue.removeFirst(slack)
    #expect(queue.count == slack + 1 && queue.size == 2 * slack + 1)
    queue.removeFirst(1)
    #expect(queue.count == slack && queue.size == slack)
  }

  @Test(arguments: [false, true]) func `an emptied queue keeps at most the slack of memory`(isThrownAway: Bool) throws {
    func capacity(_ queue: ByteQueue) throws -> Int {
      try #require(Mirror(reflecting: queue).descendant("bytes") as? [UInt8]).capacity
    }
    func emptied(_ count: Int) -> ByteQueue {
      var queue = ByteQueue()
      append(count, to: &queue)
      if isThrownAway { queue.removeAll() } else { queue.removeFirst(count) }
      return queue
    }
    #expect(try capacity(emptied(ByteQueue.largeSlack + 1)) <= ByteQueue.largeSlack)
    #expect(try capacity(emptied(8 * ByteQueue.largeSlack)) <= ByteQueue.largeSlack)
    // A small buffer is kept, so that a program that keeps up causes no allocations.
    #expect(try capacity(emptied(1000)) >= 1000)
  }

  @Test func `a queue with a small slack that is never empty uses at most twice its bytes plus that slack`() {
    var queue = ByteQueue(slack: ByteQueue.smallSlack)
    append(8000, to: &queue)
    for _ in 0..<4096 {
      append(1000, to: &queue)
      queue.removeFirst(1000)
      #expect(queue.size <= 2 * 9000 + ByteQueue.smallSlack)
    }
  }
}
