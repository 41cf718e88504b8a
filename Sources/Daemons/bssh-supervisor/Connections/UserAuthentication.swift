import AccessControl
import Audit
import Authentication
import IPC
import Model
import System
import Wire

/// User authentication of one connection (RFC 4252): from a client's request to an authority's verdict and the reply.
///
/// `AuthenticationMachine` decides the reply to a request, and only a verdict leads to a login. At most one message of the
/// client is pending.
struct UserAuthentication: Sendable {
  typealias Action = ConnectionMachine.Action
  typealias Reaction = ConnectionMachine.Reaction

  private enum Message: Equatable {
    case request(UserauthRequest, payload: SecretBytes)
    case response(InfoResponse)
  }

  /// What the pending message of the client waits for.
  private enum Pending: Equatable {
    case account(Message)
    /// The data for the request to an authority: the session identifier, and for a key the user's files.
    case question(Credential)
    case verdict(Credential)
    /// The minimum time of the reply; nil: there is no verdict.
    case leastTime(Credential, Verdict?)
  }

  private var machine: AuthenticationMachine
  private var pending: Pending?
  /// When the pending message arrived.
  private var requestTime: Int64 = 0
  /// Warnings of authorities about the user's files, which are logged once, not for each key of a client.
  private var loggedWarnings: Set<String> = []
  private var report: LoginReport
  /// The permissions of the credentials that were accepted so far.
  private(set) var permissions = KeyPermissions.everything

  init(_ client: SocketAddress, _ policy: AuthenticationMachine.Policy) {
    machine = AuthenticationMachine(policy: policy)
    report = LoginReport(client)
  }

  /// A new policy restarts authentication: see `AuthenticationMachine`.
  var policy: AuthenticationMachine.Policy {
    get { machine.policy }
    set { machine.policy = newValue }
  }
  /// The user name of the first request that was handled; others are refused.
  var user: String? { machine.user }
  /// The client and the user, as far as known.
  var subject: Subject { report.subject }
  /// True if a step is completed.
  var hasProvenStep: Bool { !machine.provenSteps.isEmpty }

  private var prompt: AuthenticationMachine.Prompt? {
    if case .prompting(let prompt) = machine.state { prompt } else { nil }
  }

  // MARK: Messages of the client

  /// Handles the end of the first key exchange, after which authentication begins.
  mutating func negotiated(_ negotiated: Negotiated) { report.negotiated(negotiated) }

  /// Handles a USERAUTH_REQUEST.
  ///
  /// - Throws: `ProtocolViolation` while another message is pending.
  mutating func request(
    _ payload: SecretBytes, _ account: AccountReply?, at now: Int64
  ) throws(ProtocolViolation) -> Reaction {
    guard pending == nil else {
      throw ProtocolViolation("sent an authentication request before the answer to the last")
    }
    let request: UserauthRequest
    do throws(UserauthError) {
      request = try payload.lend { (bytes) throws(UserauthError) in try UserauthRequest(payload: bytes[...]) }
    } catch { return carryOut(machine.handle(.malformed), "malformed", nil, account) }
    requestTime = now
    report.begin(request.method.name, request.user, isQuestion: request.method.isQuestion)
    var reaction = handle(.request(request, payload: payload), of: request.user, account)
    reaction.penalties += request.method.penalties
    return reaction
  }

  /// Handles a USERAUTH_INFO_RESPONSE.
  ///
  /// - Throws: `ProtocolViolation` when no prompt was sent.
  mutating func informationResponse(
    _ payload: SecretBytes, _ account: AccountReply?, at now: Int64
  ) throws(ProtocolViolation) -> Reaction {
    guard pending == nil, let prompt else { throw ProtocolViolation("sent an answer without a prompt") }
    let response: InfoResponse
    do throws(UserauthError) {
      response = try payload.lend { (bytes) throws(UserauthError) in try InfoResponse(payload: bytes[...]) }
    } catch { return carryOut(machine.handle(.malformed), "malformed", nil, account) }
    requestTime = now
    report.begin(prompt.step.rawValue, nil, isQuestion: false)
    return handle(.response(response), of: machine.user ?? "", account)
  }

  /// Handles a message as soon as the user is known, because even the list of methods depends on the user.
  private mutating func handle(_ message: Message, of user: String, _ account: AccountReply?) -> Reaction {
    if let account { return handle(message, account) }
    pending = .account(message)
    return Reaction(next: .lookUpAccount(user: user))
  }

