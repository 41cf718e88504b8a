import AccessControl
import Audit
import Testing

@testable import Supervisor

@Suite struct RefusalAggregatorTests {
  private func source(_ number: Int) -> ClientSource {
    ClientSource(IPAddress("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)")!)
  }

  /// For each time, whether a connection is reported individually.
  private func refuse(
    _ ledger: inout RefusalAggregator, _ number: Int, _ refusal: ConnectionRefusal = .banned, at times: [Int64]
  ) -> [Bool] {
    times.map { ledger.refuse(source(number), refusal, at: $0) }
  }

  @Test func `the first connections of a source and reason are reported individually and further ones counted`() {
    var ledger = RefusalAggregator()
    #expect(refuse(&ledger, 1, at: [0, 1, 2, 3, 4, 5, 6, 41]) == [true, true, true, true, true, false, false, false])
    #expect(refuse(&ledger, 1, .rateLimited, at: [0]) == [true])
    #expect(refuse(&ledger, 2, at: [10]) == [true])
    #expect(ledger.nextEnd == 60_000)
    let early = ledger.ended(at: 59_999)
    let ended = ledger.ended(at: 60_000)
    #expect(early.isEmpty && ended == [.init(source: source(1), refusal: .banned, connections: 3)])
  }

  @Test func `a continuing flood is reported once a minute, and after its end reports are individual again`() {
    var ledger = RefusalAggregator()
    #expect(refuse(&ledger, 1, at: [0, 0, 0, 0, 0]) == [true, true, true, true, true])
    for minute: Int64 in 0..<5 {
      let told = refuse(&ledger, 1, at: [Int64](repeating: minute * 60_000 + 1, count: 1000))
      let ended = ledger.ended(at: (minute + 1) * 60_000)
      #expect(!told.contains(true) && ended.map(\.connections) == [1000])
    }
    let last = ledger.ended(at: 360_000)
    #expect(last.isEmpty && ledger.nextEnd == nil)
    #expect(refuse(&ledger, 1, at: [360_001]) == [true])
  }

  @Test func `health checks are only reported by their number`() {
    var ledger = RefusalAggregator()
    for _ in 0..<30 { ledger.countCheck(source(1), at: 0) }
    let early = ledger.ended(at: 59_999)
    let ended = ledger.ended(at: 60_000)
    #expect(early.isEmpty)
    #expect(ended == [.init(source: source(1), refusal: nil, connections: 30)])
    for number in 0..<2 * RefusalAggregator.limit { ledger.countCheck(source(number), at: 60_001) }
    let rest = ledger.remainder()
    #expect(rest.reduce(0) { $0 + $1.connections } == 2 * RefusalAggregator.limit)
  }

  @Test func `with many sources every connection is reported or counted, and memory is bounded`() {
    var ledger = RefusalAggregator()
    var told = 0
    var counted = 0
    let total = 20_000
    for number in 0..<total {
      let now = Int64(number) * 10
      for count in ledger.ended(at: now) { counted += count.connections }
      if ledger.refuse(source(number % 5000), number % 3 == 0 ? .banned : .rateLimited, at: now) { told += 1 }
    }
    let rest = ledger.remainder()
    counted += rest.reduce(0) { $0 + $1.connections }
    #expect(told + counted == total)
    #expect(told < total)
    #expect(rest.contains { $0.source == nil })
    let nothing = ledger.remainder()
    #expect(nothing.isEmpty && ledger.nextEnd == nil)
  }
}
