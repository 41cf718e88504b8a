import Audit
import Testing

@testable import Supervisor

@Suite struct EventBudgetsTests {
  private static let kept: UInt64 = 600 << 20

  private func subject(_ number: UInt64, _ user: String = "anna") -> Subject {
    var subject = Subject()
    (subject.sessionID, subject.user) = (EventID(high: number, low: number), user)
    return subject
  }

  private func budgets() -> EventBudgets { EventBudgets(EventBudgets.Limits(kept: Self.kept)) }

  @Test func `the first listings and changes of a minute are reported individually and further ones together`() {
    var budgets = budgets()
    let subject = subject(1)
    var told = 0
    for number in 0..<5000 {
      let type: EventType = number % 5 == 0 ? .attributesChanged : .directoryListed
      if budgets.tells(type, of: subject, 7, at: Int64(number), time: Int64(number + 1)) { told += 1 }
    }
    #expect(told == EventBudgets.listings && budgets.nextEnd == 60_000)
    let early = budgets.ended(at: 59_999)
    let counted = budgets.ended(at: 60_000)
    #expect(early.isEmpty && counted.count == 1)
    #expect(counted[0].listed == 3200 && counted[0].changed == 800 && counted[0].denied == 0)
    #expect(counted[0].first == 1001 && counted[0].last == 5000)
    #expect(counted[0].subject == subject && counted[0].connection == 7)
    let record = counted[0].record
    #expect(
      record.details == "3200 directory_listed, 800 attributes_changed, from 1970-01-01T00:00:00.001001Z to "
        + "1970-01-01T00:00:00.005000Z")
    #expect(record.type == .eventsCounted && record.reason == "many_listings" && record.type.series == .main)
    // The next minute starts with a new count.
    #expect(budgets.nextEnd == nil)
    #expect(budgets.tells(.directoryListed, of: subject, 7, at: 60_001, time: 1) == true)
  }

  @Test func `logins are counted separately, and counts are reported at the end of a login`() {
    var budgets = budgets()
    for _ in 0..<2000 { _ = budgets.tells(.directoryListed, of: subject(1), 1, at: 5, time: 5) }
    #expect(budgets.tells(.directoryListed, of: subject(2), 2, at: 5, time: 5) == true)
    #expect(budgets.end(EventID(high: 2, low: 2), "anna", at: 6) == nil)
    #expect(budgets.end(EventID(high: 1, low: 1), "anna", at: 6)?.listed == 1000)
    #expect(budgets.end(EventID(high: 1, low: 1), "anna", at: 6) == nil)
    let rest = budgets.ended(at: 100_000)
    #expect(rest.isEmpty)
  }

  @Test func `every listing is reported or counted with many logins`() {
    var budgets = budgets()
    var (told, counted, all) = (0, UInt64(0), 0)
    for number in 0..<200_000 {
      let now = Int64(number) * 3
      for count in budgets.ended(at: now) { counted += count.listed }
      let session = UInt64(number % 17 + number / 40_000)
      all += 1
      if budgets.tells(.directoryListed, of: subject(session), session, at: now, time: now) { told += 1 }
      if number % 9973 == 0 {
        counted += budgets.end(EventID(high: session, low: session), "anna", at: now)?.listed ?? 0
      }
    }
    counted += budgets.remainder().reduce(0) { $0 + $1.listed }
    #expect(UInt64(told) + counted == UInt64(all))
    let nothing = budgets.remainder()
    #expect(nothing.isEmpty)
  }

  @Test func `denials of files above half of the budget are counted and written to the series of files`() {
    var budgets = budgets()
    let limits = EventBudgets.Limits(kept: Self.kept)
    var main: Int64 = 0
    var others: UInt64 = 0
    for _ in 0..<100_000 {
      switch budgets.denial(.transferDenied, of: subject(1), 1, bytes: 1000, at: 0, time: 9) {
      case .main: main += 1000
      case .files: others += 1
      }
    }
    #expect(main <= limits.burst / 2 && main > limits.burst / 2 - 1000)
    #expect(budgets.ended(at: 60_000).map(\.denied) == [others])
    // No login waits for that; the rest of the budget is for commands.
    #expect(budgets.wait(for: "anna", at: 0) == 0)
    #expect(budgets.denial(.transferDenied, of: subject(3, "bob"), 1, bytes: 1000, at: 0, time: 9) == .main)
  }

  @Test func `denials of forwards share that half with those of files, and are counted apart`() {
    var budgets = budgets()
    for number in 0..<100_000 {
      let type = number % 2 == 0 ? EventType.transferDenied : .forwardDenied
      _ = budgets.denial(type, of: subject(1), 1, bytes: 1000, at: 0, time: 9)
    }
    let counted = budgets.ended(at: 60_000)
    let half = EventBudgets.Limits(kept: Self.kept).burst / 2
    #expect(counted.map { $0.denied + $0.forwardsDenied } == [100_000 - UInt64(half / 1000)])
    #expect(counted.allSatisfy { $0.denied > 0 && $0.forwardsDenied.distance(to: $0.denied).magnitude <= 1 })
    let text = counted.first?.record.details ?? ""
    #expect(text.contains(" transfer_denied with the events of files, ") && text.contains(" forward_denied with the"))
    #expect(counted.first?.record.reason == Reason(CountReason.manyDenials))
    #expect(budgets.wait(for: "anna", at: 0) == 0)
  }

  @Test func `one user with any number of logins cannot fill the journal in less than a day`() {
    var budgets = budgets()
    let limits = EventBudgets.Limits(kept: Self.kept)
    #expect(limits.burst == Int64(Self.kept / 10) && limits.rate == Int64(Self.kept / 86_400))
    var written: Int64 = 0
    var now: Int64 = 0
    while now < 86_400_000 {
      now += budgets.wait(for: "anna", at: now)
      _ = budgets.spend(5000, "anna", at: now)
      written += 5000
      if now == 0, written % 1_000_000 == 0 { #expect(budgets.wait(for: "bob", at: now) == 0) }
    }
    #expect(written < Int64(Self.kept) + limits.burst + 20_000 && written > Int64(Self.kept))
    // After a pause the whole budget is available again.
    now += 86_400_000
    #expect(budgets.spend(Int(limits.burst) - 1, "anna", at: now) == 0)
  }

  @Test func `a wait is limited, whatever was written before`() {
    var budgets = EventBudgets(EventBudgets.Limits(kept: 0))
    let limits = EventBudgets.Limits(kept: 0)
    for _ in 0..<1000 { _ = budgets.spend(1 << 20, "anna", at: 0) }
    let wait = budgets.wait(for: "anna", at: 0)
    #expect(wait > 0 && wait <= (limits.burst / limits.rate + 2) * 1000)
    #expect(budgets.wait(for: "anna", at: wait) == 0)
    _ = budgets.spend(.max / 4, "bob", at: .max / 4)
    #expect(budgets.wait(for: "bob", at: .max / 2) == 0)
  }

  @Test(arguments: [0, 1 << 20, 100 << 20, 600 << 20, 1 << 40, UInt64.max])
  func `no wait exceeds a tenth of a day, and the announcement states its duration`(kept: UInt64) {
    var budgets = EventBudgets(EventBudgets.Limits(kept: kept))
    for _ in 0..<4 { _ = budgets.spend(.max / 8, "anna", at: 0) }
    let wait = budgets.wait(for: "anna", at: 0)
    // The rate is rounded to bytes.
    #expect(wait > 0 && wait <= 8650 * 1000)
    #expect(budgets.wait(for: "anna", at: wait) == 0)
    #expect(EventBudgets.announcement(33_001).hasSuffix("further requests wait, up to 34 seconds"))
  }

  @Test func `the size of a line is never underestimated`() {
    let fillings: [[UInt8]] = [[0x61], [1], [0xff], [0x22], [0xc3, 0xa4], [0x5c, 0x7f], [0xe2, 0x80]]
    for filling in fillings {
      var record = AuditRecord(.commandBlocked, .denied, .exec)
      record.command = Array((0..<4096).map { filling[$0 % filling.count] })
      record.path = record.command
      record.details = String(decoding: record.command ?? [], as: UTF8.self)
      let event = AuditEvent(id: .random(), time: 0, host: "h", subject: subject(1), record: record)
      let line = JournalLine(event, sequence: 1, previous: .none).json
      #expect(record.lineSize >= line.count - 200, "\(filling)")
      #expect(record.lineSize <= 6 * line.count)
    }
  }
}
