import IPC
import Wire

/// Beginnings and ends of logins, until they are in the login records.
///
/// They go to a recorder in their order. What one had not written when it died goes to the next one: an entry of utmp(5)
/// without its end would stay for ever. A recorder answers in the order in which it was told.
struct LoginLedger: Equatable, Sendable {
  /// Entries that may wait before no more beginnings are taken. Each of the ends belongs to a beginning that was.
  static let limit = 1024
  /// Recorders that may die with an entry before it is left out.
  static let attempts = 3

  /// An entry, and whose it is.
  struct Item: Equatable, Sendable {
    let entry: LoginEntry
    let connection: UInt64
    /// Recorders that have died with it.
    fileprivate(set) var deaths = 0

    init(_ entry: LoginEntry, of connection: UInt64) {
      self.entry = entry
      self.connection = connection
    }

    /// True when both are the same entry, however many recorders have died.
    func isSame(as other: Item) -> Bool { entry == other.entry && connection == other.connection }

    /// True when it is the end of a login, and `other` its beginning.
    fileprivate func ends(_ other: Item) -> Bool {
      entry.kind == .ended && other.entry.kind == .began && connection == other.connection
        && entry.terminal == other.entry.terminal
    }
  }

  /// What no recorder has, in order.
  private var waiting: [Item] = []
  /// What each recorder was told and has not answered, in order.
  private var told: [UInt64: FIFO<Item>] = [:]

  /// True when there is something to tell a recorder.
  var isWaiting: Bool { !waiting.isEmpty }
  /// Entries that are not in the records yet.
  var count: Int { waiting.count + told.values.reduce(0) { $0 + $1.count } }

  /// Something is to go into the records.
  mutating func add(_ item: Item) { waiting.append(item) }

  /// Gives a recorder what waits, in order: but no end whose beginning another recorder may write behind it.
  mutating func tell(_ recorder: UInt64) -> [Item] {
    let others = told.filter { $0.key != recorder }.values.joined()
    func isHeld(_ item: Item) -> Bool { others.contains { item.ends($0) } }
    let items = waiting.filter { !isHeld($0) }
    waiting.removeAll { !isHeld($0) }
    told[recorder, default: FIFO()].append(contentsOf: items)
    return items
  }

  /// A recorder has dealt with the oldest that it was told of; nil: it was told of nothing such.
  ///
  /// - Parameter isMeant: whether it is what the recorder says that it is.
  mutating func answer(by recorder: UInt64, _ isMeant: (Item) -> Bool) -> Item? {
    guard let item = told[recorder]?.first, isMeant(item) else { return nil }
    told[recorder]?.removeFirst()
    return item
  }

  /// A recorder has ended. What it had waits for another one, before what came later.
  ///
  /// - Parameter isOn: whether the login of this beginning goes on. One that does not, and whose end was told already,
  ///   would be in utmp(5) for ever.
  /// - Returns: what is left out.
  mutating func end(_ recorder: UInt64, isOn: (Item) -> Bool) -> [Item] {
    guard let lost = told.removeValue(forKey: recorder).map(Array.init) else { return [] }
    var kept: [Item] = []
    var leftOut: [Item] = []
    for (index, item) in lost.enumerated() {
      var item = item
      // Only the first can be what it died of; what it had not come to goes on as before.
      if index == 0 { item.deaths += 1 }
      let hasEnd = (lost + waiting).contains { $0.ends(item) }
      let isOver = item.entry.kind == .began && !hasEnd && !isOn(item)
      if item.deaths < Self.attempts && !isOver { kept.append(item) } else { leftOut.append(item) }
    }
    waiting = kept + waiting
    return leftOut
  }
}
