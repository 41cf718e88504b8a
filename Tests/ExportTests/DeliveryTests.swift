import Audit
import Export
import JournalReader
import Testing

@Suite struct AcknowledgementTrackerTests {
  private func head(_ sequence: UInt64) -> LineHead {
    LineHead(sequence: sequence, id: .init(high: sequence, low: 0))
  }

  @Test func `data that the peer's kernel may still hold is not settled`() {
    var ledger = AcknowledgementTracker()
    for number: UInt64 in 1...1000 { ledger.wrote(head(number), at: nil, end: number * 1000) }
    ledger.observe(acknowledged: 0, outstanding: 1_000_000, window: 65_536)
    #expect(ledger.isOutstanding && ledger.acknowledge() == nil && ledger.settle() == nil)
    ledger.observe(acknowledged: 500_500, outstanding: 499_500, window: 100_000)
    #expect(ledger.acknowledge()?.sequence == 500)
    // The largest window of all, not the last.
    #expect(ledger.settle()?.head.sequence == (500_500 - 100_000 - AcknowledgementTracker.allowance) / 1000)
    ledger.observe(acknowledged: 1_000_000, outstanding: 0, window: 10)
    #expect(!ledger.isOutstanding && ledger.acknowledge()?.sequence == 1000 && ledger.acknowledge() == nil)
    #expect(ledger.settle()?.head.sequence == (1_000_000 - 100_000 - AcknowledgementTracker.allowance) / 1000)
    #expect(ledger.settle() == nil)
    #expect(ledger.settle(everything: true)?.head.sequence == 1000)
  }

  @Test func `a large window is assumed if the kernel reports none`() {
    var ledger = AcknowledgementTracker()
    ledger.wrote(head(1), at: nil, end: 1000)
    ledger.wrote(head(2), at: nil, end: 10 << 20)
    ledger.observe(acknowledged: 10 << 20, outstanding: 0, window: 0)
    #expect(ledger.settle()?.head.sequence == 1)
  }

  @Test func `a position that was read too high is still reached`() {
    var ledger = AcknowledgementTracker()
    // Counted twice: once as outstanding and once as acknowledged.
    ledger.observe(acknowledged: 500, outstanding: 700, window: 65_536)
    ledger.wrote(head(1), at: nil, end: 1200)
    ledger.observe(acknowledged: 1000, outstanding: 0, window: 65_536)
    #expect(!ledger.isOutstanding && ledger.acknowledge()?.sequence == 1)
  }

  @Test func `settled entries are dropped`() {
    var ledger = AcknowledgementTracker()
    var settled: UInt64 = 0
    for number: UInt64 in 1...20_000 {
      ledger.wrote(head(number), at: nil, end: number * 1000)
      ledger.observe(acknowledged: number * 1000, outstanding: 0, window: 65_536)
      #expect(ledger.acknowledge()?.sequence == number)
      if let (head, _) = ledger.settle() {
        #expect(head.sequence > settled && head.sequence < number)
        settled = head.sequence
      }
    }
    #expect(settled > 19_000)
  }
}

@Suite struct BatchSizerTests {
  private func heads(_ range: ClosedRange<UInt64>) -> [LineHead] {
    range.map { LineHead(sequence: $0, id: .init(high: $0, low: 0)) }
  }

  @Test func `a single refused event is found and given up once the next one is accepted`() {
    var sizer = BatchSizer(countLimit: 100)
    let bad: UInt64 = 37
    var next: UInt64 = 1
    var lost: [UInt64] = []
    var requests = 0
    while next <= 200, requests < 100 {
      requests += 1
      let first = sizer.suspect.map { $0.sequence + 1 } ?? next
      let batch = heads(first...min(first + UInt64(sizer.limit) - 1, 200))
      if batch.contains(where: { $0.sequence == bad }) {
        #expect(sizer.refused(batch, isTooMuch: false) != .wait)
      } else {
        if let given = sizer.taken() { lost.append(given.sequence) }
        next = batch.last!.sequence + 1
      }
    }
    #expect(lost == [bad] && next == 201 && requests < 40)
  }

  @Test func `a receiver that refuses everything is retried and no event is given up`() {
    var sizer = BatchSizer(countLimit: 4)
    #expect(sizer.refused(heads(1...4), isTooMuch: false) == .again && sizer.limit == 2)
    #expect(sizer.refused(heads(1...2), isTooMuch: false) == .again && sizer.limit == 1)
    #expect(sizer.refused(heads(1...1), isTooMuch: false) == .probe && sizer.suspect?.sequence == 1)
    #expect(sizer.refused(heads(2...2), isTooMuch: false) == .wait && sizer.suspect == nil)
    #expect(sizer.refused(heads(1...1), isTooMuch: false) == .probe)
    sizer.failed()
    #expect(sizer.suspect == nil && sizer.taken() == nil && sizer.limit == 2)
  }

  @Test func `a single event is never given up for its size`() {
    var sizer = BatchSizer(countLimit: 2)
    #expect(sizer.refused(heads(1...2), isTooMuch: true) == .again)
    #expect(sizer.refused(heads(1...1), isTooMuch: true) == .wait && sizer.suspect == nil)
  }
}

@Suite struct RetryDelayTests {
  @Test func `delays grow to half a minute with jitter`() {
    var generator = SystemRandomNumberGenerator()
    var delay = RetryDelay()
    var pauses: [Int64] = []
    for _ in 0..<20 { pauses.append(delay.fail(using: &generator)) }
    for (index, pause) in pauses.enumerated() {
      let full: Int64 = min(500 << Int64(min(index, 10)), 30_000)
      #expect((full / 2...full).contains(pause))
    }
    #expect(Set(pauses.suffix(10)).count > 1)
    delay.succeed()
    #expect(delay.fail(using: &generator) <= 500)
  }

  @Test func `the delay that a receiver asks for is respected within bounds`() {
    var generator = SystemRandomNumberGenerator()
    var delay = RetryDelay()
    #expect(delay.fail(wanted: 20_000, using: &generator) == 20_000)
    #expect(delay.fail(wanted: .max, using: &generator) == 600_000)
    delay.succeed()
    #expect(delay.fail(wanted: -5, using: &generator) >= 250)
    delay.succeed()
    #expect(delay.fail(isLasting: true, using: &generator) >= 15_000)
  }
}

@Suite struct LagMonitorTests {
  @Test func `falling behind and catching up are reported once each`() {
    var watch = LagMonitor()
    #expect(watch.update(oldest: nil, now: 0) == nil)
    #expect(watch.update(oldest: 1000, now: 61_000) == nil && watch.deadline(oldest: 1000) == 61_001)
    #expect(watch.update(oldest: 1000, now: 61_001) == .fellBehind(milliseconds: 60_001) && watch.isBehind)
    #expect(watch.update(oldest: 1000, now: 99_000) == nil && watch.deadline(oldest: 1000) == nil)
    #expect(watch.update(oldest: 98_000, now: 99_000) == nil && watch.isBehind)
    #expect(watch.update(oldest: nil, now: 99_000) == .caughtUp && !watch.isBehind)
    #expect(watch.update(oldest: nil, now: 99_000) == nil)
  }
}
