import IPC
import TestSupport
import Testing

@testable import Supervisor

@Suite struct AuditQueueTests {
  private static let limits = AuditQueue.Limits(events: 100, batch: 10)

  private func event(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
  }

  private func batch(_ number: UInt64, _ events: Range<Int>, repeated: Bool = false)
    -> AuditQueue.Action
  {
    .send(JournalBatch(number: number, isRepeated: repeated, events: events.map(event)))
  }

  /// A queue whose journal is running and idle.
  private func ready(_ limits: AuditQueue.Limits = limits) -> AuditQueue {
    var queue = AuditQueue(limits)
    #expect(queue.replace() == [.start])
    #expect(queue.started() == [])
    return queue
  }

  @Test func `an event is sent immediately, and those that follow in one batch`() {
    var queue = ready()
    #expect(queue.add(event(0)) == [batch(1, 0..<1), .watch])
    for number in 1...14 { #expect(queue.add(event(number)) == []) }
    #expect(queue.count == 15)
    #expect(queue.written(1) == [.stopWatching, batch(2, 1..<11), .watch])
    #expect(queue.written(2) == [.stopWatching, batch(3, 11..<15), .watch])
    #expect(queue.written(3) == [.stopWatching])
    #expect(queue.count == 0)
  }

  @Test func `events wait until the journal is running`() {
    var queue = AuditQueue(Self.limits)
    #expect(queue.add(event(0)) == [])
    #expect(queue.replace() == [.start])
    #expect(queue.started() == [batch(1, 0..<1), .watch])
  }

  @Test func `a batch fits into a message and has at least one event`() {
    var queue = ready()
    let large = [UInt8](repeating: 1, count: JournalBatch.sizeLimit / 3)
    for _ in 0..<4 { _ = queue.add(large) }
    guard
      case .send(let second)? = queue.written(1)?.first(where: {
        if case .send = $0 { true } else { false }
      })
    else {
      Issue.record("no batch")
      return
    }
    #expect(second.events.count == 2)
    #expect(second.wireBytes.count <= 160 << 10)
    var fifo = EventFIFO()
    fifo.append([UInt8](repeating: 1, count: 1000))
    #expect(fifo.first(10, size: 10).count == 1)
  }

  @Test func `the batch of a journal that died is sent again and marked as repeated`() {
    var queue = ready()
    for number in 0..<3 { _ = queue.add(event(number)) }
    #expect(queue.ended("x") == [.stopWatching, .restartAfter(milliseconds: 100)])
    #expect(queue.add(event(3)) == [])
    #expect(queue.restartTime() == [.start])
    #expect(queue.started() == [batch(2, 0..<4, repeated: true), .watch])
    #expect(queue.add(event(4)) == [])
    #expect(queue.written(2) == [.stopWatching, batch(3, 4..<5), .watch])
    #expect(!queue.isFailing)
  }

  @Test func `after a smaller batch limit the rest of a lost batch is still marked as repeated`() {
    var queue = ready()
    for number in 0..<12 { _ = queue.add(event(number)) }
    #expect(queue.written(1) == [.stopWatching, batch(2, 1..<11), .watch])
    _ = queue.ended("x")
    #expect(queue.apply(.init(events: 100, batch: 4)) == [])
    _ = queue.restartTime()
    #expect(queue.started() == [batch(3, 1..<5, repeated: true), .watch])
    #expect(queue.written(3) == [.stopWatching, batch(4, 5..<9, repeated: true), .watch])
    // Two events of the lost batch, and a new one.
    #expect(queue.written(4) == [.stopWatching, batch(5, 9..<12, repeated: true), .watch])
    _ = queue.add(event(12))
    #expect(queue.written(5) == [.stopWatching, batch(6, 12..<13), .watch])
  }

  @Test func `exactly the events of a failed batch are doubtful`() {
    var queue = ready()
    for number in 0..<5 { _ = queue.add(event(number)) }
    #expect(queue.written(1) == [.stopWatching, batch(2, 1..<5), .watch])
    _ = queue.add(event(5))
    _ = queue.failed(2, "x")
    _ = queue.apply(.init(events: 100, batch: 2))
    #expect(queue.retryTime() == [batch(3, 1..<3, repeated: true), .watch])
    // A smaller lost batch does not reduce the number of doubtful events.
    _ = queue.ended("x")
    _ = queue.restartTime()
    #expect(queue.started() == [batch(4, 1..<3, repeated: true), .watch])
    #expect(queue.written(4)?.dropFirst(2) == [batch(5, 3..<5, repeated: true), .watch])
    #expect(queue.written(5) == [.stopWatching, batch(6, 5..<6), .watch])
  }

  @Test func `replies about other batches are violations`() {
    var queue = ready()
    #expect(queue.written(0) == nil)
    #expect(queue.written(1) == nil)
    #expect(queue.failed(7, "x") == nil)
    _ = queue.add(event(0))
    #expect(queue.written(2) == nil)
    #expect(queue.failed(2, "x") == nil)
    #expect(queue.written(1) == [.stopWatching])
    #expect(queue.written(1) == nil)
  }

  @Test func `a full queue pauses sources and loses no event`() {
    var queue = ready()
    for number in 0..<99 { #expect(!queue.add(event(number)).contains(.applyBackpressure)) }
    #expect(queue.add(event(99)) == [.applyBackpressure])
    #expect(queue.hasBackpressure)
    for number in 100..<110 { #expect(queue.add(event(number)) == []) }
    #expect(queue.count == 110)
    var batch: UInt64 = 0
    var released: Int?
    while queue.count > 0 {
      batch += 1
      if queue.written(batch)!.contains(.releaseBackpressure) { released = queue.count }
    }
    #expect(released == 49)
    #expect(!queue.hasBackpressure)
  }

  @Test func `with a slow journal events beyond sixteen times the queue are lost and reported`() {
    var queue = ready()
    for number in 0..<1600 { _ = queue.add(event(number)) }
    #expect(queue.hasBackpressure && queue.count == 1600)
    for number in 1600..<1605 { #expect(queue.add(event(number)) == []) }
    #expect(queue.count == 1600)
    #expect(queue.written(1)?.prefix(2) == [.stopWatching, .recovered(lost: 5)])
    #expect(queue.add(event(1605)) == [] && queue.count == 1600)
  }

  @Test func `a few large events pause sources too`() {
    var queue = ready()
    let large = [UInt8](repeating: 1, count: 50_000)
    var count = 0
    while !queue.hasBackpressure {
      _ = queue.add(large)
      count += 1
    }
    #expect(count == 9)
  }

  @Test func `the number of events overflows the queue at sixteen times its size`() {
    var queue = ready(.init(events: 10, batch: 1))
    for number in 0..<160 { _ = queue.add(event(number)) }
    #expect(queue.count == 160 && queue.position == 160)
    #expect(queue.add(event(160)) == [])
    #expect(queue.count == 160 && queue.position == 160)
    // The loss is reported although nothing failed.
    #expect(queue.written(1)?.prefix(2) == [.stopWatching, .recovered(lost: 1)])
    _ = queue.add(event(161))
    #expect(queue.count == 160)
  }

  @Test func `the number of bytes overflows the queue at four times its size`() {
    var queue = ready()
    let large = [UInt8](repeating: 1, count: Self.limits.bytes / 4)
    for _ in 0..<16 { _ = queue.add(large) }
    #expect(queue.count == 16)
    _ = queue.add([1])
    #expect(queue.count == 16 && queue.position == 16)
    #expect(queue.written(1)?.prefix(2) == [.stopWatching, .recovered(lost: 1)])
  }

  @Test func `while the journal fails the queue is limited by events and by bytes`() {
    for (event, count) in [(event(0), 100), ([UInt8](repeating: 1, count: Self.limits.bytes / 5), 5)] {
      var queue = ready()
      _ = queue.failed(0, "disk full")
      for _ in 0..<count { _ = queue.add(event) }
      #expect(queue.count == count)
      _ = queue.add([1])
      #expect(queue.count == count && !queue.hasBackpressure)
    }
  }

  @Test func `a full queue resumes sources when it is at most half full by events and by bytes`() {
    // By events: the last one of the upper half.
    var queue = ready(.init(events: 10, batch: 1))
    for number in 0..<10 { _ = queue.add(event(number)) }
    for number in 1...4 { #expect(queue.written(UInt64(number))?.contains(.releaseBackpressure) == false) }
    #expect(queue.written(5)?.contains(.releaseBackpressure) == true && queue.count == 5)
    // By bytes: few events, with most bytes in the last one.
    queue = ready(.init(events: 10, batch: 1))
    let half = [UInt8](repeating: 1, count: 5 * 4096)
    for event in [[1], half, half, [1]] { _ = queue.add(event) }
    #expect(queue.hasBackpressure)
    #expect(queue.written(1)?.contains(.releaseBackpressure) == false)
    #expect(queue.written(2)?.contains(.releaseBackpressure) == false)
    #expect(queue.written(3)?.contains(.releaseBackpressure) == true)
  }

  @Test func `an event is settled when it is written, and while the journal fails`() {
    var queue = ready()
    for number in 0..<3 { _ = queue.add(event(number)) }
    #expect(!queue.isSettled(1) && !queue.isSettled(3))
    _ = queue.written(1)
    #expect(queue.isSettled(1) && !queue.isSettled(2) && !queue.isSettled(3))
    _ = queue.failed(2, "disk full")
    #expect(queue.isSettled(3))
    _ = queue.retryTime()
    _ = queue.written(3)
    #expect(queue.isSettled(3) && !queue.isSettled(4))
    _ = queue.add(event(3))
    #expect(!queue.isSettled(4))
    _ = queue.close()
    _ = queue.written(4)
    #expect(queue.isSettled(4))
  }

  @Test func `a batch is filled exactly up to its size, and a larger event is sent alone`() {
    var fifo = EventFIFO()
    for count in [6, 6, 1] { fifo.append([UInt8](repeating: 7, count: count)) }
    #expect(fifo.first(10, size: 20).count == 2)
    #expect(fifo.first(10, size: 19).count == 1)
    #expect(fifo.first(10, size: 25).count == 3)
    #expect(fifo.first(10, size: 24).count == 2)
    #expect(fifo.first(1, size: 25).count == 1)
    #expect(fifo.first(10, size: 1).count == 1)
    fifo.removeFirst(1)
    #expect(fifo.count == 2 && fifo.bytes == 7)
    #expect(fifo.first(10, size: 15).count == 2)
  }

  @Test
  func
    `while the journal fails sources are not paused, and lost events are counted and reported once`()
  {
    var queue = ready()
    for number in 0..<100 { _ = queue.add(event(number)) }
    #expect(queue.hasBackpressure)
    #expect(
      queue.failed(1, "disk full") == [
        .stopWatching, .failing(reason: "disk full"), .releaseBackpressure,
        .retryAfter(milliseconds: AuditQueue.retryTime),
      ])
    #expect(queue.isFailing)
    for number in 100..<107 { #expect(queue.add(event(number)) == []) }
    #expect(queue.count == 100)
    #expect(queue.retryTime() == [batch(2, 0..<10, repeated: true), .watch])
    // Continued failure is reported once.
    #expect(
      queue.failed(2, "disk full") == [
        .stopWatching, .retryAfter(milliseconds: AuditQueue.retryTime),
      ])
    #expect(queue.retryTime().first == batch(3, 0..<10, repeated: true))
    let actions = queue.written(3)!
    #expect(actions.prefix(2) == [.stopWatching, .recovered(lost: 7)])
    #expect(!queue.isFailing)
  }

  @Test func `a file that cannot be opened is a failure even without events`() {
    var queue = ready()
    #expect(queue.failed(0, "no such directory") == [.failing(reason: "no such directory")])
    #expect(queue.failed(0, "no such directory") == [])
    #expect(queue.add(event(0)) == [batch(1, 0..<1), .watch])
    #expect(queue.written(1) == [.stopWatching, .recovered(lost: 0)])
  }

  @Test func `a journal that cannot be started or ends repeatedly is a failure`() {
    var queue = AuditQueue(Self.limits)
    _ = queue.replace()
    #expect(queue.startFailed("x") == [.failing(reason: "x"), .restartAfter(milliseconds: 100)])
    #expect(queue.restartTime() == [.start])
    queue = ready()
    #expect(queue.ended("e") == [.stopWatching, .restartAfter(milliseconds: 100)])
    _ = queue.restartTime()
    _ = queue.started()
    #expect(queue.ended("e") == [.stopWatching, .restartAfter(milliseconds: 200)])
    _ = queue.restartTime()
    _ = queue.started()
    #expect(
      queue.ended("e") == [.stopWatching, .failing(reason: "e"), .restartAfter(milliseconds: 400)])
    _ = queue.restartTime()
    _ = queue.started()
    #expect(queue.add(event(0)) == [batch(1, 0..<1), .watch])
    #expect(queue.written(1) == [.stopWatching, .recovered(lost: 0)])
  }

  @Test func `a written batch resets the number of ends`() {
    var queue = ready()
    for number in 0..<2 {
      _ = queue.ended("e")
      _ = queue.ended("e")
      #expect(!queue.isFailing)
      _ = queue.restartTime()
      _ = queue.started()
      _ = queue.add(event(number))
      #expect(queue.written(UInt64(number + 1)) == [.stopWatching])
    }
    #expect(queue.ended("e") == [.stopWatching, .restartAfter(milliseconds: 100)])
  }

  @Test func `a journal that does not reply is a failure until it does`() {
    var queue = ready()
    #expect(queue.hung() == [])
    _ = queue.add(event(0))
    #expect(queue.hung() == [.failing(reason: "the journal has not answered for 30 s")])
    #expect(queue.written(1) == [.stopWatching, .recovered(lost: 0)])
  }

  @Test func `a journal is replaced between two batches`() {
    var queue = ready()
    #expect(queue.replace() == [.stop, .start])
    _ = queue.started()
    _ = queue.add(event(0))
    _ = queue.add(event(1))
    #expect(queue.replace() == [])
    #expect(queue.written(1) == [.stopWatching, .stop, .start])
    #expect(queue.started() == [batch(2, 1..<2), .watch])
    #expect(queue.replace() == [])
    #expect(queue.failed(2, "x") == [.stopWatching, .stop, .start])
    #expect(queue.started() == [batch(3, 1..<2, repeated: true), .watch])
    #expect(queue.replace() == [])
    #expect(queue.ended("x") == [.stopWatching, .restartAfter(milliseconds: 100)])
    #expect(queue.replace() == [])
    #expect(queue.restartTime() == [.start])
  }

  @Test func `before the journal is closed the queue is written, and no other journal is started`() {
    var queue = ready()
    #expect(queue.close() == [.stop])
    #expect(queue.close() == [])
    #expect(queue.restartTime() == [])
    #expect(queue.retryTime() == [])
    queue = ready()
    _ = queue.add(event(0))
    _ = queue.add(event(1))
    #expect(queue.close() == [])
    #expect(queue.written(1) == [.stopWatching, batch(2, 1..<2), .watch])
    #expect(queue.written(2) == [.stopWatching, .stop])
    queue = ready()
    _ = queue.add(event(0))
    #expect(queue.close() == [])
    #expect(queue.ended("x") == [.stopWatching])
    #expect(queue.count == 0)
    queue = ready()
    _ = queue.add(event(0))
    _ = queue.close()
    #expect(queue.failed(1, "x") == [.stopWatching, .stop])
  }

  @Test func `new limits pause and resume sources`() {
    var queue = ready()
    for number in 0..<60 { _ = queue.add(event(number)) }
    #expect(queue.apply(.init(events: 60, batch: 10)) == [.applyBackpressure])
    #expect(queue.apply(.init(events: 1000, batch: 10)) == [.releaseBackpressure])
  }

  /// With journals that die, refuse and reply at random, every event is written once and in order, except those that were
  /// counted as lost, and sources are not paused forever.
  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func `each event is written once and in order with random failures`(seed: UInt64) {
    var model = Model(seed: seed)
    model.run()
    #expect(model.file == model.file.sorted())
    #expect(Set(model.file).count == model.file.count)
    #expect(
      UInt64(model.file.count) + model.lost == UInt64(model.made),
      "\(model.file.count), \(model.lost), \(model.made)")
    #expect(model.queue.count == 0)
    #expect(!model.queue.hasBackpressure && !model.queue.isFailing)
  }
}

/// A journal in memory that fails at random, and sources of events, which can be paused.
private struct Model {
  var queue = AuditQueue(.init(events: 100, batch: 7))
  var random: SplitMix
  var file: [Int] = []
  var made = 0
  var lost: UInt64 = 0
  private var underWay: JournalBatch?
  private var isRunning = false
  private var isStartDue = false
  private var isRetryDue = false

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func run() {
    perform(queue.replace())
    for _ in 0..<3000 { step(isHostile: true) }
    var steps = 0
    while queue.count > 0 || queue.isFailing, steps < 10_000 {
      if queue.count == 0 { make() }
      step(isHostile: false)
      steps += 1
    }
  }

  private mutating func make() {
    let number = made
    made += 1
    perform(queue.add([UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]))
  }

  private mutating func step(isHostile: Bool) {
    let isMaking = isHostile && (!queue.hasBackpressure || Int.random(in: 0..<20, using: &random) == 0)
    if isMaking { for _ in 0..<Int.random(in: 0...5, using: &random) { make() } }
    if isStartDue, Bool.random(using: &random) {
      isStartDue = false
      perform(queue.restartTime())
    }
    if isRetryDue, Bool.random(using: &random) {
      isRetryDue = false
      perform(queue.retryTime())
    }
    guard isRunning else { return }
    if isHostile, Int.random(in: 0..<200, using: &random) == 0 { perform(queue.replace()) }
    guard let batch = underWay, isRunning else { return }
    switch isHostile ? Int.random(in: 0..<12, using: &random) : 11 {
    case 0:
      // It dies before, in the middle of, or after writing.
      write(batch, count: Int.random(in: 0...batch.events.count, using: &random))
      isRunning = false
      underWay = nil
      perform(queue.ended("died"))
    case 1:
      underWay = nil
      perform(queue.failed(batch.number, "full") ?? [])
    case 2: perform(queue.hung())
    case 3...5: break
    default:
      write(batch, count: batch.events.count)
      underWay = nil
      perform(queue.written(batch.number) ?? [])
    }
  }

  private mutating func write(_ batch: JournalBatch, count: Int) {
    for bytes in batch.events.prefix(count) {
      let number = bytes.reduce(0) { $0 << 8 | Int($1) }
      if batch.isRepeated, file.suffix(50).contains(number) { continue }
      file.append(number)
    }
  }

  private mutating func perform(_ actions: [AuditQueue.Action]) {
    for action in actions {
      switch action {
      case .start:
        if Int.random(in: 0..<5, using: &random) == 0 {
          perform(queue.startFailed("no"))
        } else {
          isRunning = true
          perform(queue.started())
        }
      case .restartAfter: isStartDue = true
      case .retryAfter: isRetryDue = true
      case .send(let batch): underWay = batch
      case .stop: isRunning = false
      case .recovered(let count): lost += count
      case .watch, .stopWatching, .applyBackpressure, .releaseBackpressure, .failing: break
      }
    }
  }
}
