/// Decides which connections are admitted: by address lists, by the history of their sources, and by the number of
/// connections.
///
/// It only decides. All times are milliseconds of a monotonic clock.
public struct AdmissionControl: Sendable {
  /// The configured limits.
  public struct Rules: Sendable {
    /// Which addresses may connect at all.
    public var gate: ConnectionGate
    /// Addresses that are neither banned nor limited. The gate and `connections` apply to them as well.
    public var whitelist: RangeTrie
    /// Rate limits and bans per source.
    public var sources: SourceTable.Limits
    /// Limits on connections without a login.
    public var starts: StartLimiter.Limits
    /// Maximum number of connections.
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

  /// Behavior of a connection that changes the penalties of its source.
  public enum PenaltyEvent: Hashable, Sendable {
    /// A wrong password, an invalid signature, a protocol violation, or a login request without success.
    case failed
    /// It offered keys, none of which was accepted, and tried nothing else.
    case keysRefused
    /// Its transport crashed or violated our internal protocol, which suggests an attempt to exploit it.
    case crashed
    /// It logged in after this many failures, which were therefore typing errors of a legitimate user.
    case loggedIn(failures: Int)
  }

  /// The number of failures that a crash counts as.
  public static let failuresOfCrash = 10

  /// The current rules.
  public private(set) var rules: Rules
  private var sources: SourceTable
  private var starts: StartLimiter

  public init(rules: Rules) {
    self.rules = rules
    sources = SourceTable(limits: rules.sources)
    starts = StartLimiter(limits: rules.starts)
  }

  /// Replaces the rules. Existing bans and connections are kept.
  public mutating func apply(_ rules: Rules) {
    self.rules = rules
    sources.limits = rules.sources
    starts.limits = rules.starts
  }

  /// Decides whether a connection from `client` is admitted. An admitted connection is counted from now on, and a
  /// connection that it displaces is not.
  ///
  /// - Parameters:
  ///   - number: identifies the connection; it must be larger than all earlier numbers.
  ///   - connections: the current number of connections, including those that are being closed.
  ///   - random: a random number in 0..<1.
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

  /// Records the progress of an admitted connection that has not logged in.
  public mutating func advance(_ number: UInt64, to progress: StartProgress) { starts.advance(number, to: progress) }

  /// Stops counting a connection that has logged in or ended.
  public mutating func finishStart(_ number: UInt64) { starts.finish(number) }

  /// Records the behavior of a connection; returns the ban that begins with it, if any.
  public mutating func handle(_ event: PenaltyEvent, of client: IPAddress, at now: Int64) -> Ban? {
    guard !rules.whitelist.contains(client) else { return nil }
    let source = ClientSource(client)
    switch event {
    case .failed: return sources.fail(source, at: now)
    case .keysRefused: return sources.refuseKeys(source, at: now)
    case .crashed: return sources.fail(source, times: Self.failuresOfCrash, at: now)
    case .loggedIn(let failures):
      sources.forgive(source, times: failures, at: now)
      sources.restoreRoom(of: source)
      return nil
    }
  }

  /// The ban of an address that is in effect, if any.
  public func ban(of client: IPAddress, at now: Int64) -> Ban? {
    rules.whitelist.contains(client) ? nil : sources.ban(of: ClientSource(client), at: now)
  }

  /// Reports the end of a source's ban, once; nil if it has no ban, or one that is still in effect.
  public mutating func endBan(of source: ClientSource, at now: Int64) -> Ban? { sources.endBan(of: source, at: now) }

  /// All bans that are in effect or still lengthen the next one.
  public func bans(at now: Int64) -> [Ban] { sources.bans(at: now) }

  /// Restores saved bans, shortened to the maximum length where necessary.
  public mutating func restore(_ bans: [Ban], at now: Int64) { sources.restore(bans, at: now) }

  /// Connections without a login, not counting displaced ones.
  public var startCount: Int { starts.total }
  /// Connections that have been displaced and are not closed yet.
  public var leavingCount: Int { starts.leavingCount }
  /// The number of sources that are remembered.
  public var sourceCount: Int { sources.count }
}
