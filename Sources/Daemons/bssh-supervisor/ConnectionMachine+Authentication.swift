import AccessControl
import Audit
import Authentication
import IPC
import System
import Wire

extension ConnectionMachine {
  /// An authentication request on its way to a verdict.
  struct Judgement: Equatable, Sendable {
    /// What is judged.
    enum Attempt: Equatable, Sendable {
      /// The payload of the USERAUTH_REQUEST; `isSigned`: it proves something.
      case publicKey([UInt8], isSigned: Bool)
      case password(SecretBytes)
      case code(SecretBytes)
    }

    /// What it waits for.
    enum Stage: Equatable, Sendable {
      /// The account, and for a key what was looked up.
      case preparation
      case verdict
      /// The least time that every password, every code and every key that is refused takes; nil: no authority answered.
      case time(Verdict?)
    }

    let attempt: Attempt
    let step: AuthenticationMachine.Step
    let startTime: Int64
    var stage: Stage = .preparation
  }

  /// A USERAUTH_REQUEST, in the phase in which it is allowed.
  mutating func authenticate(_ payload: SecretBytes, at now: Int64) -> [Action] {
    let request: UserauthRequest
    do throws(UserauthError) {
      request = try payload.lend { (bytes) throws(UserauthError) in try UserauthRequest(payload: bytes[...]) }
    } catch {
      return carryOut(authentication.handle(.malformed), tried: "malformed", nil, at: now)
    }
    requestTime = now
    if subject.user == nil { subject.user = request.user }
    noteAttempt(request.method)
    trial.begin(request.method.name, isQuestion: request.method.isQuestion)
    return take(.request(request, payload: payload), of: request.user, at: now)
  }

  /// Answers a message, once it is known who the user is: even which methods there are depends on that.
  private mutating func take(_ message: ClientMessage, of user: String, at now: Int64) -> [Action] {
    switch identity {
    case .known: return answer(message, at: now)
    case .asked, .checking: return []
    case .unknown:
      identity = .asked(user: user, message)
      return [.ask(.account(user: user, address: context.client.address))]
    }
  }

  mutating func answer(_ message: ClientMessage, at now: Int64) -> [Action] {
    switch message {
    case .request(let request, let payload): return answer(request, payload, at: now)
    case .response(let response):
      let prompt = prompt
      let attempt = response.responses.first.map { prompt == .code ? Judgement.Attempt.code($0) : .password($0) }
      let action = authentication.handle(.infoResponse(response))
      return carryOut(action, tried: prompt?.step.rawValue ?? "keyboard-interactive", attempt, at: now)
    }
  }

  private mutating func answer(_ request: UserauthRequest, _ payload: SecretBytes, at now: Int64) -> [Action] {
    let attempt: Judgement.Attempt? =
      switch request.method {
      case .publicKey(let key): .publicKey(payload.lend { $0 }, isSigned: key.signature != nil)
      case .password(let password): .password(password)
      case .none, .passwordChange, .keyboardInteractive, .other: nil
      }
    return carryOut(authentication.handle(.request(request)), tried: request.method.name, attempt, at: now)
  }

  /// A USERAUTH_INFO_RESPONSE, after a prompt.
  mutating func informationResponse(_ payload: SecretBytes, at now: Int64) -> [Action] {
    let response: InfoResponse
    do throws(UserauthError) {
      response = try payload.lend { (bytes) throws(UserauthError) in try InfoResponse(payload: bytes[...]) }
    } catch {
      return carryOut(authentication.handle(.malformed), tried: "malformed", nil, at: now)
    }
    requestTime = now
    trial.begin(prompt?.step.rawValue ?? "keyboard-interactive", isQuestion: false)
    return take(.response(response), of: authentication.user ?? "", at: now)
  }

  /// What the client has been asked for; nil: nothing.
  var prompt: AuthenticationMachine.Prompt? {
    if case .prompting(let prompt) = authentication.state { prompt } else { nil }
  }

