/// The history of client sources: connection rates, failures and bans.
///
/// All times are milliseconds of a monotonic clock. Memory is bounded: when the table is full, a new source replaces
/// the least dangerous one, and a ban is only replaced for a source that failed.
public struct SourceTable: Sendable {
  /// Limits per source, and the bans that enforce them.
  public struct Limits: Equatable, Sendable {
    /// Maximum rate of connections; nil: unlimited.
    public var rate: TokenBucket.Rate?
    /// Number of failures that leads to a ban; 0: no bans at all.
    public var failures: Int
    /// Number of connections with refused keys only that leads to a ban; 0: they lead to none.
    public var keyFailures: Int
    /// Milliseconds for which failures are counted.
    public var window: Int64
    /// Length of the first ban in milliseconds.
    public var banTime: Int64
    /// Factor by which each consecutive ban is longer than the one before.
    public var banFactor: Int64
    /// Maximum length of a ban in milliseconds. After this time without failures, earlier bans are forgotten.
    public var maxBanTime: Int64

    public init(
      rate: TokenBucket.Rate?, failures: Int, keyFailures: Int, window: Int64, banTime: Int64, banFactor: Int64,
      maxBanTime: Int64
    ) {
      self.rate = rate
      self.failures = failures
      self.keyFailures = keyFailures
      self.window = window
      self.banTime = banTime
      self.banFactor = banFactor
      self.maxBanTime = maxBanTime
    }

    /// Length in milliseconds of the `count`-th consecutive ban.
    func banTime(count: Int) -> Int64 {
      var time = min(banTime, maxBanTime)
      for _ in 1..<max(count, 1) where time < maxBanTime {
        let (longer, isOver) = time.multipliedReportingOverflow(by: banFactor)
        if longer == time { break }
        time = isOver ? maxBanTime : min(longer, maxBanTime)
      }
      return time
    }
  }

  /// Maximum number of sources that are remembered.
  public static let capacity = 65_536

  /// The current limits; existing bans are not changed when they are replaced.
  public var limits: Limits
  private let capacity: Int
  private var records: [Record] = []
  private var places: [ClientSource: Int32] = [:]
  /// Indices of unused records.
  private var vacant: [Int32] = []
  /// One list per ``Grade``, most recently used first.
  private var orders = [RecencyOrder](repeating: RecencyOrder(), count: Grade.allCases.count)

  public init(limits: Limits, capacity: Int = SourceTable.capacity) {
    self.limits = limits
    self.capacity = max(capacity, 1)
  }

  /// The number of sources that are remembered.
  public var count: Int { places.count }

  /// Decides whether a source may connect now; nil: it may, and the connection is counted towards its rate.
  public mutating func connect(_ source: ClientSource, at now: Int64) -> Refusal? {
    forgetSome(at: now)
    if let place = places[source] {
      refresh(place, at: now)
      if records[Int(place)].banEnd > now { return .banned(milliseconds: records[Int(place)].banEnd - now) }
    }
    guard let rate = limits.rate, let place = place(for: source, mayEvict: .formerlyBanned) else { return nil }
    let wait = records[Int(place)].bucket.take(rate, at: now)
    return wait > 0 ? .rateLimited : nil
  }

  /// How often other connections are closed to make room for a source: 5 times at once, then once a minute.
  static let roomRate = TokenBucket.Rate(interval: 60_000, burst: 5)

  /// Milliseconds for which no room is made for a source after one of its own connections was closed to make room.
  static let displacedTime: Int64 = 10_000

  /// Decides whether another connection may be closed to make room for one of `source`, and counts it if so.
  ///
  /// This keeps a crowd that reconnects immediately from displacing those who came after it.
  mutating func makeRoom(for source: ClientSource, at now: Int64) -> Bool {
    guard let place = place(for: source, mayEvict: .formerlyBanned) else { return true }
    refresh(place, at: now)
    guard records[Int(place)].displacedEnd <= now else { return false }
    return records[Int(place)].room.take(Self.roomRate, at: now) == 0
  }

  /// Records that a connection of `source` was closed to make room for another source.
  mutating func displace(_ source: ClientSource, at now: Int64) {
    guard let place = place(for: source, mayEvict: .quiet) else { return }
    records[Int(place)].displacedEnd = now + Self.displacedTime
  }

  /// Resets the room limit of `source`, because one of its connections has logged in.
  mutating func restoreRoom(of source: ClientSource) {
    guard let place = places[source] else { return }
    records[Int(place)].room = TokenBucket()
  }

  /// Counts failures; returns the ban that begins with them, if any. Failures during a ban are not counted.
  public mutating func fail(_ source: ClientSource, times: Int = 1, at now: Int64) -> Ban? {
    count(\.failures, limits.failures, source, times, at: now)
  }

  /// Counts a connection that offered only keys, all of which were refused; returns the ban that begins with it, if
  /// any.
  public mutating func refuseKeys(_ source: ClientSource, at now: Int64) -> Ban? {
    count(\.keyFailures, limits.keyFailures, source, 1, at: now)
  }

