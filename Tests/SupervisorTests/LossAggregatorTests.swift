import Audit
import IPC
import Testing

@testable import Supervisor

@Suite struct LossAggregatorTests {
  private func loss(_ first: UInt64, _ count: UInt64, _ reason: ExportLoss = .rejected) -> LossAggregator.Loss {
    LossAggregator.Loss(reason: reason, first: first, count: count)
  }

  @Test func `the first loss of each kind is reported immediately and those of a minute together`() {
    var tally = LossAggregator()
    #expect(tally.add(loss(5, 2), at: 0) == loss(5, 2))
    #expect(tally.deadline == nil)
    #expect(tally.add(loss(9, 3), at: 10) == nil && tally.add(loss(7, 1), at: 59_999) == nil)
    // Another reason is independent.
    #expect(tally.add(loss(1, 1, .noLongerInJournal), at: 20) == loss(1, 1, .noLongerInJournal))
    #expect(tally.deadline == 60_000)
    #expect(tally.due(at: 59_999) == [])
    #expect(tally.due(at: 60_000) == [loss(7, 4)])
    #expect(tally.due(at: 60_000) == [] && tally.deadline == nil)
    #expect(tally.add(loss(20, 1), at: 60_001) == nil)
    #expect(tally.due(at: 120_000) == [loss(20, 1)])
    #expect(tally.add(loss(30, 1), at: 180_000) == loss(30, 1))
  }

  @Test func `a receiver that rejects reports of its rejections gets one per minute`() {
    var tally = LossAggregator()
    var told: [LossAggregator.Loss] = []
    for now in stride(from: Int64(0), to: 600_000, by: 100) {
      told += tally.due(at: now)
      if let loss = tally.add(loss(UInt64(now), 1), at: now) { told.append(loss) }
    }
    #expect(told.count == 10)
    told += tally.takeAll()
    let count: UInt64 = told.reduce(0) { $0 + $1.count }
    #expect(count == 6000)
  }

  @Test func `large numbers do not trap, and at the end nothing is deferred`() {
    var tally = LossAggregator()
    for _ in 0..<3 { _ = tally.add(loss(1, .max), at: 0) }
    #expect(tally.takeAll() == [loss(1, .max)])
    #expect(tally.takeAll() == [] && tally.deadline == nil)
  }
}
