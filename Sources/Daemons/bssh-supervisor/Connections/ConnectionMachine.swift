import AccessControl
import Audit
import Authentication
import IPC
import System

/// The state machine of one connection, from accept(2) to its end. It decides which messages of its processes are allowed,
/// and how to react.
///
/// It contains the phase, and dispatches each event to the part that it concerns, with what that part needs of others as
/// arguments. A transport handles hostile input, so its messages are checked against ``Phase``; one that is not allowed
/// ends the transport. Only an authority's verdict, through ``UserAuthentication``, leads to a login.
struct ConnectionMachine: Sendable {
  /// Time limit for a transport to disconnect, in milliseconds.
  static let disconnectGraceTime: Int64 = 2000

  /// The addresses, and the current settings.
  private(set) var context: Context
  private(set) var phase: Phase = .starting
  private(set) var hostKeys = HostKeySigning()
  private var account = AccountLookUp()
  private(set) var authentication: UserAuthentication
  private var session = ConnectionSession()
  private(set) var terminals = ConnectionTerminals()
  private var limits = LoginLimits()
  private var penalties = PenaltyState()
  private var report: ConnectionReport
  /// The time of the event that is being handled.
  private var now: Int64

  /// A connection that was accepted at `now`; `accepted` is its first event.
  ///
  /// - Parameters:
  ///   - proxy: the load balancer that forwards the connection; nil: it comes from the client.
  ///   - isOfProxy: true if the client is a load balancer itself.
  init(_ context: Context, proxy: SocketAddress? = nil, isOfProxy: Bool = false, at now: Int64) {
    self.context = context
    authentication = UserAuthentication(context.client, context.settings.policy)
    report = ConnectionReport(context.server, proxy: proxy, isOfProxy: isOfProxy, at: now)
    self.now = now
  }

  /// The client and the user, as far as known.
  var subject: Subject { authentication.subject }
  /// True from the start of a login to its end.
  var isLoggedIn: Bool { phase == .loggedIn }
  /// Maximum number of simultaneous logins of the user.
  var sessionLimit: Int { context.settings.sessionLimit(of: authentication.user ?? "") }
  /// The user id of the login; 0: not known.
  private var uid: UInt32 { account.answer?.login?.uid ?? 0 }

  /// The progress towards a login, which determines the connections that are closed to make room.
  var progress: StartProgress {
    switch phase {
    case .starting: .connected
    case .keyExchange: hostKeys.isSigned ? .keyExchange : .connected
    case .authenticating:
      !penalties.hasAskedForLogin ? .keyExchange : authentication.hasProvenStep ? .settled : .asked
    case .opening, .loggedIn, .closing: .settled
    }
  }

  /// Handles an event, and returns what the caller must do.
  mutating func handle(_ event: Event, at now: Int64) -> [Action] {
    self.now = now
    var actions = react(to: event)
    if phase == .authenticating {
      actions += authentication.askForVerdict(
        account.answer, sessionID: hostKeys.sessionID, client: IPAddress(context.client.address),
        keyFiles: session.keyFiles)
    }
    return report.filter(actions, subject, hasAskedForLogin: penalties.hasAskedForLogin)
  }