  private mutating func handle(_ message: Message, _ account: AccountReply?) -> Reaction {
    switch message {
    case .request(let request, let payload):
      let credential: Credential? =
        switch request.method {
        case .publicKey(let key): .publicKey(payload.lend { $0 }, isSigned: key.signature != nil)
        case .password(let password): .password(password, by: .password)
        case .none, .passwordChange, .keyboardInteractive, .other: nil
        }
      return carryOut(machine.handle(.request(request)), request.method.name, credential, account)
    case .response(let response):
      let step = prompt?.step ?? .keyboardInteractive
      let credential = response.responses.first.map { step == .totp ? .code($0) : Credential.password($0, by: step) }
      return carryOut(machine.handle(.infoResponse(response)), step.rawValue, credential, account)
    }
  }

  // MARK: The account

  /// Handles the pending message after the user is known.
  mutating func accountKnown(_ account: AccountReply, _ policy: AuthenticationMachine.Policy) -> Reaction {
    machine.policy = policy
    guard case .account(let message) = pending else { return Reaction() }
    pending = nil
    return handle(message, account)
  }

  /// Handles the pending message when no authority has replied about the user: no credential is accepted.
  mutating func accountUnavailable(_ leastTime: Int64, at now: Int64) -> Reaction {
    guard case .account(let message) = pending else { return Reaction() }
    pending = nil
    let reaction = handle(message, nil)
    guard case .question(let credential) = pending else { return reaction }
    pending = .verdict(credential)
    return verdict(nil, nil, leastTime, at: now)
  }

  // MARK: Verdicts

  /// Asks an authority for the verdict, as soon as all data for the request is available.
  ///
  /// - Parameter keyFiles: the user's files, of which the last one is that of principals, if configured; nil: they are not
  ///   read yet.
  mutating func askForVerdict(
    _ account: AccountReply?, sessionID: [UInt8]?, client: IPAddress?, keyFiles: [KeyFile]?
  ) -> [Action] {
    guard case .question(let credential) = pending, let account, let sessionID, let user = machine.user else {
      return []
    }
    let question: SupervisorToAuthority
    switch credential {
    case .publicKey(let payload, _):
      guard let keyFiles else { return [] }
      let principals = account.principalsPath == nil ? nil : keyFiles.last
      question = .publicKey(
        KeyVerificationRequest(
          sessionID: sessionID, request: payload, client: client, groups: account.groups,
          files: principals == nil ? keyFiles : Array(keyFiles.dropLast()), principals: principals))
    case .password(let password, _): question = .password(user: user, password: password)
    case .code(let code): question = .code(user: user, code: code)
    }
    pending = .verdict(credential)
    return [.ask(question)]
  }

  /// Handles the verdict of an authority; nil: there is none, and the request fails.
  ///
  /// - Parameter leastTime: minimum time from the request with a password or a code to the reply, in milliseconds.
  mutating func verdict(
    _ verdict: Verdict?, _ account: AccountReply?, _ leastTime: Int64, at now: Int64
  ) -> Reaction {
    guard case .verdict(let credential) = pending else { return Reaction() }
    // The time of the reply must reveal neither whether the user exists nor what is wrong.
    let least =
      switch credential {
      case .publicKey: refuses(verdict, account) ? Self.keyRefusalTime(after: now - requestTime) : 0
      case .password, .code: leastTime
      }
    let left = requestTime + least - now
    guard left > 0 else { return conclude(credential, verdict, account) }
    pending = .leastTime(credential, verdict)
    return Reaction([.setTimer(.passwordAnswer, milliseconds: left)])
  }

  /// Handles that the minimum time of the pending reply is over.
  mutating func leastTimeExpired(_ account: AccountReply?) -> Reaction {
    guard case .leastTime(let credential, let verdict) = pending else { return Reaction() }
    return conclude(credential, verdict, account)
  }

  /// Milliseconds from a request to the reply that its key is refused: 10, or the first of 20, 40, 80 … that is not over
  /// after `spent`.
  ///
  /// Thus the time does not reveal whether the user has files, unless these are huge. The reply to a key that would be
  /// accepted is not delayed, because its owner learns nothing from the time.
  static func keyRefusalTime(after spent: Int64) -> Int64 {
    var time: Int64 = 10
    while time < spent { time *= 2 }
    return time
  }

  /// True if the verdict on a key leads to a refusal for any reason.
  private func refuses(_ verdict: Verdict?, _ account: AccountReply?) -> Bool {
    var copy = machine
    switch copy.handle(event(effective(verdict), account)) {
    case .publicKeyOK, .accept, .acceptPartly: return false
    case .reject, .disconnect, .verifyPublicKey, .verifyPassword, .verifyCode, .prompt, .ignore: return true
    }
  }