  /// Does what the authentication machine says.
  private mutating func carryOut(
    _ action: AuthenticationMachine.Action, tried method: String, _ attempt: Judgement.Attempt?,
    verdict: Verdict? = nil, at now: Int64
  ) -> [Action] {
    switch action {
    case .judgePublicKey, .judgePassword, .judgeCode:
      guard let attempt, let step = AuthenticationMachine.Step(rawValue: method) else {
        return end(reason: 11, "Internal error", log: .internalError)
      }
      judgement = Judgement(attempt: attempt, step: step, startTime: requestTime)
      return judge()
    case .prompt(let prompt):
      return [.tell(.authentication(.prompt(name: "", instruction: "", prompt: prompt.text)))]
    case .reject(let continuing, let refusal):
      return [
        refused(refusal, tried: method, attempt, verdict),
        .tell(.authentication(.failure(continuing: continuing.map(\.rawValue), partial: false))),
      ]
    case .publicKeyOK(let algorithm, let blob):
      trial.concludeQuestion(Reason(LoginFailure.notSigned), key: verdict?.fingerprint ?? "")
      return [
        .log(
          .debug,
          "asked \((authentication.user ?? "").quoted()) by \(method): would do\(comma(verdict?.keyDescription))"),
        .tell(.authentication(.publicKeyAcceptable(algorithm: Array(algorithm.utf8), key: blob))),
      ]
    case .acceptPartly(_, let continuing):
      trial.prove()
      let steps = authentication.nextSteps.map(\.rawValue).joined(separator: " or ")
      let who = "\((authentication.user ?? "").quoted()) by \(method)"
      return [
        .log(.info, "partly accepted \(who)\(comma(verdict?.keyDescription)): needs \(steps) as well"),
        .tell(.authentication(.failure(continuing: continuing.map(\.rawValue), partial: true))),
      ]
    case .accept(let user, let steps):
      if let notice = noLoginsNotice(for: user) {
        return [refused(.noLogins, tried: method, attempt, verdict)] + end(reason: 11, notice, log: .noLogins)
      }
      subject.method = steps.map(\.rawValue).joined(separator: ",")
      subject.keyFingerprint = authentication.keys.first
      return open()
    case .disconnect(let code, let text):
      switch authentication.ending {
      case .malformed, .userChanged, .unknownService, .unexpectedResponse, .requestTooSoon: conduct.isUnfit = true
      case .tooManyFailures, .tooManyOffers, .impossibleVerdict, nil: break
      }
      return [disconnected(text, tried: method, verdict)] + end(reason: code, text, log: .authenticationFailed)
    case .ignore:
      return []
    }
  }

  /// Asks for a verdict as soon as everything that it needs is there.
  mutating func judge() -> [Action] {
    guard let judgement, judgement.stage == .preparation, let sessionID, let user = authentication.user,
      case .known(let answer) = identity
    else { return [] }
    switch judgement.attempt {
    case .publicKey(let payload, _):
      switch lookUp {
      case .none, .running: return []
      case .done(let files, _):
        self.judgement?.stage = .verdict
        // The last of them is the file of principals.
        let principals = answer.principalsPath == nil ? nil : files.last
        return [
          .ask(
            .publicKey(
              KeyQuestion(
                sessionID: sessionID, request: payload, client: IPAddress(context.client.address),
                groups: answer.groups, files: principals == nil ? files : Array(files.dropLast()),
                principals: principals)))
        ]
      }
    case .password(let password):
      self.judgement?.stage = .verdict
      return [.ask(.password(user: user, password: password))]
    case .code(let code):
      self.judgement?.stage = .verdict
      return [.ask(.code(user: user, code: code))]
    }
  }

  /// An authority's verdict; nil: there is none, and the request fails.
  mutating func judged(_ verdict: Verdict?, at now: Int64) -> [Action] {
    guard phase == .authenticating, let judgement, judgement.stage == .verdict else { return [] }
    // Whoever it is and whatever is wrong: the time tells nothing.
    let least: Int64 =
      switch judgement.attempt {
      case .publicKey: refuses(verdict) ? Self.keyRefusalTime(after: now - judgement.startTime) : 0
      case .password, .code: Int64(context.settings.auth.minimumPasswordTime)
      }
    let left = judgement.startTime + least - now
    guard left > 0 else { return conclude(verdict, at: now) }
    self.judgement?.stage = .time(verdict)
    return [.setTimer(.passwordAnswer, milliseconds: left)]
  }

  /// Milliseconds from a request to the answer that its key is refused, when so many were spent: 10, or the first of 20,
  /// 40, 80 … that are not over. Reading and searching a user's files then takes as long as having none, unless they are
  /// huge. A key that would do or lets in is answered at once: its owner learns nothing from the time.
  static func keyRefusalTime(after spent: Int64) -> Int64 {
    var time: Int64 = 10
    while time < spent { time *= 2 }
    return time
  }

