import AccessControl
import Audit
import Configuration
import System

/// The current bans: the part of ``AdmissionService`` that a service needs to save them.
protocol BanSource: AnyObject {
  /// Bans that are in effect or make the next one longer.
  var bans: [Ban] { get }
}

/// The part of ``AdmissionService`` that a service needs to accept connections.
protocol ConnectionAdmission: AnyObject {
  /// True if there is room for a connection whose client is not known yet.
  var hasPlace: Bool { get }
  /// Sets the number of connections whose client is not known yet.
  func setWaiting(_ count: Int)
  /// Reports that a connection is refused, with limits on the number of events and log lines.
  ///
  /// - Parameter result: `.error` if the refusal indicates a configuration error.
  func refuse(_ address: SocketAddress, _ reason: ConnectionRefusal, _ details: String, _ result: EventResult)
}

extension ConnectionAdmission {
  /// Reports that a connection is refused by policy.
  func refuse(_ address: SocketAddress, _ reason: ConnectionRefusal, _ details: String) {
    refuse(address, reason, details, .denied)
  }
}

/// Decides which connections are accepted, keeps the penalties of sources, and bans sources. Reports refused connections,
/// with limits on the number of events and log lines.
final class AdmissionService: BanSource, ConnectionAdmission, StartControl {
  private let runtime: any Runtime
  private let events: any EventLog
  private var admission: AdmissionControl
  private var refusals = RefusalAggregator()
  /// Limits the log lines for each reason.
  private var throttles: [Reason: LogThrottle] = [:]
  /// The connections without a login, and their client's addresses.
  private var starting: [UInt64: IPAddress] = [:]
  /// The numbers of all connections.
  private var connections: Set<UInt64> = []
  /// The number of connections whose client is not known yet.
  private var waiting = 0
  private var settings: Settings
  /// True if another daemon may be listening.
  private var isHandedOver = false

  init(_ runtime: any Runtime, _ events: any EventLog, _ settings: Settings) {
    self.runtime = runtime
    self.events = events
    self.settings = settings
    admission = AdmissionControl(rules: settings.admissionRules)
  }

  /// Applies new settings.
  func apply(_ settings: Settings) {
    self.settings = settings
    admission.apply(settings.admissionRules)
  }

  /// Handles that another daemon takes over.
  func handOver() { isHandedOver = true }

  // MARK: Connections

  // A connection without a login may be closed to make room; that is decided when the client is known.
  var hasPlace: Bool {
    let places = settings.server.maxConnections + admission.startCount + admission.leavingCount
    return connections.count + waiting < places
  }

  func setWaiting(_ count: Int) { waiting = count }

  func admits(_ client: IPAddress, _ address: SocketAddress, _ number: UInt64) -> Bool {
    let verdict = admission.admit(
      client, number: number, connections: connections.count + waiting, random: Double.random(in: 0..<1),
      at: runtime.now)
    switch verdict {
    case .start: break
    case .startInPlace(let other): runtime.post(.connection(.displaced(by: address), of: other))
    case .refuse(let refusal):
      refuse(address, refusal.reason, refusal.words)
      return false
    }
    starting[number] = client
    connections.insert(number)
    return true
  }

  func advance(_ number: UInt64, to progress: StartProgress) {
    if starting[number] != nil { admission.advance(number, to: progress) }
  }

  func forget(_ number: UInt64) {
    finishStart(number)
    connections.remove(number)
  }

  func finishStart(_ number: UInt64) {
    if starting.removeValue(forKey: number) != nil { admission.finishStart(number) }
  }

  func handle(_ event: AdmissionControl.PenaltyEvent, _ number: UInt64, of client: IPAddress) {
    let now = runtime.now
    guard let ban = admission.handle(event, of: client, at: now) else { return }
    let seconds = (ban.end - now + 999) / 1000
    let (reason, why): (BanReason, String) =
      switch event {
      case .crashed: (.transportCrashed, "its transport crashed")
      case .keysRefused: (.refusedKeys, "refused keys")
      case .failed, .loggedIn: (.failedLogins, "failed logins")
      }
    var record = AuditRecord(.ipBlocked, .denied, .ssh)
    record.reason = Reason(reason)
    record.details = "for \(seconds) s, ban \(ban.count) in a row: \(why)"
    record.milliseconds = UInt64(max(ban.end - now, 0))
    events.record(record, of: ban.subject, number)
    runtime.setTimer(.banEnd(ban.source), at: ban.end)
    runtime.post(.bansChanged)
    for (other, address) in starting where admission.ban(of: address, at: now) != nil {
      runtime.post(.connection(.banned, of: other))
    }
  }