  private mutating func react(to event: Event) -> [Action] {
    switch event {
    case .accepted: return accepted()
    case .served(let context): return served(context)
    case .transport(let message):
      do throws(ProtocolViolation) { return try transport(message) } catch { return violation(error.what) }
    case .transportMisbehaved(let what): return violation(what)
    case .transportEnded(let status): return transportEnded(status)
    case .signed(let signature): return phase == .starting || isClosing ? [] : hostKeys.signed(signature)
    case .proved(let proofs): return isLoggedIn ? hostKeys.proved(proofs) : []
    case .account(let answer):
      return phase == .authenticating ? carryOut(account.authorityAnswered(answer, &context)) : []
    case .accountChecked(let state):
      return phase == .authenticating ? carryOut(account.systemAnswered(state, &context)) : []
    case .verdict(let verdict):
      guard phase == .authenticating else { return [] }
      return carryOut(authentication.verdict(verdict, account.answer, leastPasswordTime, at: now))
    case .session(let message):
      do throws(ProtocolViolation) { return try session(message) } catch { return sessionMisbehaved(error.what) }
    case .sessionMisbehaved(let what): return sessionMisbehaved(what)
    case .sessionOpened(let id): return sessionOpened(id)
    case .sessionRefused(let open):
      let text = "There are \(open) logins of this user, and no more are allowed (\(CloseReason.tooManySessions))"
      // RFC 4253, section 11.1: too many connections.
      return notOpened(.tooManySessions, .denied, "\(open) are open", Disconnect(12, text, .tooManySessions))
    case .journalRefused:
      let text = "No login is possible now, because it could not be recorded (\(CloseReason.auditUnavailable))"
      return notOpened(
        .auditUnavailable, .denied, "events cannot be written", Disconnect(11, text, .auditUnavailable))
    case .sessionFailed(let why):
      if phase == .authenticating { return session.lookUpFailed(why) }
      return notOpened(
        .sessionNotStarted, .error, why, Disconnect(11, "The session could not be started", .sessionNotStarted))
    case .sessionEnded(let status):
      let level: Log.Level = status == .code(0) || status == .unknown ? .debug : .warning
      return sessionEnded(.sessionEnded, [.log(level, "its session process \(status)")])
    case .timer(let timer): return expired(timer)
    case .recordingOpened(let path): return terminals.recordingOpened(path, subject, isLoggedIn: isLoggedIn)
    case .recordingFailed(let why): return recordingFailed(why)
    case .banned: return excuse(Disconnect(11, "Too many failed logins from your address", .banned))
    case .displaced(let newcomer):
      return excuse(
        Disconnect(
          12, "Too many connections are waiting for a login", .madeRoom, detail: "for a connection from \(newcomer)"))
    case .shutDown:
      penalties.handle(.excused)
      return end(Disconnect(11, "The server is shutting down", .serverShutdown))
    case .abandon:
      // Another daemon takes over, so the client is not at fault.
      penalties.handle(.excused)
      report.ends(.serverRestart)
      return phase == .starting ? closed() + [.close] : kill()
    }
  }

  private var isClosing: Bool { if case .closing = phase { true } else { false } }

  private var leastPasswordTime: Int64 { Int64(context.settings.auth.minimumPasswordTime) }

  // MARK: The transport

  private mutating func accepted() -> [Action] {
    let grace = Int64(context.settings.server.loginGrace)
    return report.accepted(subject) + (grace > 0 ? [.setTimer(.loginGrace, milliseconds: grace * 1000)] : [])
  }

  private mutating func served(_ context: Context) -> [Action] {
    guard phase == .starting else { return [] }
    phase = .keyExchange
    self.context = context
    authentication.policy = context.settings.policy
    return []
  }

  private mutating func transport(_ message: TransportToSupervisor) throws(ProtocolViolation) -> [Action] {
    switch phase {
    case .starting: throw ProtocolViolation("spoke before it had the connection")
    case .closing(.killed): return []
    case .closing(.closed): throw ProtocolViolation("spoke after its last word")
    case .closing(.disconnecting):
      switch message {
      case .closed, .recorded: break
      case .sign, .negotiated, .authenticate, .informationResponse, .proveHostKeys, .idle, .record: return []
      }
    case .keyExchange, .authenticating, .opening, .loggedIn: break
    }
    switch message {
    case .sign(let hostKey, let algorithm, let hash):
      return try hostKeys.sign(
        hostKey: hostKey, algorithm: algorithm, hash: hash, isFirst: phase == .keyExchange, context, at: now)
    case .negotiated(let negotiated):
      guard phase == .keyExchange else { throw ProtocolViolation("negotiated a second time") }
      guard hostKeys.isSigned else { throw ProtocolViolation("negotiated without a host key signature") }
      phase = .authenticating
      authentication.negotiated(negotiated)
      return [
        .log(
          .info,
          "client \(negotiated.client.quoted()), key exchange \(negotiated.keyExchange) with \(hostKeys.algorithm), "
            + "ciphers \(negotiated.cipherIn) in, \(negotiated.cipherOut) out")
      ]
    case .authenticate(let payload):
      guard phase == .authenticating else { throw ProtocolViolation("sent an authentication request out of turn") }
      penalties.handle(.askedForLogin)
      return carryOut(try authentication.request(payload, account.answer, at: now))
    case .informationResponse(let payload):
      return carryOut(try authentication.informationResponse(payload, account.answer, at: now))
    case .proveHostKeys(let payload):
      guard isLoggedIn else { throw ProtocolViolation("asked for host key proofs before the login") }
      return try hostKeys.prove(payload, of: context.hostKeys)
    case .idle(let time):
      return carryOut(try limits.idle(since: time, context.settings.security, at: now))
    case .record(let channel):
      return try terminals.record(channel, context.settings.audit, isLoggedIn: isLoggedIn)
    case .recorded(let end):
      return carryOut(try terminals.recorded(end, subject, context.settings.audit, isLoggedIn: isLoggedIn))
    case .closed(let reason, let detail, let bytesIn, let bytesOut):
      report.carried(bytesIn: bytesIn, bytesOut: bytesOut)
      return transportClosed(reason, detail)
    }
  }