  /// True when the verdict on a key ends in a refusal, by whatever rule.
  private func refuses(_ verdict: Verdict?) -> Bool {
    guard let user = authentication.user else { return true }
    var machine = authentication
    let (verdict, outcome) = outcome(of: verdict)
    switch machine.handle(.verdict(outcome, account: accountKind(of: user), key: verdict?.fingerprint ?? "")) {
    case .publicKeyOK, .accept, .acceptPartly: return false
    case .reject, .disconnect, .judgePublicKey, .judgePassword, .judgeCode, .prompt, .ignore: return true
    }
  }

  /// What an authority's answer means here: two keys that force different commands let nobody in.
  private func outcome(of answer: Verdict?) -> (verdict: Verdict?, outcome: AuthenticationMachine.Outcome) {
    var verdict = answer
    if answer?.outcome == .accepted, permissions.merged(with: answer?.permissions ?? .everything) == nil {
      verdict?.outcome = .rejected
      verdict?.reason = Reason(KeyRefusal.forcedCommandsDiffer)
    }
    switch verdict?.outcome {
    case nil, .rejected: return (verdict, .rejected)
    case .acceptable: return (verdict, .acceptable)
    case .accepted: return (verdict, .accepted)
    }
  }

  /// A password, a code or a key that is refused has taken its least time.
  mutating func passwordTime(at now: Int64) -> [Action] {
    guard case .time(let verdict) = judgement?.stage else { return [] }
    return conclude(verdict, at: now)
  }

  private mutating func conclude(_ answer: Verdict?, at now: Int64) -> [Action] {
    guard let judgement, let user = authentication.user else { return [] }
    self.judgement = nil
    let (verdict, outcome) = outcome(of: answer)
    let action = authentication.handle(
      .verdict(outcome, account: accountKind(of: user), key: verdict?.fingerprint ?? ""))
    switch action {
    case .accept, .acceptPartly:
      permissions = permissions.merged(with: answer?.permissions ?? .everything) ?? permissions
      if let key = verdict?.keyDescription { provenKeys.append(key) }
    case .judgePublicKey, .judgePassword, .judgeCode, .prompt, .reject, .publicKeyOK, .disconnect, .ignore: break
    }
    return tell(verdict?.warnings ?? [])
      + carryOut(action, tried: judgement.step.rawValue, judgement.attempt, verdict: verdict, at: now)
      + count(judgement.attempt, answer)
  }
}

extension ConnectionMachine {
  /// Lines of the log for warnings, each once in a connection; of more than 64, no more.
  private mutating func tell(_ warnings: [String]) -> [Action] {
    warnings.prefix(16).filter { toldWarnings.count < 64 && toldWarnings.insert($0).inserted }.map {
      .log(.warning, $0)
    }
  }
}

extension ConnectionMachine.Judgement.Attempt {
  /// True for a key that is only asked about.
  var triesNothing: Bool {
    switch self {
    case .publicKey(_, let isSigned): !isSigned
    case .password, .code: false
    }
  }
}

extension Verdict {
  /// True when a line or a certificate's authority has something to say of the key.
  var isAboutKnownKey: Bool { !place.isEmpty || certificate != nil }

  /// What is told of the key: itself, its certificate, and what decided; nil: there is none.
  var keyDescription: String? {
    if fingerprint.isEmpty { return nil }
    let certified = certificate.map { certificate in
      // What an authority writes must not look like the rest of the line.
      return ", certificate \(certificate.keyID.quoted()) serial \(certificate.serial), CA \(certificate.authority)"
    }
    return "key \(fingerprint)" + (certified ?? "") + (place.isEmpty ? "" : ", by \(place)")
  }
}

extension UserauthRequest.Method {
  /// As RFC 4252 calls it.
  fileprivate var name: String {
    switch self {
    case .none: "none"
    case .publicKey: "publickey"
    case .password, .passwordChange: "password"
    case .keyboardInteractive: "keyboard-interactive"
    case .other(let name): name
    }
  }

  /// True for what asks and tries nothing.
  fileprivate var isQuestion: Bool {
    switch self {
    case .none: true
    case .publicKey(let key): key.signature == nil
    // The prompt comes first.
    case .keyboardInteractive: true
    case .password, .passwordChange, .other: false
    }
  }
}
