import Glibc
import System
import Testing
import Wire

@Suite struct MessageQueueTests {
  private let ours: MessageSocket
  private let theirs: MessageSocket

  init() throws { (ours, theirs) = try MessageSocket.pair() }

  private func message(_ number: Int, size: Int = 8) -> SecretBytes {
    SecretBytes((0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * min($0, 7))) })
  }

  /// The numbers of the messages that are there, in order, and their descriptors.
  private func read(_ socket: MessageSocket) throws -> (numbers: [Int], descriptors: [Descriptor], isClosed: Bool) {
    var numbers: [Int] = []
    var all: [Descriptor] = []
    while true {
      switch try socket.receive() {
      case .message(let bytes, let descriptors):
        numbers.append(bytes.prefix(7).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) })
        all += descriptors
      case .wouldBlock: return (numbers, all, false)
      case .closed: return (numbers, all, true)
      }
    }
  }

  /// Sends until this many messages are queued; returns how many were sent.
  private func fill(_ queue: inout MessageQueue, waiting: Int, size: Int = 1 << 10) -> Int {
    var (sent, waits) = (0, 0)
    while waits < waiting, sent < 1 << 20 {
      switch queue.send(message(sent, size: size)) {
      case .sent: break
      case .waiting: waits += 1
      case .held, .failed: Issue.record("not sent after \(sent)")
      }
      sent += 1
    }
    return sent
  }

  @Test func `messages arrive at once and in order while the socket has room`() throws {
    var queue = MessageQueue(ours, bound: .messages(1))
    for number in 0..<5 { #expect(queue.send(message(number)) == .sent && queue.isEmpty) }
    #expect(try read(theirs).numbers == [0, 1, 2, 3, 4])
  }

  @Test func `what the socket does not take is queued, and sent in order when it is read`() throws {
    var queue = MessageQueue(ours, bound: .messages(100))
    let sent = fill(&queue, waiting: 50)
    #expect(!queue.isEmpty && queue.flush() == .waiting)
    var numbers: [Int] = []
    while !queue.isEmpty {
      numbers += try read(theirs).numbers
      queue.flush()
    }
    numbers += try read(theirs).numbers
    #expect(numbers == Array(0..<sent) && queue.flush() == .sent)
  }

  @Test func `a message that a pipe takes in parts is not done before its last byte, and others follow it`() throws {
    let (supervisor, ends) = try MessageSocket.supervised()
    var queue = MessageQueue(MessageSocket(from: ends[0], to: ends[1]), bound: .messages(8))
    // More than a pipe holds, at the latest in the second of them.
    let large = MessageSocket.limit
    var outcomes = [queue.send(message(0, size: large)), queue.send(message(1, size: large))]
    outcomes.append(queue.send(message(2)))
    #expect(outcomes.last == .waiting && !queue.isEmpty)
    var numbers: [Int] = []
    for _ in 0..<100 where numbers.count < 3 {
      numbers += try read(supervisor).numbers
      queue.flush()
    }
    #expect(numbers == [0, 1, 2] && queue.isEmpty && queue.flush(wait: true) == .sent)
  }

  @Test func `descriptors arrive with their message, also when it was queued and nobody else has them open`() throws {
    var queue = MessageQueue(ours, bound: .messages(100))
    let sent = fill(&queue, waiting: 1)
    do {
      let pipe = try Descriptor.pipe()
      try pipe.writer.writeAll([7])
      #expect(queue.send(message(sent), [pipe.reader]) == .waiting)
    }
    var descriptors: [Descriptor] = []
    while !queue.isEmpty {
      descriptors += try read(theirs).descriptors
      queue.flush()
    }
    descriptors += try read(theirs).descriptors
    #expect(descriptors.count == 1)
    #expect(try descriptors.first?.read(count: 2).bytes == [7])
  }

  @Test func `a process that is gone fails the queue, which is empty then`() throws {
    var other: MessageSocket? = nil
    let mine: MessageSocket
    (mine, other) = try MessageSocket.pair()
    var queue = MessageQueue(mine, bound: .messages(100))
    _ = fill(&queue, waiting: 3)
    other = nil
    #expect(other == nil && queue.flush() == .failed(.gone) && queue.isEmpty)
    #expect(queue.send(message(1)) == .failed(.gone))
  }

  @Test func `what cannot be sent at all is an error`() throws {
    var queue = MessageQueue(ours, bound: .messages(100))
    #expect(
      queue.send(message(0, size: MessageSocket.limit + 1)) == .failed(.error(SystemError("send", code: EMSGSIZE))))
    #expect(queue.isEmpty && queue.send(message(1)) == .sent)
  }

  @Test func `a message beyond the bound is not queued, and those before it are not lost`() throws {
    for (bound, limit) in [(MessageQueue.Bound.messages(10), 10), (.bytes(10 * ((1 << 10) + 64)), 10)] {
      let (ours, theirs) = try MessageSocket.pair()
      var queue = MessageQueue(ours, bound: bound)
      let sent = fill(&queue, waiting: limit)
      #expect(queue.send(message(sent, size: 1 << 10)) == .failed(.full))
      #expect(queue.append(message(sent, size: 1 << 10)) == false)
      var numbers: [Int] = []
      while !queue.isEmpty {
        numbers += try read(theirs).numbers
        queue.flush()
      }
      #expect(queue.send(message(sent)) == .sent, "there is room again")
      #expect(try numbers + read(theirs).numbers == Array(0...sent))
    }
  }

  @Test func `nothing passes a message that is held, until it is released`() throws {
    var queue = MessageQueue(ours, bound: .messages(10))
    #expect(queue.send(message(0)) == .sent)
    #expect(queue.send(message(1), isHeld: true) == .held && queue.send(message(2)) == .held)
    #expect(queue.append(message(3), isHeld: true) == true)
    #expect(try read(theirs).numbers == [0])
    queue.releaseFirst()
    #expect(queue.flush() == .held, "the next one is held for itself")
    #expect(try read(theirs).numbers == [1, 2])
    queue.releaseFirst()
    #expect(queue.flush(wait: true) == .sent)
    #expect(try read(theirs).numbers == [3])
  }

  @Test func `the end comes behind what is queued`() throws {
    var queue = MessageQueue(ours, bound: .messages(100))
    let sent = fill(&queue, waiting: 5)
    queue.finish()
    var numbers: [Int] = []
    var isClosed = false
    for _ in 0..<1000 where !isClosed {
      let part = try read(theirs)
      numbers += part.numbers
      isClosed = part.isClosed
      queue.flush()
    }
    #expect(isClosed && queue.isFinished && numbers == Array(0..<sent))
  }
}