  // MARK: Bans

  var bans: [Ban] { admission.bans(at: runtime.now) }

  /// Restores bans from before a restart.
  func restore(_ saved: [Ban]) {
    let now = runtime.now
    admission.restore(saved.map { Ban(source: $0.source, end: $0.end + now, count: $0.count) }, at: now)
    let left = admission.bans(at: now).filter { $0.end > now }
    for ban in left { runtime.setTimer(.banEnd(ban.source), at: ban.end) }
    if !left.isEmpty { runtime.log(.info, "\(left.count) bans of the time before the restart go on") }
  }

  /// Handles the end of a ban.
  func banEnds(_ source: ClientSource) {
    // The next daemon has taken over the bans, and reports their ends.
    if isHandedOver, settings.security.banStateFile != nil { return }
    guard let ban = admission.endBan(of: source, at: runtime.now) else { return }
    var record = AuditRecord(.ipUnblocked, .success, .ssh)
    (record.reason, record.details) = (Reason(BanEnd.over), "after ban \(ban.count) in a row")
    events.record(record, of: ban.subject)
  }

  // MARK: Refusals

  func refuse(_ address: SocketAddress, _ reason: ConnectionRefusal, _ details: String, _ result: EventResult) {
    let source = ClientSource(IPAddress(address.address) ?? IPAddress.unspecified)
    if refusals.refuse(source, reason, at: runtime.now) {
      var subject = Subject()
      (subject.clientAddress, subject.clientPort) = (address.address, address.port)
      record(reason, details, of: subject, result)
    }
    setRefusalTimer()
  }

  func countCheck(of address: SocketAddress) {
    if settings.server.ignoresProxyChecks { return }
    refusals.countCheck(ClientSource(IPAddress(address.address) ?? .unspecified), at: runtime.now)
    setRefusalTimer()
  }

  /// Reports refused connections that were only counted, after the end of the interval.
  func recordRefusals() {
    record(refusals.ended(at: runtime.now))
    setRefusalTimer()
  }

  /// Reports all refused connections that were only counted, because the daemon ends.
  func recordAllRefusals() { record(refusals.remainder()) }

  private func setRefusalTimer() {
    if let end = refusals.nextEnd { runtime.setTimer(.refusals, at: end) }
  }

  private func record(_ counts: [RefusalAggregator.Count]) {
    for count in counts {
      var subject = Subject()
      subject.clientAddress = count.source?.description
      let connections = "\(count.connections) \(count.connections == 1 ? "connection" : "connections")"
      guard let refusal = count.refusal else {
        recordChecks("\(connections) of \(count.source?.description ?? "load balancers")", of: subject)
        continue
      }
      let more = count.source == nil ? "of other sources" : "more"
      record(refusal, "\(connections) \(more) in \(RefusalAggregator.interval / 1000) s", of: subject, .denied)
    }
  }

  private func recordChecks(_ connections: String, of subject: Subject) {
    var record = AuditRecord(.connectionClosed, .success, .ssh)
    record.reason = Reason(CloseReason.healthCheck)
    record.details = "\(connections) in \(RefusalAggregator.interval / 1000) s"
    events.record(record, of: subject)
  }

  private func record(_ refusal: ConnectionRefusal, _ details: String, of subject: Subject, _ result: EventResult) {
    var record = AuditRecord(refusal == .rateLimited ? .authRateLimited : .connectionRefused, result, .ssh)
    (record.reason, record.details) = (Reason(refusal), details)
    events.record(record, of: subject, nil, logging: suffix(ofReason: Reason(refusal)))
  }

  /// The end of a log line about a refusal; nil: no line. There are fewer lines than events.
  private func suffix(ofReason reason: Reason) -> String? {
    let heldBack = throttles[reason, default: LogThrottle(burst: 10, interval: 10_000)].pass(at: runtime.now)
    return heldBack.map { $0 > 0 ? " (\($0) more such lines left out)" : "" }
  }

  func suffix(of record: AuditRecord) -> String? {
    let displaced = Reason(CloseReason.madeRoom)
    guard record.type == .connectionClosed, record.reason == displaced else { return "" }
    return suffix(ofReason: displaced)
  }
}

extension Ban {
  /// The banned source, an address or a range, as the subject of an event.
  fileprivate var subject: Subject {
    var subject = Subject()
    subject.clientAddress = source.description
    return subject
  }
}

extension Refusal {
  /// The text after the reason in the log.
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