  /// The two kinds of failure are counted separately and lead to the same bans.
  private mutating func count(
    _ kind: WritableKeyPath<Record, [Int64]>, _ limit: Int, _ source: ClientSource, _ times: Int, at now: Int64
  ) -> Ban? {
    guard limits.failures > 0, limit > 0, times > 0, let place = place(for: source, mayEvict: .banned) else {
      return nil
    }
    refresh(place, at: now)
    let i = Int(place)
    guard records[i].banEnd <= now else { return nil }
    records[i].misbehaviorTime = now
    guard records[i][keyPath: kind].count + min(times, limit) >= limit else {
      records[i][keyPath: kind] += Array(repeating: now, count: times)
      regrade(place, at: now)
      return nil
    }
    records[i].failures = []
    records[i].keyFailures = []
    records[i].banCount += 1
    let time = limits.banTime(count: Int(records[i].banCount))
    records[i].banEnd = now + time
    records[i].isBanEndUnreported = true
    records[i].misbehaviorTime = now + time
    regrade(place, at: now)
    return Ban(source: source, end: records[i].banEnd, count: Int(records[i].banCount))
  }

  /// Removes the last failures, because the client has since logged in.
  public mutating func forgive(_ source: ClientSource, times: Int, at now: Int64) {
    guard let place = places[source] else { return }
    let i = Int(place)
    records[i].failures.removeLast(min(max(times, 0), records[i].failures.count))
    regrade(place, at: now)
  }

  /// The ban of a source that is in effect, if any.
  public func ban(of source: ClientSource, at now: Int64) -> Ban? {
    guard let place = places[source] else { return nil }
    let record = records[Int(place)]
    return record.banEnd > now ? Ban(source: source, end: record.banEnd, count: Int(record.banCount)) : nil
  }

  /// Reports the end of a source's ban, once; nil if it has no ban, or one that is still in effect.
  public mutating func endBan(of source: ClientSource, at now: Int64) -> Ban? {
    guard let place = places[source], records[Int(place)].isBanEndUnreported, records[Int(place)].banEnd <= now else {
      return nil
    }
    records[Int(place)].isBanEndUnreported = false
    let record = records[Int(place)]
    regrade(place, at: now)
    return Ban(source: source, end: record.banEnd, count: Int(record.banCount))
  }

  /// All bans that are in effect or still lengthen the next one.
  public func bans(at now: Int64) -> [Ban] {
    records.compactMap { record in
      guard record.banCount > 0, record.misbehaviorTime + limits.maxBanTime > now else { return nil }
      return Ban(source: record.source, end: record.banEnd, count: Int(record.banCount))
    }
  }

  /// Restores saved bans, shortened to the maximum length where necessary.
  public mutating func restore(_ bans: [Ban], at now: Int64) {
    for ban in bans where ban.count > 0 {
      let end = min(ban.end, now + limits.maxBanTime)
      guard end + limits.maxBanTime > now, let place = place(for: ban.source, mayEvict: .formerlyBanned) else {
        continue
      }
      let i = Int(place)
      records[i].banEnd = max(end, records[i].banEnd)
      if end > now { records[i].isBanEndUnreported = true }
      records[i].misbehaviorTime = max(records[i].banEnd, records[i].misbehaviorTime)
      records[i].banCount = max(Int32(clamping: ban.count), records[i].banCount)
      regrade(place, at: now)
    }
  }

  /// The number of failures of a source within the window.
  public func failures(of source: ClientSource, at now: Int64) -> Int {
    guard let place = places[source] else { return 0 }
    return records[Int(place)].failures.count { $0 + limits.window > now }
  }

  // MARK: Records

  /// Drops events that no longer count.
  private mutating func refresh(_ place: Int32, at now: Int64) {
    let i = Int(place)
    for kind in [\Record.failures, \.keyFailures] {
      guard let oldest = records[i][keyPath: kind].first, oldest + limits.window <= now else { continue }
      records[i][keyPath: kind].removeAll { $0 + limits.window <= now }
    }
    if records[i].misbehaviorTime + limits.maxBanTime <= now { records[i].banCount = 0 }
    regrade(place, at: now)
  }

  private mutating func regrade(_ place: Int32, at now: Int64) {
    let i = Int(place)
    orders[records[i].grade.rawValue].remove(place, &records)
    records[i].grade = records[i].grade(at: now)
    orders[records[i].grade.rawValue].add(place, &records)
  }

  /// The record of a source, created if necessary. If the table is full, a record of at most grade `mayEvict` is
  /// replaced; nil if there is none.
  private mutating func place(for source: ClientSource, mayEvict: Grade) -> Int32? {
    if let place = places[source] { return place }
    if places.count >= capacity {
      guard let victim = orders.prefix(mayEvict.rawValue + 1).lazy.compactMap(\.last).first else { return nil }
      forget(victim)
    }
    let place: Int32
    if let free = vacant.popLast() {
      place = free
      records[Int(place)] = Record(source)
    } else {
      place = Int32(records.count)
      records.append(Record(source))
    }
    places[source] = place
    orders[Grade.quiet.rawValue].add(place, &records)
    return place
  }

  private mutating func forget(_ place: Int32) {
    let record = records[Int(place)]
    orders[record.grade.rawValue].remove(place, &records)
    places[record.source] = nil
    records[Int(place)] = Record(record.source)
    vacant.append(place)
  }

  /// Removes a few records that no longer matter: at least as many as one new source needs.
  private mutating func forgetSome(at now: Int64) {
    for grade in Grade.allCases {
      for _ in 0..<2 {
        guard let place = orders[grade.rawValue].last, records[Int(place)].isForgettable(limits, at: now) else { break }
        forget(place)
      }
    }
  }
}
