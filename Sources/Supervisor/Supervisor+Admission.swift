import AccessControl
import Audit
import System

extension Supervisor {
  /// Whether the connection with this number may start; if not, the log says why. Another one is closed for it where there
  /// is no place.
  func admits(_ client: IPAddress, _ address: SocketAddress, _ number: UInt64) -> Bool {
    let verdict = admission.admit(
      client, number: number, connections: connections.count + proxied.count, random: Double.random(in: 0..<1),
      at: Clock.milliseconds)
    switch verdict {
    case .start: return true
    case .startInPlace(let other):
      deliver(.displaced(by: address), to: other)
      return true
    case .refuse(let refusal):
      tellRefusal(of: address, refusal.reason, refusal.words)
      return false
    }
  }

  /// A connection is refused. A flood of them must not become a flood of events, nor of lines.
  ///
  /// - Parameter result: `.error` for what shows that something is set up wrong.
  func tellRefusal(
    of address: SocketAddress, _ reason: ConnectionRefusal, _ details: String, _ result: EventResult = .denied
  ) {
    let source = ClientSource(IPAddress(address.address) ?? IPAddress.unspecified)
    if refusals.refuse(source, reason, at: Clock.milliseconds) {
      var subject = Subject()
      (subject.clientAddress, subject.clientPort) = (address.address, address.port)
      tell(reason, details, of: subject, result)
    }
    setRefusalTimer()
  }

  /// A load balancer has looked whether the server is there.
  func countCheck(of address: SocketAddress) {
    if loaded.settings.server.ignoresProxyChecks { return }
    refusals.countCheck(ClientSource(IPAddress(address.address) ?? .unspecified), at: Clock.milliseconds)
    setRefusalTimer()
  }

  /// Tells of connections that were refused and only counted.
  func tellRefusals() {
    tell(refusals.ended(at: Clock.milliseconds))
    setRefusalTimer()
  }

  private func setRefusalTimer() {
    if let end = refusals.nextEnd { timers.set(.refusals, at: end) }
  }

  /// Tells the same of all of them, for the server ends.
  func tellLastRefusals() { tell(refusals.rest()) }

  private func tell(_ counts: [RefusalLedger.Count]) {
    for count in counts {
      var subject = Subject()
      subject.clientAddress = count.source?.description
      let connections = "\(count.connections) \(count.connections == 1 ? "connection" : "connections")"
      guard let refusal = count.refusal else {
        tellChecks("\(connections) of \(count.source?.description ?? "load balancers")", of: subject)
        continue
      }
      let more = count.source == nil ? "of other sources" : "more"
      tell(refusal, "\(connections) \(more) in \(RefusalLedger.interval / 1000) s", of: subject, .denied)
    }
  }

  private func tellChecks(_ connections: String, of subject: Subject) {
    var fact = Fact(.connectionClosed, .success, .ssh)
    fact.reason = Reason(CloseReason.healthCheck)
    fact.details = "\(connections) in \(RefusalLedger.interval / 1000) s"
    record(fact, of: subject)
  }

  private func tell(_ refusal: ConnectionRefusal, _ details: String, of subject: Subject, _ result: EventResult) {
    var fact = Fact(refusal == .rateLimited ? .authRateLimited : .connectionRefused, result, .ssh)
    (fact.reason, fact.details) = (Reason(refusal), details)
    record(fact, of: subject, logging: suffix(ofReason: Reason(refusal)))
  }

  /// What a line about a refusal ends with; nil: it is left out. Lines are for people: fewer than events.
  private func suffix(ofReason reason: Reason) -> String? {
    let throttle = refusalThrottles[reason, default: LogThrottle(burst: 10, interval: 10_000)].pass(
      at: Clock.milliseconds)
    return throttle.map { $0 > 0 ? " (\($0) more such lines left out)" : "" }
  }

  /// What the line about an event of a connection ends with; nil: it is left out, as one of a flood.
  func suffix(of fact: Fact) -> String? {
    let displaced = Reason(CloseReason.madeRoom)
    guard fact.type == .connectionClosed, fact.reason == displaced else { return "" }
    return suffix(ofReason: displaced)
  }

  /// Takes note of what a connection did. A ban that comes of it ends all of that source's that have no login.
  func note(_ conduct: AdmissionControl.Conduct, _ connection: Connection) {
    let now = Clock.milliseconds
    guard let ban = admission.note(conduct, of: connection.client, at: now) else { return }
    let seconds = (ban.end - now + 999) / 1000
    let (reason, why): (BanReason, String) =
      switch conduct {
      case .crashed: (.transportCrashed, "its transport crashed")
      case .keysRefused: (.refusedKeys, "refused keys")
      case .failed, .loggedIn: (.failedLogins, "failed logins")
      }
    var fact = Fact(.ipBlocked, .denied, .ssh)
    fact.reason = Reason(reason)
    fact.details = "for \(seconds) s, ban \(ban.count) in a row: \(why)"
    fact.milliseconds = UInt64(max(ban.end - now, 0))
    record(fact, of: ban.subject, connection.number)
    timers.set(.banEnd(ban.source), at: ban.end)
    bansChanged()
    for number in Array(connections.keys) {
      guard let other = connections[number], other.isStarting,
        admission.ban(of: other.client, at: now) != nil
      else { continue }
      deliver(.banned, to: number)
    }
  }

  /// The time of a ban is over.
  func banEnds(_ source: ClientSource) {
    // The next daemon has taken the bans over, and tells of their ends.
    if hasLetGo, loaded.settings.security.banStateFile != nil { return }
    guard let ban = admission.endBan(of: source, at: Clock.milliseconds) else { return }
    var fact = Fact(.ipUnblocked, .success, .ssh)
    (fact.reason, fact.details) = (Reason(BanEnd.over), "after ban \(ban.count) in a row")
    record(fact, of: ban.subject)
  }

  /// A connection has logged in, or is over: it counts no more among those without a login.
  func finishStart(_ connection: Connection) {
    guard connection.isStarting else { return }
    connection.isStarting = false
    admission.finishStart(connection.number)
  }
}

extension Ban {
  /// Who is banned: an address, or the range that counts as one.
  fileprivate var subject: Subject {
    var subject = Subject()
    subject.clientAddress = source.description
    return subject
  }
}

extension Refusal {
  /// What the log says behind the reason.
  var words: String {
    switch self {
    case .blocked(let range): "in \(range) of security.blocked_ips"
    case .notAllowed: "not in security.allowed_ips"
    case .banned(let milliseconds): "for \((milliseconds + 999) / 1000) s more"
    case .rateLimited: "faster than security.rate_limit"
    case .tooManyFromSource: "server.max_unauthenticated_per_source"
    case .tooManyUnauthenticated: "server.max_unauthenticated"
    case .maxConnections: "server.max_connections"
    }
  }
}
