import Audit
import Wire

/// Counts what one connection has tried, decides what it may try next, and holds the only path to a login.
///
/// Decides only: it neither reads keys nor hashes passwords; an authority's verdict comes in as an event. One
/// request is under way at a time. A login can take several steps (``Policy/required``); failures and offers count over
/// all of them. RFC 4252, section 5, and RFC 4256.
public struct AuthenticationMachine: Sendable {
  /// An authority's judgement.
  public enum Outcome: CaseIterable, Sendable {
    case rejected
    /// The key would do, but nothing is proven.
    case acceptable
    case accepted
  }

  /// What happened.
  public enum Event: Equatable, Sendable {
    case request(UserauthRequest)
    case infoResponse(InfoResponse)
    /// A USERAUTH_REQUEST or USERAUTH_INFO_RESPONSE that cannot be read.
    case malformed
    /// The answer to an action that asks an authority; `key`: the fingerprint of the key that was judged.
    case verdict(Outcome, account: AccountKind, key: String = "")
  }

  /// Why a request is refused.
  public typealias Refusal = LoginRefusal

  /// Why it ended without a login.
  public enum Ending: Sendable {
    case tooManyFailures
    /// More keys were asked about than anybody has.
    case tooManyOffers
    // What no client of the protocol does.
    case malformed
    case userChanged
    case unknownService
    case unexpectedResponse
    case requestTooSoon
    /// An authority said what it cannot say.
    case impossibleVerdict
  }

  /// What to do now.
  public enum Action: Equatable, Sendable {
    /// Give the payload of this request to an authority.
    case judgePublicKey(user: String)
    case judgePassword(user: String, password: SecretBytes)
    case judgeCode(user: String, code: SecretBytes)
    /// Send USERAUTH_INFO_REQUEST with the one prompt ``Prompt/text``, echo off.
    case prompt(Prompt)
    /// Send USERAUTH_FAILURE, partial success false.
    case reject(continuing: [Method], Refusal)
    /// Send USERAUTH_FAILURE, partial success true: the step is proven, and more are needed.
    case acceptPartly(Step, continuing: [Method])
    /// Send USERAUTH_PK_OK.
    case publicKeyOK(algorithm: String, key: [UInt8])
    /// Send USERAUTH_SUCCESS, and start the session; `steps`: all that were proven, in order.
    case accept(user: String, steps: [Step])
    /// Send DISCONNECT with this reason code of RFC 4253, section 11.1, and close.
    case disconnect(code: UInt32, text: String)
    /// Nothing: it is over, one way or the other.
    case ignore
  }

  /// What `keyboard-interactive` asks for. RFC 4256, section 3.2
  public enum Prompt: CaseIterable, Sendable {
    case password
    case code

    /// A code is not shown, either: until it has been used, it is good for whoever looks on.
    public var text: String {
      switch self {
      case .password: "Password: "
      case .code: "Verification code: "
      }
    }

    /// What the answer proves.
    public var step: Step {
      switch self {
      case .password: .keyboardInteractive
      case .code: .totp
      }
    }
  }

  /// Where the connection stands.
  public enum State: Equatable, Sendable {
    case waitingForRequest
    /// An authority looks at a key that is only offered.
    case judgingOffer(PublicKeyRequest)
    /// An authority verifies a signature, a password or a code.
    case judging(Step)
    /// The client has been asked.
    case prompting(Prompt)
    case loggedIn
    case disconnected
  }

  /// Replacing it begins every sequence anew: nothing counts that was proven under another policy.
  public var policy: Policy {
    didSet {
      progress = LoginProgress(policy.sequences)
      keys = []
    }
  }
  public private(set) var state: State = .waitingForRequest
  /// The name of the first request; no other may follow.
  public private(set) var user: String?
  /// Why it is over without a login; nil while it is not.
  public private(set) var ending: Ending?
  /// Why the last event was refused, when it was a failure that counts.
  public private(set) var countedRefusal: Refusal?
  /// Counted failures.
  public private(set) var failures = 0
  /// Keys asked about without a signature.
  public private(set) var offers = 0
  private var progress: LoginProgress
  /// The steps that bring the client on.
  public var nextSteps: [Step] { progress.next }
  /// The steps that were proven, in order.
  public var provenSteps: [Step] { progress.done }
  /// Fingerprints of the keys that were proven, in order.
  public private(set) var keys: [String] = []
  private var hasAskedForMethods = false

  public init(policy: Policy) {
    self.policy = policy
    progress = LoginProgress(policy.sequences)
  }

  /// Takes an event, and says what to do.
  public mutating func handle(_ event: Event) -> Action {
    countedRefusal = nil
    switch (state, event) {
    case (.disconnected, .request), (.disconnected, .infoResponse), (.disconnected, .malformed),
      (.disconnected, .verdict):
      return .ignore
    case (.loggedIn, .request), (.loggedIn, .infoResponse), (.loggedIn, .malformed), (.loggedIn, .verdict):
      // RFC 4252, section 5.1: requests after a success are silently ignored.
      return .ignore

    case (.waitingForRequest, .request(let request)):
      return take(request)
    case (.waitingForRequest, .infoResponse):
      return disconnect("Unexpected keyboard-interactive response", .unexpectedResponse)
    case (.waitingForRequest, .verdict):
      return .ignore

    case (.prompting, .request(let request)):
      // RFC 4256, section 3.1: a new request abandons the prompt, without an answer. It counts, or prompts were free.
      state = .waitingForRequest
      failures += 1
      if failures >= policy.maximumFailures { return tooManyFailures() }
      return take(request)
    case (.prompting(let prompt), .infoResponse(let answer)):
      guard let user, answer.responses.count == 1, let response = answer.responses.first else {
        return fail(.wrongNumberOfResponses)
      }
      state = .judging(prompt.step)
      switch prompt {
      case .password: return .judgePassword(user: user, password: response)
      case .code: return .judgeCode(user: user, code: response)
      }
    case (.prompting, .verdict):
      return .ignore

    case (.judgingOffer, .request), (.judging, .request), (.judgingOffer, .infoResponse), (.judging, .infoResponse):
      return disconnect("Authentication request before the answer to the last one", .requestTooSoon)
    case (.waitingForRequest, .malformed), (.prompting, .malformed), (.judgingOffer, .malformed),
      (.judging, .malformed):
      return disconnect("Malformed authentication request", .malformed)

    case (.judgingOffer(let offer), .verdict(let outcome, let account, let key)):
      return judged(offer, outcome, account, key)
    case (.judging(let step), .verdict(let outcome, let account, let key)):
      return judged(step, outcome, account, key)
    }
  }

