import Audit
import Model
import Wire

/// The state machine of user authentication for one connection: counts attempts, decides which may follow, and is the
/// only path to a login.
///
/// It neither reads keys nor hashes passwords: an authority's verdict arrives as an event. One request is in progress
/// at a time. A login can take several steps (``Policy/required``); failures and offers are counted over all of them.
/// RFC 4252, section 5, and RFC 4256.
public struct AuthenticationMachine: Sendable {
  /// Input of the state machine.
  public enum Event: Equatable, Sendable {
    /// A USERAUTH_REQUEST arrived.
    case request(UserauthRequest)
    /// A USERAUTH_INFO_RESPONSE arrived.
    case infoResponse(InfoResponse)
    /// A USERAUTH_REQUEST or USERAUTH_INFO_RESPONSE that does not parse.
    case malformed
    /// An authority's answer to one of the `verify…` actions. `key`: the fingerprint of the key that was verified.
    case verdict(ProofOutcome, account: AccountKind, key: String = "")
  }

  /// Why an authentication request is refused.
  public typealias Refusal = LoginRefusal

  /// Why authentication ended without a login.
  public enum Ending: Sendable {
    /// The client reached ``Policy/maximumFailures``.
    case tooManyFailures
    /// The client asked about more keys than ``Policy/maximumOffers``.
    case tooManyOffers
    // Protocol violations, which no correct client commits.
    /// A message did not parse.
    case malformed
    /// The user name differs from that of the first request.
    case userChanged
    /// The requested service is not `ssh-connection`.
    case unknownService
    /// A USERAUTH_INFO_RESPONSE without a USERAUTH_INFO_REQUEST.
    case unexpectedResponse
    /// A request before the answer to the previous one.
    case requestTooSoon
    /// The authority's verdict is impossible in this state, such as `accepted` for a key that was only offered.
    case impossibleVerdict
  }

  /// What the caller must do next.
  public enum Action: Equatable, Sendable {
    /// Let an authority verify the key, and the signature if there is one, in the request's payload.
    case verifyPublicKey(user: String)
    /// Let an authority verify the password in the request's payload.
    case verifyPassword
    /// Let an authority verify the one-time code in the request's payload.
    case verifyCode
    /// Send USERAUTH_INFO_REQUEST with the single prompt ``Prompt/text`` and echo off.
    case prompt(Prompt)
    /// Send USERAUTH_FAILURE with partial success false.
    case reject(continuing: [Method], Refusal)
    /// Send USERAUTH_FAILURE with partial success true: the step is proven, and others must follow.
    case acceptPartly(Step, continuing: [Method])
    /// Send USERAUTH_PK_OK.
    case publicKeyOK(algorithm: String, key: [UInt8])
    /// Send USERAUTH_SUCCESS and start the session. `steps`: all proven steps, in order.
    case accept(user: String, steps: [Step])
    /// Send DISCONNECT with this reason code (RFC 4253, section 11.1), and close the connection.
    case disconnect(code: UInt32, text: String)
    /// Do nothing: authentication is already over, or no answer is due.
    case ignore
  }

  /// The prompt of a keyboard-interactive request. RFC 4256, section 3.2
  public enum Prompt: CaseIterable, Sendable {
    /// Asks for the password.
    case password
    /// Asks for the one-time code.
    case code

    /// The prompt text. Echo is off for the code too: until it has been used, anyone who sees it can log in with it.
    public var text: String {
      switch self {
      case .password: "Password: "
      case .code: "Verification code: "
      }
    }

    /// The step that the client's response proves.
    public var step: Step {
      switch self {
      case .password: .keyboardInteractive
      case .code: .totp
      }
    }
  }

  /// The state of authentication.
  public enum State: Equatable, Sendable {
    /// No request is in progress.
    case waitingForRequest
    /// An authority checks a key that was offered without a signature.
    case verifyingOffer(PublicKeyRequest)
    /// An authority verifies a signature, password or one-time code.
    case verifying(Step)
    /// USERAUTH_INFO_REQUEST was sent; the response is pending.
    case prompting(Prompt)
    /// Authentication succeeded.
    case loggedIn
    /// Authentication failed for good; the connection is closed.
    case disconnected
  }