  /// The verdict after comparison with the earlier credentials: two keys that force different commands are refused.
  private func effective(_ verdict: Verdict?) -> Verdict? {
    guard var verdict, verdict.outcome == .accepted, permissions.merged(with: verdict.permissions) == nil else {
      return verdict
    }
    verdict.outcome = .rejected
    verdict.reason = Reason(KeyRefusal.forcedCommandsDiffer)
    return verdict
  }

  private func event(_ verdict: Verdict?, _ account: AccountReply?) -> AuthenticationMachine.Event {
    let kind = AuthenticationMachine.AccountKind(name: machine.user ?? "", uid: account?.login?.uid)
    return .verdict(verdict?.outcome ?? .rejected, account: kind, key: verdict?.fingerprint ?? "")
  }

  private mutating func conclude(_ credential: Credential, _ answer: Verdict?, _ account: AccountReply?) -> Reaction {
    pending = nil
    let verdict = effective(answer)
    let action = machine.handle(event(verdict, account))
    switch action {
    case .accept, .acceptPartly:
      permissions = permissions.merged(with: answer?.permissions ?? .everything) ?? permissions
      report.proved(verdict)
    case .verifyPublicKey, .verifyPassword, .verifyCode, .prompt, .reject, .publicKeyOK, .disconnect, .ignore: break
    }
    let warnings = (verdict?.warnings ?? []).prefix(16).filter {
      loggedWarnings.count < 64 && loggedWarnings.insert($0).inserted
    }
    var reaction = carryOut(action, credential.step.rawValue, credential, account, verdict)
    reaction.actions = warnings.map { .log(.warning, $0) } + reaction.actions
    if let answer, credential.isProvenWrong(answer) { reaction.penalties.append(.failed) }
    return reaction
  }

  /// Performs the action of the authentication machine.
  ///
  /// - Parameter method: the name of the method or the step in the log.
  private mutating func carryOut(
    _ action: AuthenticationMachine.Action, _ method: String, _ credential: Credential?, _ account: AccountReply?,
    _ verdict: Verdict? = nil
  ) -> Reaction {
    switch action {
    case .verifyPublicKey, .verifyPassword, .verifyCode:
      guard let credential else { return Reaction(next: .disconnect(.internalError)) }
      pending = .question(credential)
      return Reaction()
    case .prompt(let prompt):
      return Reaction([.send(.authentication(.prompt(name: "", instruction: "", prompt: prompt.text)))])
    case .reject(let continuing, let refusal):
      return Reaction([
        report.refused(refusal, user, by: method, credential, account, verdict),
        .send(.authentication(.failure(continuing: continuing.map(\.rawValue), partial: false))),
      ])
    case .publicKeyOK(let algorithm, let blob):
      return Reaction([
        report.offerAccepted(user, by: method, verdict),
        .send(.authentication(.publicKeyAcceptable(algorithm: Array(algorithm.utf8), key: blob))),
      ])
    case .acceptPartly(_, let continuing):
      return Reaction([
        report.partlyAccepted(user, by: method, verdict, next: machine.nextSteps),
        .send(.authentication(.failure(continuing: continuing.map(\.rawValue), partial: true))),
      ])
    case .accept(let user, let steps):
      if let notice = account?.noLoginsNotice(for: user) {
        return Reaction(
          [report.refused(.noLogins, user, by: method, credential, account, verdict)],
          next: .disconnect(.init(11, notice, .noLogins)))
      }
      report.granted(steps, key: machine.keys.first)
      return Reaction(next: .openSession)
    case .disconnect(let code, let text):
      let ending = machine.ending ?? .impossibleVerdict
      return Reaction(
        [report.disconnected(ending, machine.countedRefusal, text, by: method, account, verdict)],
        next: .disconnect(.init(code, text, .authenticationFailed)),
        penalties: ending.isSuspicious ? [.misbehaved] : [])
    case .ignore:
      return Reaction()
    }
  }

  // MARK: The session, and the end

  /// Reports that the session has started.
  mutating func sessionOpened(_ id: EventID, _ account: Account) -> [Action] { report.sessionOpened(id, account) }

  /// Reports that the session could not start.
  mutating func sessionNotOpened(_ reason: LoginFailure, _ result: EventResult, _ details: String) -> Action {
    report.sessionNotOpened(reason, result, details)
  }

  /// Reports the attempt that no event has reported, at the end of the connection.
  func ended() -> [Action] {
    // Completed steps are not reported separately after a login.
    report.ended(proven: machine.state == .loggedIn ? [] : machine.provenSteps)
  }
}

extension AccountReply {
  /// The message to an authenticated user while only root may log in; nil: the user may log in. nologin(5)
  fileprivate func noLoginsNotice(for user: String) -> String? {
    NoLogins.notice(noLogins, for: AuthenticationMachine.AccountKind(name: user, uid: login?.uid))
  }
}