  private mutating func recordingFailed(_ why: String) -> [Action] {
    carryOut(terminals.recordingFailed(why, subject, context.settings.audit, isLoggedIn: isLoggedIn))
  }

  private mutating func expired(_ timer: Timer) -> [Action] {
    switch timer {
    case .loginGrace:
      if isLoggedIn || isClosing { return [] }
      penalties.handle(.misbehaved)
      let text = "No login within \(context.settings.server.loginGrace) seconds (\(CloseReason.loginTimeout))"
      return end(Disconnect(11, text, .loginTimeout))
    case .disconnectGrace: return isClosing ? kill() : []
    case .signature: return phase == .starting || isClosing ? [] : hostKeys.delayExpired(at: now)
    case .lookUp: return phase == .authenticating ? session.lookUpTimedOut() : []
    case .accountCheck:
      guard phase == .authenticating else { return [] }
      let log = Action.log(.warning, "shadow(5) could not be read within \(AccountLookUp.systemTime / 1000) s")
      return [log, .killAccountCheck] + carryOut(account.systemAnswered(nil, &context))
    case .passwordAnswer:
      return phase == .authenticating ? carryOut(authentication.leastTimeExpired(account.answer)) : []
    case .recording:
      guard isLoggedIn else { return [] }
      return [.killRecorder] + recordingFailed("no file within \(ConnectionTerminals.recorderTime / 1000) s")
    case .idle: return isLoggedIn ? limits.askForIdleTime() : []
    case .session: return isLoggedIn ? carryOut(limits.sessionTimeExpires(context.settings.security)) : []
    }
  }

  // MARK: Reactions of the parts

  private mutating func carryOut(_ reaction: Reaction) -> [Action] {
    var actions = reaction.actions
    switch reaction.next {
    case nil: break
    case .lookUpAccount(let user): actions += account.ask(user, context)
    case .accountUnavailable: actions += carryOut(authentication.accountUnavailable(leastPasswordTime, at: now))
    case .accountKnown(let answer, let policy):
      actions += session.fetchKeys(answer, context.settings)
      actions += carryOut(authentication.accountKnown(answer, policy))
    case .openSession: actions += open()
    case .disconnect(let disconnect): actions += end(disconnect)
    }
    for penalty in reaction.penalties { actions += penalties.handle(penalty) }
    return actions
  }

  // MARK: The session

  private mutating func open() -> [Action] {
    guard let answer = account.answer, let login = answer.login else { return end(.internalError) }
    phase = .opening
    penalties.handle(.excused)
    let user = authentication.user ?? login.name
    return terminals.prepare(user, context.settings.audit)
      + session.open(login, of: user, answer, authentication.permissions, context)
  }

  private mutating func sessionOpened(_ id: EventID) -> [Action] {
    guard phase == .opening, let login = account.answer?.login else { return [] }
    phase = .loggedIn
    report.loggedIn(at: now)
    return [.cancelTimer(.loginGrace)] + authentication.sessionOpened(id, login)
      + [.penalty(.loggedIn(failures: penalties.failures))] + limits.start(context.settings.security)
  }

  private mutating func notOpened(
    _ reason: LoginFailure, _ result: EventResult, _ details: String, _ disconnect: Disconnect
  ) -> [Action] {
    guard phase == .opening else { return [] }
    return [authentication.sessionNotOpened(reason, result, details)] + end(disconnect)
  }

  private mutating func session(_ message: SessionToSupervisor) throws(ProtocolViolation) -> [Action] {
    switch (phase, message) {
    case (.starting, _), (.keyExchange, _): return []
    case (.authenticating, .keys(let files)): return try session.read(files)
    // Prefixed, so that no session can write a line that looks like the supervisor's.
    case (.loggedIn, .log(let text)), (.closing, .log(let text)): return [.log(.info, "session: \(text)")]
    case (.loggedIn, .records(let batch)), (.closing, .records(let batch)):
      guard batch.records.allSatisfy(\.type.isSentInBatches) else {
        throw ProtocolViolation("told what it cannot know")
      }
      return batch.records.map { .audit(Self.sanitized($0), subject) }
    case (.loggedIn, .starts(let number, let record)), (.closing, .starts(let number, let record)):
      return [.audit(record, subject), .awaitStart(number)]
    case (.loggedIn, .terminal(let use)): return try terminals.handle(use, subject, uid: uid)
    // All terminals have ended in the login records with the connection.
    case (.closing, .terminal), (.closing, .keys), (.closing, .account): return []
    case (.authenticating, _), (.opening, _), (.loggedIn, .keys), (.loggedIn, .account):
      throw ProtocolViolation("spoke out of turn")
    }
  }

