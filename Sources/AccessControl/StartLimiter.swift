/// Limits connections that have not logged in yet, in all and from one source, and makes room for newcomers.
///
/// A source that holds no such connection is a newcomer. It is never dropped early, and where there is no place left it
/// gets the place of another connection: of those that have come least far, the one that has waited longest, of whoever
/// holds most. Early drop is for sources that hold more than their share: from three tenths of the limit on, their
/// further connections are refused at random, more and more.
public struct StartLimiter: Sendable {
  /// How many connections may be without a login.
  public struct Limits: Equatable, Sendable {
    /// In all.
    public var total: Int
    /// From one source: never more than half of all.
    public var perSource: Int

    public init(total: Int, perSource: Int) {
      self.total = max(total, 1)
      self.perSource = min(max(perSource, 1), max(total / 2, 1))
    }
  }

  /// Whether a connection may start.
  public enum Verdict: Equatable, Sendable {
    case start
    /// It may when this one is closed.
    case startInPlace(of: UInt64)
    case refuse(Refusal)
  }

  /// A connection that started.
  private enum Start {
    case limited(ClientSource, StartProgress)
    /// Of an address that limits do not hold for: never closed for another, and no reason to refuse one of its source.
    case exempt
    /// Another one has its place; it is not gone yet.
    case leaving
  }

  /// Connections that have asked for a login may be closed where their network holds more than so many of them.
  public static let crowdSize = 5

  public var limits: Limits
  private var starts: [UInt64: Start] = [:]
  /// For each ``StartProgress``.
  private var crowds = [Crowd](repeating: Crowd(), count: StartProgress.allCases.count)
  private var counts: [ClientSource: Int] = [:]
  /// Connections whose place another one has, and that are not gone yet. Never more than may be without a login.
  public private(set) var leavingCount = 0

  public init(limits: Limits) { self.limits = limits }

  /// Connections without a login, but for those that are leaving.
  public var total: Int { starts.count - leavingCount }

  /// Connections from `source` that have not logged in, but for exempt ones.
  public func count(of source: ClientSource) -> Int { counts[source] ?? 0 }

  /// Whether one more connection may start.
  ///
  /// - Parameters:
  ///   - isFull: there is no place left among all connections, whatever there is among these.
  ///   - random: from 0 up to, but not including, 1.
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

  /// Whether one more connection may start that these limits do not hold for.
  public func verdictOnExempt(of source: ClientSource, isFull: Bool) -> Verdict {
    guard isFull else { return .start }
    return candidate(for: source.network).map { .startInPlace(of: $0) } ?? .refuse(.maxConnections)
  }

  /// A source may hold the limit divided by the number of sources.
  private func isDropped(own: Int, random: Double) -> Bool {
    let share = max(limits.total / max(counts.count + (own == 0 ? 1 : 0), 1), 1)
    guard own >= share else { return false }
    let start = limits.total * 3 / 10
    return random * Double(limits.total - start) < Double(total - start)
  }

  /// Which connection is closed for a newcomer from `network`.
  private func candidate(for network: AddressRange) -> UInt64? {
    guard leavingCount < limits.total else { return nil }
    for progress in StartProgress.allCases {
      let crowd = crowds[progress.rawValue]
      guard let (range, count) = crowd.largestNetwork else { continue }
      switch progress {
      case .connected, .keyExchange: return crowd.candidate
      case .asked:
        // Who sits at a prompt looks like who is typing there; only their number tells a crowd.
        let networks = crowd.networkCount + (crowd.contains(network) ? 0 : 1)
        return count > max(limits.total / networks, Self.crowdSize) && range != network ? crowd.candidate : nil
      case .settled: return nil
      }
    }
    return nil
  }

  /// A connection of `source` starts. Numbers grow, and none is given twice.
  public mutating func start(_ number: UInt64, of source: ClientSource) {
    starts[number] = .limited(source, .connected)
    crowds[StartProgress.connected.rawValue].insert(number, of: source)
    counts[source, default: 0] += 1
  }

  /// A connection starts that these limits do not hold for.
  public mutating func startExempt(_ number: UInt64) { starts[number] = .exempt }

  /// A connection has come so far.
  public mutating func advance(_ number: UInt64, to progress: StartProgress) {
    guard case .limited(let source, let old)? = starts[number], old != progress else { return }
    crowds[old.rawValue].remove(number, of: source)
    crowds[progress.rawValue].insert(number, of: source)
    starts[number] = .limited(source, progress)
  }

  /// A connection has to leave its place to another: it counts no more, but is there until it finishes. Returns its
  /// source.
  @discardableResult
  public mutating func leave(_ number: UInt64) -> ClientSource? {
    guard case .limited(let source, _)? = starts[number] else { return nil }
    finish(number)
    starts[number] = .leaving
    leavingCount += 1
    return source
  }

  /// A connection has logged in, or is over.
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
