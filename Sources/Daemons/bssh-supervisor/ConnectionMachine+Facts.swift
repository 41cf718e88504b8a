import Audit
import Authentication
import IPC
import System

/// What is told of a connection, and when.
extension ConnectionMachine {
  /// Why a connection ended.
  struct Ending: Equatable, Sendable {
    let reason: CloseReason
    /// What the other side said to it.
    var detail: String?
  }

  /// It was accepted.
  func opened() -> Action {
    var fact = Fact(.connectionOpen, .success, .ssh)
    fact.details = "to \(context.server)" + (proxy.map { ", by way of \($0)" } ?? "")
    return .audit(fact, subject)
  }

  /// Of what may be a health check: that it came is told once there is anything else to tell of it, and when its end is all,
  /// it is counted.
  mutating func holdingBack(_ actions: [Action]) -> [Action] {
    func isEnd(_ action: Action) -> Bool {
      if case .audit(let fact, _) = action { fact.type == .connectionClosed } else { false }
    }
    func tells(_ action: Action) -> Bool {
      switch action {
      case .audit: !isEnd(action)
      case .log(let level, _): level != .debug
      default: false
      }
    }
    if conduct.hasAskedForLogin || actions.contains(where: tells) {
      isPerhapsCheck = false
      return [opened()] + actions
    }
    return actions.map { isEnd($0) ? .countCheck : $0 }
  }

  /// What is told when it is over: an attempt to log in of which nothing was told, the connection, and the login.
  var lastWords: [Action] {
    var actions: [Action] = []
    // Who is let in has nothing more to prove.
    let proven = authentication.state == .loggedIn ? [] : authentication.provenSteps.map(\.rawValue)
    if loginTime == nil, let rest = trial.rest(proven: proven) {
      var details = rest.details.map { [$0] } ?? []
      if rest.attempt.reason == Reason(LoginFailure.incomplete) { details += provenKeys }
      let text = details.isEmpty ? nil : details.joined(separator: ", ")
      actions.append(
        failure(rest.attempt.method, .failure, rest.attempt.reason, key: rest.attempt.key, details: text))
    }
    let ending = ending ?? Ending(reason: .transportLost)
    var closed = Fact(.connectionClosed, ending.reason.result, .ssh)
    (closed.reason, closed.details) = (Reason(ending.reason), ending.detail)
    if let (bytesIn, bytesOut) = traffic {
      (closed.bytes, closed.bytesIn, closed.bytesOut) = (bytesIn &+ bytesOut, bytesIn, bytesOut)
    }
    closed.milliseconds = UInt64(max(now - startTime, 0))
    guard let loginTime else { return actions + [.audit(closed, subject)] }
    var end = closed
    end.type = .sessionEnd
    end.milliseconds = UInt64(max(now - loginTime, 0))
    return actions + [.auditAfterSession(end, subject), .auditAfterSession(closed, subject)]
  }

  /// What a session told, as far as it can know: why it finds something suspicious is not its word, which could look like
  /// ours.
  static func told(_ fact: Fact) -> Fact {
    var fact = fact
    if fact.type == .suspiciousActivity { fact.reason = Reason(Suspicion.protocolViolation) }
    return fact
  }

  /// Somebody does what none of our programs, and no client that keeps to the protocol, does.
  func suspicious(_ reason: Suspicion, _ details: String, _ result: EventResult = .failure) -> Action {
    var fact = Fact(.suspiciousActivity, result, .ssh)
    (fact.reason, fact.details) = (Reason(reason), details)
    return .audit(fact, subject)
  }

  // MARK: Logins