  /// An event that a session reported, without what only the supervisor may state: the reason of a suspicious event.
  static func sanitized(_ record: AuditRecord) -> AuditRecord {
    var record = record
    if record.type == .suspiciousActivity { record.reason = Reason(Suspicion.protocolViolation) }
    return record
  }

  /// Handles a violation of the protocol by the session process.
  private mutating func sessionMisbehaved(_ what: String) -> [Action] {
    let actions = [suspicious(.sessionMisbehaved, "its session process \(what)", .error), .killSession]
    return sessionEnded(.sessionMisbehaved, actions)
  }

  /// Handles the end of the session process, which `actions` report: a login ends with it.
  private mutating func sessionEnded(_ reason: CloseReason, _ actions: [Action]) -> [Action] {
    switch phase {
    case .starting, .keyExchange: []
    case .closing: actions
    case .authenticating: actions + session.lookUpLost()
    case .opening, .loggedIn: actions + end(Disconnect(11, "The session ended", reason))
    }
  }

  // MARK: The end

  /// Ends a connection without a login for a reason that is not the client's fault.
  private mutating func excuse(_ disconnect: Disconnect) -> [Action] {
    switch phase {
    case .starting, .keyExchange, .authenticating:
      penalties.handle(.excused)
      return end(disconnect)
    case .opening, .loggedIn, .closing: return []
    }
  }

  /// Tells the transport to disconnect.
  private mutating func end(_ disconnect: Disconnect) -> [Action] {
    report.ends(disconnect.reason, disconnect.detail)
    switch phase {
    case .starting: return closed() + [.close]
    case .keyExchange, .authenticating, .opening, .loggedIn:
      phase = .closing(.disconnecting)
      return [
        .send(.disconnect(reason: disconnect.code, text: disconnect.text)),
        .setTimer(.disconnectGrace, milliseconds: Self.disconnectGraceTime),
      ]
    case .closing: return []
    }
  }

  /// Handles the last message of a transport.
  private mutating func transportClosed(_ reason: TransportEnd, _ detail: String) -> [Action] {
    report.ends(CloseReason(reason), detail.isEmpty ? nil : detail)
    phase = .closing(.closed)
    var actions: [Action] = []
    // A login that needs too much memory is not an attack.
    if reason == .outOfMemory {
      penalties.handle(.excused)
      actions.append(.log(.error, detail))
    }
    if reason == .protocolError {
      penalties.handle(.misbehaved)
      actions.append(suspicious(.protocolError, detail))
    }
    return actions + [.endSession, .setTimer(.disconnectGrace, milliseconds: Self.disconnectGraceTime)]
  }

  /// Handles the end of the transport process, the last event of a connection that has one.
  private mutating func transportEnded(_ status: ExitStatus) -> [Action] {
    var isSignal = false
    if case .signal = status { isSignal = true }
    var actions: [Action] = []
    switch phase {
    case .starting, .closing(.killed): break
    case .closing(.disconnecting), .closing(.closed):
      if isSignal { report.transportKilled() }
      if isSignal, !status.isCrash { actions = [.log(.error, "its transport \(status)")] }
    case .keyExchange, .authenticating, .opening, .loggedIn:
      if !status.isCrash { actions = [.log(.error, "its transport \(status) without a word")] }
    }
    if status.isCrash, phase != .starting, phase != .closing(.killed) {
      actions = [suspicious(.transportCrashed, "its transport \(status)", .error)] + penalties.handle(.crashed)
    }
    phase = .closing(.killed)
    actions += terminals.end(subject, uid: uid) + closed()
    return actions + (penalties.atEnd.map { [.penalty($0)] } ?? []) + [.endSession, .close]
  }

  /// Handles a violation of the protocol by the transport, which is probably compromised.
  private mutating func violation(_ what: String) -> [Action] {
    if phase == .closing(.killed) { return [] }
    report.ends(.transportMisbehaved)
    return [suspicious(.transportMisbehaved, "its transport \(what)", .error)] + kill() + penalties.handle(.crashed)
  }

  private mutating func kill() -> [Action] {
    if phase == .closing(.killed) { return [] }
    phase = .closing(.killed)
    return [.killTransport]
  }

  private func closed() -> [Action] { authentication.ended() + report.closed(subject, at: now) }

  private func suspicious(_ reason: Suspicion, _ details: String, _ result: EventResult = .failure) -> Action {
    ConnectionReport.suspicious(reason, details, subject, result)
  }
}
