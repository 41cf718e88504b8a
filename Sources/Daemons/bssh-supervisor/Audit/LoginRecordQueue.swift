import IPC
import Wire

/// The queue of entries for the login records: the starts and ends of logins.
///
/// Entries are sent to a recorder in order. Those that a recorder had not written when it died are sent to the next one,
/// because an entry of utmp(5) without its end would remain forever. A recorder replies in the order of the entries.
struct LoginRecordQueue: Equatable, Sendable {
  /// Number of waiting entries above which no more starts are accepted. Each end belongs to a start that was accepted.
  static let limit = 1024
  /// Number of recorders that may die with an entry before it is dropped.
  static let attempts = 3

  /// An entry and its connection.
  struct Item: Equatable, Sendable {
    let entry: LoginEntry
    let connection: UInt64
    /// Number of recorders that have died with it.
    fileprivate(set) var deaths = 0

    init(_ entry: LoginEntry, of connection: UInt64) {
      self.entry = entry
      self.connection = connection
    }

    /// True if both are the same entry, regardless of the number of dead recorders.
    func isSame(as other: Item) -> Bool { entry == other.entry && connection == other.connection }

    /// True if this is the end of the login that `other` starts.
    fileprivate func ends(_ other: Item) -> Bool {
      entry.kind == .ended && other.entry.kind == .began && connection == other.connection
        && entry.terminal == other.entry.terminal
    }
  }

  /// The entries that no recorder has, in order.
  private var waiting: [Item] = []
  /// The entries that were sent to each recorder and not confirmed, in order.
  private var outstanding: [UInt64: FIFO<Item>] = [:]

  /// True if there are entries to send.
  var isWaiting: Bool { !waiting.isEmpty }
  /// Number of entries that are not in the records yet.
  var count: Int { waiting.count + outstanding.values.reduce(0) { $0 + $1.count } }

  /// Adds an entry.
  mutating func add(_ item: Item) { waiting.append(item) }

  /// Assigns the waiting entries to a recorder, in order, except ends whose start another recorder may still write.
  mutating func dequeue(for recorder: UInt64) -> [Item] {
    let others = outstanding.filter { $0.key != recorder }.values.joined()
    func isHeld(_ item: Item) -> Bool { others.contains { item.ends($0) } }
    let items = waiting.filter { !isHeld($0) }
    waiting.removeAll { !isHeld($0) }
    outstanding[recorder, default: FIFO()].append(contentsOf: items)
    return items
  }

  /// Handles a recorder's reply about its oldest entry, and returns that; nil: it does not match.
  ///
  /// - Parameter isMeant: returns true if the reply matches the entry.
  mutating func acknowledge(by recorder: UInt64, _ isMeant: (Item) -> Bool) -> Item? {
    guard let item = outstanding[recorder]?.first, isMeant(item) else { return nil }
    outstanding[recorder]?.removeFirst()
    return item
  }

  /// Handles the end of a recorder. Its entries wait for another one, before later entries.
  ///
  /// - Parameter isOn: returns true if the login of this start still exists. The start of a login whose end was written
  ///   already would remain in utmp(5) forever.
  /// - Returns: the entries that are dropped.
  mutating func end(_ recorder: UInt64, isOn: (Item) -> Bool) -> [Item] {
    guard let lost = outstanding.removeValue(forKey: recorder).map(Array.init) else { return [] }
    var kept: [Item] = []
    var leftOut: [Item] = []
    for (index, item) in lost.enumerated() {
      var item = item
      // Only the first entry can be the cause of its death.
      if index == 0 { item.deaths += 1 }
      let hasEnd = (lost + waiting).contains { $0.ends(item) }
      let isOver = item.entry.kind == .began && !hasEnd && !isOn(item)
      if item.deaths < Self.attempts && !isOver { kept.append(item) } else { leftOut.append(item) }
    }
    waiting = kept + waiting
    return leftOut
  }
}
