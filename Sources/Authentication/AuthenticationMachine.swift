/// Counts what one connection has tried, decides what it may try next, and holds the only path to a login.
///
/// Decides only: it neither reads keys nor hashes passwords; an authority's verdict comes in as an event. One
/// request is under way at a time. RFC 4252, section 5, and RFC 4256.
public struct AuthenticationMachine: Sendable {
  /// A method that can be enabled.
  public enum Method: String, CaseIterable, Sendable {
    case publicKey = "publickey"
    case password
    case keyboardInteractive = "keyboard-interactive"
  }

  /// How root may log in.
  public enum PermitRoot: Sendable {
    case no
    case publicKey
    case yes
  }

  /// What applies to a connection from its start to its end.
  public struct Policy: Sendable {
    /// In the order in which clients are told.
    public var methods: [Method]
    public var permitRoot: PermitRoot
    /// Counted failures, the last of which ends the connection.
    public var maximumFailures = 6
    /// Keys that a client may ask about without signing.
    public var maximumOffers = 20

    public init(methods: [Method], permitRoot: PermitRoot) {
      self.methods = methods
      self.permitRoot = permitRoot
    }
  }

  /// Whose rights a login under the requested name would have.
  public enum AccountKind: CaseIterable, Sendable {
    /// Nobody of that name may log in.
    case none
    case ordinary
    /// User id 0, or the name `root`.
    case root

