/// Limits connections that have not logged in, in total and per source, and makes room for new sources.
///
/// A source without such connections is a newcomer. It is never dropped at random. If the limit is reached, it
/// displaces another connection: among those that have progressed least, the oldest one of the largest group. Random
/// early drop applies only to sources that hold their share or more: from three tenths of the limit on, their further
/// connections are refused with growing probability. sshd_config(5), MaxStartups
public struct StartLimiter: Sendable {
  /// How many connections may be without a login.
  public struct Limits: Equatable, Sendable {
    /// In total.
    public var total: Int
    /// Per source; at most half of the total.
    public var perSource: Int

    public init(total: Int, perSource: Int) {
      self.total = max(total, 1)
      self.perSource = min(max(perSource, 1), max(total / 2, 1))
    }
  }

  /// The decision about a new connection.
  public enum Verdict: Equatable, Sendable {
    /// It is admitted.
    case start
    /// It is admitted if the connection with this number is closed.
    case startInPlace(of: UInt64)
    /// It is refused.
    case refuse(Refusal)
  }

  /// A connection that has been admitted and has not finished.
  private enum Start {
    case limited(ClientSource, StartProgress)
    /// Exempt from the limits: never closed to make room, and not counted for its source.
    case exempt
    /// Displaced by another connection, and not closed yet.
    case leaving
  }

  /// Connections that have requested a login are displaced only if their network holds more than this many of them.
  public static let crowdSize = 5

  /// The current limits.
  public var limits: Limits
  private var starts: [UInt64: Start] = [:]
  /// One per ``StartProgress``.
  private var crowds = [Crowd](repeating: Crowd(), count: StartProgress.allCases.count)
  private var counts: [ClientSource: Int] = [:]
  /// Connections that have been displaced and are not closed yet; never more than the limit.
  public private(set) var leavingCount = 0

  public init(limits: Limits) { self.limits = limits }

  /// Connections without a login, not counting displaced ones.
  public var total: Int { starts.count - leavingCount }

  /// Connections without a login from `source`, not counting exempt ones.
  public func count(of source: ClientSource) -> Int { counts[source] ?? 0 }

  /// Decides whether one more connection may start.
  ///
  /// - Parameters:
  ///   - isFull: the limit on all connections is reached, so that even below the limits here another one must be
  ///     closed.
  ///   - random: a random number in 0..<1.
  public func verdict(on source: ClientSource, isFull: Bool, random: Double) -> Verdict {
    let own = count(of: source)
    if own >= limits.perSource { return .refuse(.tooManyFromSource) }
    guard isFull || total >= limits.total else {
      return isDropped(own: own, random: random) ? .refuse(.tooManyUnauthenticated) : .start
    }
    guard own == 0, let other = candidate(for: source.network) else {
      return .refuse(isFull ? .maxConnections : .tooManyUnauthenticated)
    }
    return .startInPlace(of: other)
  }

  /// Decides whether one more exempt connection may start.
  public func verdictOnExempt(of source: ClientSource, isFull: Bool) -> Verdict {
    guard isFull else { return .start }
    return candidate(for: source.network).map { .startInPlace(of: $0) } ?? .refuse(.maxConnections)
  }

  /// Random early drop. A source's share is the limit divided by the number of sources.
  private func isDropped(own: Int, random: Double) -> Bool {
    let share = max(limits.total / max(counts.count + (own == 0 ? 1 : 0), 1), 1)
    guard own >= share else { return false }
    let start = limits.total * 3 / 10
    return random * Double(limits.total - start) < Double(total - start)
  }

  /// The connection to close for a newcomer from `network`; nil if there is none.
  private func candidate(for network: AddressRange) -> UInt64? {
    guard leavingCount < limits.total else { return nil }
    for progress in StartProgress.allCases {
      let crowd = crowds[progress.rawValue]
      guard let (range, count) = crowd.largestNetwork else { continue }
      switch progress {
      case .connected, .keyExchange: return crowd.candidate
      case .asked:
        // A client at a prompt cannot be told from an attacker who waits there; only the number of connections shows a
        // crowd.
        let networks = crowd.networkCount + (crowd.contains(network) ? 0 : 1)
        return count > max(limits.total / networks, Self.crowdSize) && range != network ? crowd.candidate : nil
      case .settled: return nil
      }
    }
    return nil
  }

  /// Counts a new connection. `number` must be larger than all earlier numbers.
  public mutating func start(_ number: UInt64, of source: ClientSource) {
    starts[number] = .limited(source, .connected)
    crowds[StartProgress.connected.rawValue].insert(number, of: source)
    counts[source, default: 0] += 1
  }

  /// Counts a new connection that is exempt from the limits.
  public mutating func startExempt(_ number: UInt64) { starts[number] = .exempt }

  /// Records the progress of a connection.
  public mutating func advance(_ number: UInt64, to progress: StartProgress) {
    guard case .limited(let source, let old)? = starts[number], old != progress else { return }
    crowds[old.rawValue].remove(number, of: source)
    crowds[progress.rawValue].insert(number, of: source)
    starts[number] = .limited(source, progress)
  }

  /// Displaces a connection: it is no longer counted, but remains until it finishes. Returns its source; nil if it
  /// cannot be displaced.
  @discardableResult
  public mutating func leave(_ number: UInt64) -> ClientSource? {
    guard case .limited(let source, _)? = starts[number] else { return nil }
    finish(number)
    starts[number] = .leaving
    leavingCount += 1
    return source
  }

  /// Removes a connection that has logged in or ended.
  public mutating func finish(_ number: UInt64) {
    switch starts.removeValue(forKey: number) {
    case .limited(let source, let progress)?:
      crowds[progress.rawValue].remove(number, of: source)
      let count = count(of: source)
      counts[source] = count > 1 ? count - 1 : nil
    case .leaving?: leavingCount -= 1
    case .exempt?, nil: break
    }
  }
}