  /// A request was refused.
  mutating func refused(
    _ refusal: AuthenticationMachine.Refusal, tried method: String, _ attempt: Judgement.Attempt?, _ verdict: Verdict?
  ) -> Action {
    let nobody = refusal == .noneMethod ? accountAnswer?.refusal.map { Reason($0) } : nil
    let reason = refusal == .credentials ? reason(verdict) : nobody ?? Reason(refusal)
    // Asking for the methods, or which key would do, tries nothing. But when something says of a key that it may not be
    // used, nothing else will come: clients do not sign with it.
    let isQuestion =
      refusal == .noneMethod || (attempt?.triesNothing == true && verdict?.isAboutKnownKey != true)
    guard isQuestion else {
      let result: EventResult = refusal != .credentials ? .denied : verdict == nil ? .error : .failure
      return concluded(method, result, reason, verdict)
    }
    trial.concludeQuestion(reason, key: verdict?.fingerprint ?? "")
    let who = "\((authentication.user ?? "").quoted()) by \(method)"
    return .log(.debug, "refused \(who): \(reason?.code ?? "")\(comma(verdict?.keyDescription))")
  }

  /// It was refused, and with it the client.
  mutating func disconnected(_ text: String, tried method: String, _ verdict: Verdict?) -> Action {
    let ending = authentication.ending ?? .impossibleVerdict
    switch ending {
    case .tooManyFailures:
      let refusal = authentication.countedRefusal
      let reason =
        refusal == .credentials ? reason(verdict) : refusal.map { Reason($0) } ?? Reason(LoginFailure.tooManyFailures)
      return concluded(method, .failure, reason, verdict, text)
    case .tooManyOffers: return concluded(method, .failure, Reason(LoginFailure.tooManyKeys), nil, text)
    case .impossibleVerdict: return concluded(method, .error, Reason(LoginFailure.impossibleVerdict), verdict, text)
    case .malformed: return broken(.malformedRequest, text)
    case .userChanged: return broken(.userChanged, text)
    case .unknownService: return broken(.unknownService, text)
    case .unexpectedResponse: return broken(.unexpectedResponse, text)
    case .requestTooSoon: return broken(.requestBeforeAnswer, text)
    }
  }

  /// A request was none that a client of the protocol sends.
  private mutating func broken(_ reason: Suspicion, _ text: String) -> Action {
    trial.tell()
    return suspicious(reason, text)
  }

  /// The login was granted, and is there.
  mutating func loggedIn(_ account: Account) -> [Action] {
    trial.tell()
    var success = Fact(.authSuccess, .success, .ssh)
    success.details = provenKeys.isEmpty ? nil : provenKeys.joined(separator: ", ")
    var start = Fact(.sessionStart, .success, .ssh)
    start.details = "as uid \(account.uid), gid \(account.gid)"
    return [.audit(success, subject), .audit(start, subject)]
  }

  /// The login was granted, and could not begin.
  mutating func notOpened(_ reason: LoginFailure, _ result: EventResult, _ details: String) -> Action {
    trial.tell()
    return failure(
      subject.method ?? "", result, Reason(reason), key: subject.keyFingerprint ?? "", details: details)
  }

  /// Why credentials were refused: nobody can have the right ones of a user that there is not.
  private func reason(_ verdict: Verdict?) -> Reason? {
    guard let verdict else { return Reason(LoginFailure.noAuthority) }
    return accountAnswer?.refusal.map { Reason($0) } ?? verdict.reason
  }

  private mutating func concluded(
    _ method: String, _ result: EventResult, _ reason: Reason?, _ verdict: Verdict?, _ more: String? = nil
  ) -> Action {
    trial.tell()
    let details = [verdict?.keyDescription, more].compactMap(\.self)
    return failure(
      method, result, reason, key: verdict?.fingerprint ?? "",
      details: details.isEmpty ? nil : details.joined(separator: ", "))
  }

  private func failure(
    _ method: String, _ result: EventResult, _ reason: Reason?, key: String, details: String?
  ) -> Action {
    var fact = Fact(.authFailure, result, .ssh)
    (fact.reason, fact.details) = (reason, details)
    var subject = subject
    subject.method = method
    subject.keyFingerprint = key.isEmpty ? nil : key
    return .audit(fact, subject)
  }

  /// `, text`; nothing for nil.
  func comma(_ text: String?) -> String { text.map { ", \($0)" } ?? "" }
}
