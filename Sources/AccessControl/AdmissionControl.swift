/// Who may connect now: the gate, what is remembered about sources, and how many connections there are.
///
/// Decides only. Times are milliseconds of a clock that only grows.
public struct AdmissionControl: Sendable {
  /// What applies to all connections that come.
  public struct Rules: Sendable {
    public var gate: ConnectionGate
    /// Addresses that are never banned and never limited; the gate and `connections` hold for them as well.
    public var whitelist: RangeTrie
    public var sources: SourceTable.Limits
    public var starts: StartLimiter.Limits
    /// Connections in all.
    public var connections: Int

    public init(
      gate: ConnectionGate, whitelist: RangeTrie, sources: SourceTable.Limits, starts: StartLimiter.Limits,
      connections: Int
    ) {
      self.gate = gate
      self.whitelist = whitelist
      self.sources = sources
      self.starts = starts
      self.connections = connections
    }
  }

  /// What a connection did that says something about its source.
  public enum Conduct: Hashable, Sendable {
    /// It proved that it guesses: a wrong password, a bad signature, an end without a login.
    case failed
    /// It offered keys, none of which let in, and tried nothing else.
    case keysRefused
    /// Its transport crashed, or did what our transport never does: somebody looks for a way in.
    case crashed
    /// It logged in, after so many failures: slips of somebody who knows the secret.
    case loggedIn(failures: Int)
  }

  /// Failures that a crash counts for.
  public static let failuresOfCrash = 10

  public private(set) var rules: Rules
  private var sources: SourceTable
  private var starts: StartLimiter

  public init(rules: Rules) {
    self.rules = rules
    sources = SourceTable(limits: rules.sources)
    starts = StartLimiter(limits: rules.starts)
  }

  /// Other rules from now on. Who is banned or connected remains so.
  public mutating func apply(_ rules: Rules) {
    self.rules = rules
    sources.limits = rules.sources
    starts.limits = rules.starts
  }

  /// Whether a connection from `client` may start; when it may, it has started, and the one whose place it has counts no
  /// more.
  ///
  /// - Parameters:
  ///   - number: its own. Numbers grow, and none is given twice.
  ///   - connections: how many there are, with those that are leaving.
  ///   - random: from 0 up to, but not including, 1.
  public mutating func admit(
    _ client: IPAddress, number: UInt64, connections: Int, random: Double, at now: Int64
  ) -> StartLimiter.Verdict {
    switch rules.gate.verdict(on: client) {
    case .blocked(let range): return .refuse(.blocked(range))
    case .notAllowed: return .refuse(.notAllowed)
    case .open: break
    }
    let source = ClientSource(client)
    let isWhitelisted = rules.whitelist.contains(client)
    if !isWhitelisted, let refusal = sources.connect(source, at: now) { return .refuse(refusal) }
    let isFull = connections - starts.leavingCount >= rules.connections
    let verdict =
      isWhitelisted
      ? starts.verdictOnExempt(of: source, isFull: isFull)
      : starts.verdict(on: source, isFull: isFull, random: random)
    switch verdict {
    case .start: break
    case .startInPlace(let other):
      guard isWhitelisted || sources.makeRoom(for: source, at: now) else {
        return .refuse(isFull ? .maxConnections : .tooManyUnauthenticated)
      }
      if let displaced = starts.leave(other) { sources.displace(displaced, at: now) }
    case .refuse: return verdict
    }
    if isWhitelisted { starts.startExempt(number) } else { starts.start(number, of: source) }
    return verdict
  }

  /// A connection that started, and has no login, has come so far.
  public mutating func advance(_ number: UInt64, to progress: StartProgress) { starts.advance(number, to: progress) }

  /// A connection that started has logged in, or ended without.
  public mutating func finishStart(_ number: UInt64) { starts.finish(number) }

  /// Takes note of what a connection did; returns the ban that begins with it.
  public mutating func note(_ conduct: Conduct, of client: IPAddress, at now: Int64) -> Ban? {
    guard !rules.whitelist.contains(client) else { return nil }
    let source = ClientSource(client)
    switch conduct {
    case .failed: return sources.fail(source, at: now)
    case .keysRefused: return sources.refuseKeys(source, at: now)
    case .crashed: return sources.fail(source, times: Self.failuresOfCrash, at: now)
    case .loggedIn(let failures):
      sources.forgive(source, times: failures, at: now)
      sources.restoreRoom(of: source)
      return nil
    }
  }

  /// The ban that holds for an address.
  public func ban(of client: IPAddress, at now: Int64) -> Ban? {
    rules.whitelist.contains(client) ? nil : sources.ban(of: ClientSource(client), at: now)
  }

  /// The ban of a source whose end has come.
  public mutating func endBan(of source: ClientSource, at now: Int64) -> Ban? { sources.endBan(of: source, at: now) }

  /// Bans that hold, and those that make the next one longer.
  public func bans(at now: Int64) -> [Ban] { sources.bans(at: now) }

  /// Takes bans over from an earlier time.
  public mutating func restore(_ bans: [Ban], at now: Int64) { sources.restore(bans, at: now) }

  /// Connections without a login, but for those that are leaving.
  public var startCount: Int { starts.total }
  /// Connections whose place another one has, and that are not gone yet.
  public var leavingCount: Int { starts.leavingCount }
  /// Sources that are remembered.
  public var sourceCount: Int { sources.count }
}