    /// The kind of the account `name` with the user id `uid`; nil `uid`: there is no such account.
    public init(name: String, uid: UInt32?) {
      self =
        switch uid {
        case nil: .none
        case 0: .root
        default: name.hasSameBytes(as: "root") ? .root : .ordinary
        }
    }
  }

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
    /// The answer to ``Action/judgePublicKey(user:)`` or ``Action/judgePassword(user:password:)``.
    case verdict(Outcome, account: AccountKind)
  }

  /// Why a request failed: the raw value is a stable code for the log.
  public enum Refusal: String, Sendable {
    /// `none` is how clients ask for the methods.
    case noneMethod = "none"
    case methodNotEnabled = "method_not_enabled"
    case passwordChange = "password_change"
    case wrongNumberOfResponses = "wrong_number_of_responses"
    /// The authority says no; its verdict has the reason.
    case credentials
    case noAccount = "no_account"
    case rootNotPermitted = "root_not_permitted"
  }

  /// What to do now.
  public enum Action: Equatable, Sendable {
    /// Give the payload of this request to an authority.
    case judgePublicKey(user: String)
    case judgePassword(user: String, password: [UInt8])
    /// Send USERAUTH_INFO_REQUEST with the one prompt ``passwordPrompt``, echo off.
    case prompt
    /// Send USERAUTH_FAILURE, partial success false.
    case reject(continuing: [Method], Refusal)
    /// Send USERAUTH_PK_OK.
    case publicKeyOK(algorithm: String, key: [UInt8])
    /// Send USERAUTH_SUCCESS, and start the session.
    case accept(user: String, method: Method)
    /// Send DISCONNECT with this reason code of RFC 4253, section 11.1, and close.
    case disconnect(code: UInt32, text: String)
    /// Nothing: it is over, one way or the other.
    case ignore
  }

  /// The one prompt of `keyboard-interactive`.
  public static let passwordPrompt = "Password: "

  /// Where the connection stands.
  public enum State: Equatable, Sendable {
    case waitingForRequest
    /// An authority looks at a key that is only offered.
    case judgingOffer(PublicKeyRequest)
    /// An authority verifies a signature.
    case judgingSignature
    /// An authority verifies a password that came by this method.
    case judgingPassword(Method)
    /// The client has been asked for the password.
    case prompting
    case loggedIn
    case disconnected
  }

  public let policy: Policy
  public private(set) var state: State = .waitingForRequest
  /// The name of the first request; no other may follow.
  public private(set) var user: String?
  /// Counted failures.
  public private(set) var failures = 0
  /// Keys asked about without a signature.
  public private(set) var offers = 0
  private var hasAskedForMethods = false

  public init(policy: Policy) { self.policy = policy }

  /// Takes an event, and says what to do.
  public mutating func handle(_ event: Event) -> Action {
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
      return disconnect("Unexpected keyboard-interactive response")
    case (.waitingForRequest, .verdict):
      return .ignore

    case (.prompting, .request(let request)):
      // RFC 4256, section 3.1: a new request abandons the prompt, without an answer. It counts, or prompts were free.
      state = .waitingForRequest
      failures += 1
      if failures >= policy.maximumFailures { return tooManyFailures() }
      return take(request)
    case (.prompting, .infoResponse(let answer)):
      guard let user, answer.responses.count == 1, let password = answer.responses.first else {
        return fail(.wrongNumberOfResponses)
      }
      state = .judgingPassword(.keyboardInteractive)
      return .judgePassword(user: user, password: password)
    case (.prompting, .verdict):
      return .ignore

    case (.judgingOffer, .request), (.judgingSignature, .request), (.judgingPassword, .request),
      (.judgingOffer, .infoResponse), (.judgingSignature, .infoResponse), (.judgingPassword, .infoResponse):
      return disconnect("Authentication request before the answer to the last one")
    case (.waitingForRequest, .malformed), (.prompting, .malformed), (.judgingOffer, .malformed),
      (.judgingSignature, .malformed), (.judgingPassword, .malformed):
      return disconnect("Malformed authentication request")

    case (.judgingOffer(let offer), .verdict(let outcome, let account)):
      return judged(offer, outcome, account)
    case (.judgingSignature, .verdict(let outcome, let account)):
      return judged(.publicKey, outcome, account)
    case (.judgingPassword(let method), .verdict(let outcome, let account)):
      return judged(method, outcome, account)
    }
  }

  private mutating func take(_ request: UserauthRequest) -> Action {
    if let user, !user.hasSameBytes(as: request.user) {
      return disconnect("The user name may not change between authentication requests")
    }
    guard request.service == "ssh-connection" else {
      return disconnect(code: 7, "There is no service but ssh-connection")
    }
    user = request.user

    switch request.method {
    case .none:
      defer { hasAskedForMethods = true }
      return hasAskedForMethods ? fail(.noneMethod) : reject(.noneMethod)
    case .publicKey(let key):
      guard policy.methods.contains(.publicKey) else { return fail(.methodNotEnabled) }
      if key.signature == nil {
        guard offers < policy.maximumOffers else { return tooManyFailures() }
        offers += 1
        state = .judgingOffer(key)
      } else {
        state = .judgingSignature
      }
      return .judgePublicKey(user: request.user)
    case .password(let password):
      guard policy.methods.contains(.password) else { return fail(.methodNotEnabled) }
      state = .judgingPassword(.password)
      return .judgePassword(user: request.user, password: password)
    case .passwordChange:
      return fail(policy.methods.contains(.password) ? .passwordChange : .methodNotEnabled)
    case .keyboardInteractive:
      guard policy.methods.contains(.keyboardInteractive) else { return fail(.methodNotEnabled) }
      state = .prompting
      return .prompt
    case .other:
      return fail(.methodNotEnabled)
    }
  }

  /// The verdict on a key that was only offered: never a login, never counted.
  private mutating func judged(_ offer: PublicKeyRequest, _ outcome: Outcome, _ account: AccountKind) -> Action {
    state = .waitingForRequest
    switch outcome {
    case .rejected: return reject(.credentials)
    case .acceptable:
      if let refusal = refusal(of: account, by: .publicKey) { return reject(refusal) }
      return .publicKeyOK(algorithm: offer.algorithm, key: offer.key)
    case .accepted: return impossibleVerdict()
    }
  }

  /// The verdict on a signature or password.
  private mutating func judged(_ method: Method, _ outcome: Outcome, _ account: AccountKind) -> Action {
    state = .waitingForRequest
    switch outcome {
    case .rejected: return fail(.credentials)
    case .acceptable: return impossibleVerdict()
    case .accepted:
      if let refusal = refusal(of: account, by: method) { return fail(refusal) }
      guard let user else { return impossibleVerdict() }
      state = .loggedIn
      return .accept(user: user, method: method)
    }
  }

  private func refusal(of account: AccountKind, by method: Method) -> Refusal? {
    switch account {
    case .none: .noAccount
    case .ordinary: nil
    case .root:
      switch policy.permitRoot {
      case .no: .rootNotPermitted
      case .publicKey: method == .publicKey ? nil : .rootNotPermitted
      case .yes: nil
      }
    }
  }

  /// A failure that counts.
  private mutating func fail(_ refusal: Refusal) -> Action {
    failures += 1
    if failures >= policy.maximumFailures { return tooManyFailures() }
    return reject(refusal)
  }

  /// A failure that does not count.
  private mutating func reject(_ refusal: Refusal) -> Action {
    state = .waitingForRequest
    return .reject(continuing: policy.methods, refusal)
  }

  private mutating func tooManyFailures() -> Action { disconnect("Too many authentication failures") }

  private mutating func impossibleVerdict() -> Action { disconnect(code: 11, "Internal error") }

  private mutating func disconnect(code: UInt32 = 2, _ text: String) -> Action {
    state = .disconnected
    return .disconnect(code: code, text: text)
  }
}