  private mutating func take(_ request: UserauthRequest) -> Action {
    if let user, !user.hasSameBytes(as: request.user) {
      return disconnect("The user name may not change between authentication requests", .userChanged)
    }
    guard request.service == "ssh-connection" else {
      return disconnect(code: 7, "There is no service but ssh-connection", .unknownService)
    }
    user = request.user

    switch request.method {
    case .none:
      defer { hasAskedForMethods = true }
      return hasAskedForMethods ? fail(.noneMethod) : reject(.noneMethod)
    case .publicKey(let key):
      guard let step = progress.step(by: .publicKey) else { return fail(.methodNotEnabled) }
      if key.signature == nil {
        guard offers < policy.maximumOffers else { return tooManyFailures(.tooManyOffers) }
        offers += 1
        state = .judgingOffer(key)
      } else {
        state = .judging(step)
      }
      return .judgePublicKey(user: request.user)
    case .password(let password):
      guard let step = progress.step(by: .password) else { return fail(.methodNotEnabled) }
      state = .judging(step)
      return .judgePassword(user: request.user, password: password)
    case .passwordChange:
      return fail(progress.step(by: .password) == nil ? .methodNotEnabled : .passwordChange)
    case .keyboardInteractive:
      let step = progress.step(by: .keyboardInteractive)
      guard let prompt = Prompt.allCases.first(where: { $0.step == step }) else { return fail(.methodNotEnabled) }
      state = .prompting(prompt)
      return .prompt(prompt)
    case .other:
      return fail(.methodNotEnabled)
    }
  }

  /// The verdict on a key that was only offered: never a login, never counted.
  private mutating func judged(
    _ offer: PublicKeyRequest, _ outcome: Outcome, _ account: AccountKind, _ key: String
  ) -> Action {
    switch outcome {
    case .rejected: return reject(.credentials)
    case .acceptable:
      switch admit(.publicKey, account, key) {
      case .failure(let refusal): return reject(refusal)
      case .success:
        state = .waitingForRequest
        return .publicKeyOK(algorithm: offer.algorithm, key: offer.key)
      }
    case .accepted: return impossibleVerdict()
    }
  }

  /// The verdict on a signature or password.
  private mutating func judged(_ step: Step, _ outcome: Outcome, _ account: AccountKind, _ key: String) -> Action {
    switch outcome {
    case .rejected: return fail(.credentials)
    case .acceptable: return impossibleVerdict()
    case .accepted:
      switch admit(step, account, key) {
      case .failure(let refusal): return fail(refusal)
      case .success(let admitted):
        guard let user else { return impossibleVerdict() }
        progress = admitted
        if step == .publicKey { keys.append(key) }
        guard progress.advance(step) else {
          state = .waitingForRequest
          return .acceptPartly(step, continuing: progress.methods)
        }
        state = .loggedIn
        return .accept(user: user, steps: progress.done)
      }
    }
  }

  /// The sequences that this account can go on with by a proven step; or why it gains nothing.
  private func admit(_ step: Step, _ account: AccountKind, _ key: String) -> Result<LoginProgress, Refusal> {
    // Two steps by one key would be one proof.
    if step == .publicKey, keys.contains(where: { $0.hasSameBytes(as: key) }) { return .failure(.keyUsedBefore) }
    var left = progress
    switch account {
    case .none: return .failure(.noAccount)
    case .ordinary: break
    case .root:
      switch policy.permitRoot {
      case .no: return .failure(.rootNotPermitted)
      case .publicKey: left = progress.only(with: .publicKey)
      case .yes: break
      }
    }
    if let refusal = policy.refusals[step] { return .failure(refusal) }
    guard left.next.contains(step) else {
      return .failure(progress.next.contains(step) ? .rootNotPermitted : .methodNotEnabled)
    }
    return .success(left)
  }

  /// A failure that counts.
  private mutating func fail(_ refusal: Refusal) -> Action {
    failures += 1
    countedRefusal = refusal
    if failures >= policy.maximumFailures { return tooManyFailures() }
    return reject(refusal)
  }

  /// A failure that does not count.
  private mutating func reject(_ refusal: Refusal) -> Action {
    state = .waitingForRequest
    return .reject(continuing: progress.methods, refusal)
  }

  private mutating func tooManyFailures(_ ending: Ending = .tooManyFailures) -> Action {
    disconnect("Too many authentication failures", ending)
  }

  private mutating func impossibleVerdict() -> Action { disconnect(code: 11, "Internal error", .impossibleVerdict) }

  private mutating func disconnect(code: UInt32 = 2, _ text: String, _ ending: Ending) -> Action {
    state = .disconnected
    self.ending = ending
    return .disconnect(code: code, text: text)
  }
}
