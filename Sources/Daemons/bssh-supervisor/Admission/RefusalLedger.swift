import AccessControl
import Audit

/// Which connections that are refused make an event of their own, and which are counted, so that a flood of connections
/// does not become one of events, and all of them are told.
///
/// The first ones of a source for a reason are told at once. Those that follow are counted, and told with their number
/// at the end of the minute, and so on while they come. Sources beyond those that there is room for are counted together.
/// Decides only. Times are milliseconds of a clock that only grows.
struct RefusalLedger: Sendable {
  /// Milliseconds for which connections are counted.
  static let interval: Int64 = 60_000
  /// Connections of a source for a reason that are told before the rest is counted.
  static let burst = 5
  /// Sources and reasons that are counted apart.
  static let limit = 1024

  /// Connections that were refused and not told one by one.
  struct Count: Equatable, Sendable {
    /// nil: several.
    let source: ClientSource?
    /// nil: connections that were not refused, by which load balancers checked that the server is up.
    let refusal: ConnectionRefusal?
    var connections = 0
  }

  private struct Key: Hashable {
    let source: ClientSource?
    let refusal: ConnectionRefusal?
  }

  private struct Entry {
    var count: Count
    var end: Int64
    /// How many more are told.
    var left: Int
  }

  private var entries: [Key: Entry] = [:]
  /// No interval ends before; an early one costs a look.
  private(set) var nextEnd: Int64?

  /// A connection was refused; true: tell it.
  mutating func refuse(_ source: ClientSource, _ refusal: ConnectionRefusal, at now: Int64) -> Bool {
    let key = Key(source: source, refusal: refusal)
    if entries[key] == nil {
      guard entries.count < Self.limit else {
        count(Key(source: nil, refusal: refusal), at: now)
        return false
      }
      begin(key, telling: Self.burst, at: now)
    }
    guard let left = entries[key]?.left, left > 0 else {
      count(key, at: now)
      return false
    }
    entries[key]?.left -= 1
    return true
  }

  /// A load balancer checked that the server is up. Such connections are only counted.
  mutating func countCheck(_ source: ClientSource, at now: Int64) {
    let key = Key(source: source, refusal: nil)
    count(entries[key] == nil && entries.count >= Self.limit ? Key(source: nil, refusal: nil) : key, at: now)
  }

  /// What is to be told of those that were counted, now that intervals are over.
  mutating func ended(at now: Int64) -> [Count] {
    if let nextEnd, nextEnd > now { return [] }
    var told: [Count] = []
    for (key, entry) in entries where entry.end <= now {
      entries[key] = nil
      guard entry.count.connections > 0 else { continue }
      told.append(entry.count)
      // It goes on, and is counted from its first connection.
      if key.source != nil { begin(key, telling: 0, at: now) }
    }
    nextEnd = entries.values.map(\.end).min()
    return told.sorted { $0.connections > $1.connections }
  }

  /// All that was counted, when the server ends.
  mutating func rest() -> [Count] {
    let rest = entries.values.map(\.count).filter { $0.connections > 0 }
    entries = [:]
    nextEnd = nil
    return rest.sorted { $0.connections > $1.connections }
  }

  private mutating func count(_ key: Key, at now: Int64) {
    if entries[key] == nil { begin(key, telling: 0, at: now) }
    entries[key]?.count.connections += 1
  }

  private mutating func begin(_ key: Key, telling left: Int, at now: Int64) {
    let end = now + Self.interval
    entries[key] = Entry(count: Count(source: key.source, refusal: key.refusal), end: end, left: left)
    nextEnd = min(nextEnd ?? end, end)
  }
}
