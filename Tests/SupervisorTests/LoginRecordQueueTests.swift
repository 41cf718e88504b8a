import IPC
import Testing

@testable import Supervisor

@Suite struct LoginRecordQueueTests {
  private static func item(_ kind: LoginEntry.Kind, _ terminal: Int, of connection: UInt64 = 1) -> LoginRecordQueue.Item
  {
    LoginRecordQueue.Item(
      LoginEntry(kind, user: "bob", uid: 1, terminal: "pts/\(terminal)", process: 7, address: "::1"), of: connection)
  }

  private let began = item(.began, 3)
  private let ended = item(.ended, 3)
  private let other = item(.began, 4, of: 2)

  /// The entries without the number of deaths.
  private func entries(_ items: [LoginRecordQueue.Item]) -> [LoginEntry] { items.map(\.entry) }

  private func ledger(_ items: [LoginRecordQueue.Item]) -> LoginRecordQueue {
    var ledger = LoginRecordQueue()
    for item in items { ledger.add(item) }
    return ledger
  }

  private func answer(_ ledger: inout LoginRecordQueue, _ recorder: UInt64, _ item: LoginRecordQueue.Item? = nil)
    -> LoginEntry?
  {
    ledger.acknowledge(by: recorder) { item?.isSame(as: $0) ?? true }?.entry
  }

  private func end(
    _ ledger: inout LoginRecordQueue, _ recorder: UInt64, isOn: (UInt64) -> Bool = { _ in true }
  ) -> [LoginEntry] {
    entries(ledger.end(recorder) { isOn($0.connection) })
  }

  @Test func `entries are sent once in order and confirmed in that order`() {
    var ledger = ledger([began, other, ended])
    #expect(ledger.isWaiting)
    #expect(ledger.dequeue(for: 1) == [began, other, ended])
    #expect(!ledger.isWaiting)
    #expect(ledger.dequeue(for: 1) == [])
    #expect(ledger.count == 3)
    #expect(answer(&ledger, 2) == nil)
    #expect(answer(&ledger, 1, other) == nil)
    for item in [began, other, ended] { #expect(answer(&ledger, 1, item) == item.entry) }
    #expect(answer(&ledger, 1) == nil)
    #expect(ledger.count == 0)
  }

  @Test func `the entries of a dead recorder are sent to the next one before later entries`() {
    var ledger = ledger([began, other])
    _ = ledger.dequeue(for: 1)
    #expect(answer(&ledger, 1) == began.entry)
    ledger.add(ended)
    #expect(end(&ledger, 1) == [])
    #expect(entries(ledger.dequeue(for: 2)) == entries([other, ended]))
    #expect(answer(&ledger, 2, other) != nil)
    #expect(answer(&ledger, 2, ended) != nil)
    #expect(ledger.count == 0)
  }

  @Test func `an end does not overtake its start at a retired recorder`() {
    var ledger = ledger([began])
    _ = ledger.dequeue(for: 1)
    ledger.add(ended)
    ledger.add(other)
    // The other login is not affected.
    #expect(ledger.dequeue(for: 2) == [other])
    #expect(ledger.isWaiting)
    var died = ledger
    #expect(answer(&ledger, 1) == began.entry)
    #expect(ledger.dequeue(for: 2) == [ended])
    #expect(end(&died, 1) { _ in false } == [])
    #expect(entries(died.dequeue(for: 2)) == entries([began, ended]))
  }

  @Test func `a start whose end is already in the records is dropped`() {
    var ledger = ledger([began, other])
    _ = ledger.dequeue(for: 1)
    #expect(end(&ledger, 1) { $0 == 2 } == entries([began]))
    #expect(entries(ledger.dequeue(for: 2)) == entries([other]))
  }

  @Test func `an entry is dropped after three recorders died with it`() {
    var ledger = ledger([began, other])
    for recorder in 1...3 as ClosedRange<UInt64> {
      #expect(entries(ledger.dequeue(for: recorder)) == entries([began, other]))
      #expect(end(&ledger, recorder) == (recorder == 3 ? entries([began]) : []))
    }
    #expect(entries(ledger.dequeue(for: 4)) == entries([other]))
    #expect(end(&ledger, 5) == [])
  }

  @Test func `a long queue loses no entry and keeps the order`() {
    var ledger = LoginRecordQueue()
    for number in 0..<3000 { ledger.add(Self.item(.began, number)) }
    #expect(ledger.dequeue(for: 1).count == 3000)
    for number in 0..<1999 { #expect(answer(&ledger, 1)?.terminal == "pts/\(number)") }
    #expect(ledger.count == 1001)
    #expect(end(&ledger, 1) == [])
    #expect(ledger.dequeue(for: 2).map(\.entry.terminal) == (1999..<3000).map { "pts/\($0)" })
  }
}
