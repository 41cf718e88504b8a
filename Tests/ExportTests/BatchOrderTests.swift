import Audit
import JournalReader
import Testing

@testable import Export

@Suite struct BatchOrderTests {
  private func head(_ number: UInt64, _ series: JournalSeries = .main) -> LineHead {
    LineHead(sequence: number, id: EventID(high: number, low: UInt64(series.rawValue)), series: series)
  }

  private func sent(_ heads: LineHead...) -> BatchOrder {
    var order = BatchOrder()
    for head in heads { order.sent(BatchOrder.Mark(head, at: nil, time: Int64(head.sequence))) }
    return order
  }

  @Test func `confirming an event confirms earlier batches of the other series`() {
    var order = sent(head(5), head(3, .files), head(9), head(8, .files))
    #expect(order.oldest == 5)
    // Within the third batch.
    #expect(order.done(head(7), at: nil).map(\.head) == [head(7), head(3, .files)])
    #expect(order.oldest == 9)
    #expect(order.done(head(9), at: nil).map(\.head) == [head(9)])
    #expect(!order.isEmpty && order.oldest == 8)
    #expect(order.done(head(8, .files), at: nil).map(\.head) == [head(8, .files)])
    #expect(order.isEmpty && order.oldest == nil)
  }

  @Test func `confirming an event does not confirm later batches`() {
    var order = sent(head(5), head(3, .files))
    #expect(order.done(head(5), at: nil).map(\.head) == [head(5)])
    #expect(!order.isEmpty)
  }

  @Test func `many confirmed batches are dropped and no unconfirmed one`() {
    var order = BatchOrder()
    for number in 1...1000 as ClosedRange<UInt64> {
      order.sent(BatchOrder.Mark(head(number), at: nil, time: Int64(number)))
      if number > 3 { _ = order.done(head(number - 3), at: nil) }
    }
    #expect(order.oldest == 998)
  }
}
