import AccessControl
import Audit

/// Decides which refused connections are reported individually and which are counted, so that a flood of connections
/// does not cause a flood of events.
///
/// The first ``burst`` connections of a source for a reason are reported immediately. Further ones are counted, and
/// their number is reported at the end of each ``interval``. Sources above ``limit`` are counted together. Times are
/// milliseconds of the monotonic clock.
struct RefusalAggregator: Sendable {
  /// The interval in which connections are counted, in milliseconds.
  static let interval: Int64 = 60_000
  /// Number of connections of a source for a reason that are reported individually.
  static let burst = 5
  /// Maximum number of pairs of source and reason that are counted separately.
  static let limit = 1024

  /// Refused connections that are reported together.
  struct Count: Equatable, Sendable {
    /// The source; nil: several.
    let source: ClientSource?
    /// The reason; nil: health checks by load balancers, which were not refused.
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
    /// How many more connections are reported individually.
    var left: Int
  }

  private var entries: [Key: Entry] = [:]
  /// The earliest end of an interval; it may be earlier than that.
  private(set) var nextEnd: Int64?

  /// Counts a refused connection; true: report it individually.
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

  /// Counts a health check by a load balancer. These are never reported individually.
  mutating func countCheck(_ source: ClientSource, at now: Int64) {
    let key = Key(source: source, refusal: nil)
    count(entries[key] == nil && entries.count >= Self.limit ? Key(source: nil, refusal: nil) : key, at: now)
  }

  /// Ends the intervals that are over, and returns the counts to report.
  mutating func ended(at now: Int64) -> [Count] {
    if let nextEnd, nextEnd > now { return [] }
    var told: [Count] = []
    for (key, entry) in entries where entry.end <= now {
      entries[key] = nil
      guard entry.count.connections > 0 else { continue }
      told.append(entry.count)
      // In the next interval, all connections are counted from the first one.
      if key.source != nil { begin(key, telling: 0, at: now) }
    }
    nextEnd = entries.values.map(\.end).min()
    return told.sorted { $0.connections > $1.connections }
  }

  /// Returns all counts, because the daemon ends.
  mutating func remainder() -> [Count] {
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
