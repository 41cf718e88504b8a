import AccessControl
import System

extension Supervisor {
  /// Whether this client may connect now; if not, the log says why.
  func admits(_ client: IPAddress, _ address: SocketAddress) -> Bool {
    let refusal = admission.admit(
      client, connections: connections.count + proxied.count, random: Double.random(in: 0..<1), at: Clock.milliseconds)
    guard let refusal else { return true }
    tellRefusal(of: address, refusal.level, refusal.code, refusal.reason)
    return false
  }

  /// A line about a connection that is refused. A flood of them must not become a flood of lines.
  func tellRefusal(of address: SocketAddress, _ level: Log.Level, _ code: String, _ reason: String) {
    let throttle = refusalThrottles[code, default: LogThrottle(burst: 10, interval: 10_000)].pass(
      at: Clock.milliseconds)
    guard let throttle else { return }
    let others = throttle > 0 ? " (\(throttle) more of this kind since the last such line)" : ""
    log.write(level, "refused \(address): \(code), \(reason)\(others)")
  }

  /// Takes note of what a connection did. A ban that comes of it ends all of that source's that have no login.
  func note(_ conduct: AdmissionControl.Conduct, _ connection: Connection) {
    let now = Clock.milliseconds
    guard let ban = admission.note(conduct, of: connection.client, at: now) else { return }
    let seconds = (ban.end - now + 999) / 1000
    let why = conduct == .crashed ? "its transport crashed" : "failed logins"
    log.write(
      .warning, "[\(connection.number)] banned \(ban.source) for \(seconds) s, ban \(ban.count) in a row: \(why)")
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
    guard let ban = admission.endBan(of: source, at: Clock.milliseconds) else { return }
    log.write(.info, "unbanned \(ban.source) after ban \(ban.count) in a row")
  }

  /// A connection has logged in, or is over: it counts no more among those without a login.
  func finishStart(_ connection: Connection) {
    guard connection.isStarting else { return }
    connection.isStarting = false
    admission.finishStart(connection.client)
  }
}

extension Refusal {
  /// For people, behind the code.
  var reason: String {
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

  /// How important it is for who runs the server: others may be kept out with them, or nobody.
  var level: Log.Level {
    switch self {
    case .blocked, .notAllowed, .banned, .rateLimited, .tooManyFromSource: .info
    case .tooManyUnauthenticated, .maxConnections: .warning
    }
  }
}