  /// What applies to this login. Assigning a policy resets all steps: nothing that was proven under another policy
  /// counts.
  public var policy: Policy {
    didSet {
      progress = LoginProgress(policy.sequences)
      keys = []
    }
  }
  /// The current state.
  public private(set) var state: State = .waitingForRequest
  /// The user name of the first request; later requests must name the same user. nil before the first.
  public private(set) var user: String?
  /// Why authentication ended without a login; nil if it has not ended or has succeeded.
  public private(set) var ending: Ending?
  /// Why the last event was refused, if it counted as a failure; nil otherwise.
  public private(set) var countedRefusal: Refusal?
  /// Failures that counted.
  public private(set) var failures = 0
  /// Keys offered without a signature.
  public private(set) var offers = 0
  private var progress: LoginProgress
  /// The steps that can come next.
  public var nextSteps: [Step] { progress.next }
  /// The steps proven so far, in order.
  public var provenSteps: [Step] { progress.done }
  /// Fingerprints of the keys proven so far, in order.
  public private(set) var keys: [String] = []
  private var hasAskedForMethods = false

  /// Starts in ``State/waitingForRequest`` with nothing proven.
  public init(policy: Policy) {
    self.policy = policy
    progress = LoginProgress(policy.sequences)
  }

  /// Processes one event and returns the action to perform.
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
      return handle(request)
    case (.waitingForRequest, .infoResponse):
      return disconnect("Unexpected keyboard-interactive response", .unexpectedResponse)
    case (.waitingForRequest, .verdict):
      return .ignore

    case (.prompting, .request(let request)):
      // RFC 4256, section 3.1: a new request abandons the prompt without an answer. This counts as a failure; otherwise
      // prompts would cost nothing.
      state = .waitingForRequest
      failures += 1
      if failures >= policy.maximumFailures { return tooManyFailures() }
      return handle(request)
    case (.prompting(let prompt), .infoResponse(let answer)):
      guard user != nil, answer.responses.count == 1 else { return fail(.wrongNumberOfResponses) }
      state = .verifying(prompt.step)
      switch prompt {
      case .password: return .verifyPassword
      case .code: return .verifyCode
      }
    case (.prompting, .verdict):
      return .ignore

    case (.verifyingOffer, .request), (.verifying, .request), (.verifyingOffer, .infoResponse),
      (.verifying, .infoResponse):
      return disconnect("Authentication request before the answer to the last one", .requestTooSoon)
    case (.waitingForRequest, .malformed), (.prompting, .malformed), (.verifyingOffer, .malformed),
      (.verifying, .malformed):
      return disconnect("Malformed authentication request", .malformed)

    case (.verifyingOffer(let offer), .verdict(let outcome, let account, let key)):
      return handleVerdict(offer, outcome, account, key)
    case (.verifying(let step), .verdict(let outcome, let account, let key)):
      return handleVerdict(step, outcome, account, key)
    }
  }

  private mutating func handle(_ request: UserauthRequest) -> Action {
    if let user, !user.hasSameBytes(as: request.user) {
      return disconnect("The user name may not change between authentication requests", .userChanged)
    }
    guard request.service == "ssh-connection" else {
      return disconnect(code: 7, "The only service is ssh-connection", .unknownService)
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
        state = .verifyingOffer(key)
      } else {
        state = .verifying(step)
      }
      return .verifyPublicKey(user: request.user)
    case .password:
      guard let step = progress.step(by: .password) else { return fail(.methodNotEnabled) }
      state = .verifying(step)
      return .verifyPassword
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

  /// Handles the verdict on a key that was only offered: it never logs in and never counts as a failure.
  private mutating func handleVerdict(
    _ offer: PublicKeyRequest, _ outcome: ProofOutcome, _ account: AccountKind, _ key: String
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

  /// Handles the verdict on a signature, password or one-time code.
  private mutating func handleVerdict(_ step: Step, _ outcome: ProofOutcome, _ account: AccountKind, _ key: String)
    -> Action
  {
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

  /// The progress that remains possible for this kind of account when it has proven `step`, or why the step does not
  /// count.
  private func admit(_ step: Step, _ account: AccountKind, _ key: String) -> Result<LoginProgress, Refusal> {
    // Two signatures by the same key prove no more than one.
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

  /// Refuses the request and counts a failure.
  private mutating func fail(_ refusal: Refusal) -> Action {
    failures += 1
    countedRefusal = refusal
    if failures >= policy.maximumFailures { return tooManyFailures() }
    return reject(refusal)
  }

  /// Refuses the request without counting a failure.
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
