import Audit

extension AuthenticationMachine {
  /// A method that can be enabled, by the name that clients know it by.
  public enum Method: String, CaseIterable, Sendable {
    case publicKey = "publickey"
    case password
    case keyboardInteractive = "keyboard-interactive"
  }

  /// What a client proves in one step of a login.
  public enum Step: String, CaseIterable, Sendable {
    case publicKey = "publickey"
    case password
    /// The password, asked for by keyboard-interactive.
    case keyboardInteractive = "keyboard-interactive"
    /// A one-time code (RFC 6238), asked for by keyboard-interactive.
    case totp

    /// True when the proof is a password.
    var isPassword: Bool {
      switch self {
      case .password, .keyboardInteractive: true
      case .publicKey, .totp: false
      }
    }

    /// How a client asks for the step.
    public var method: Method {
      switch self {
      case .publicKey: .publicKey
      case .password: .password
      case .keyboardInteractive, .totp: .keyboardInteractive
      }
    }

    /// The method that must be enabled; nil: the step is enabled where a sequence names it, and is no login alone.
    public var enabling: Method? {
      switch self {
      case .publicKey: .publicKey
      case .password: .password
      case .keyboardInteractive: .keyboardInteractive
      case .totp: nil
      }
    }

    /// The step that is the method and nothing else.
    init(_ method: Method) {
      self =
        switch method {
        case .publicKey: .publicKey
        case .password: .password
        case .keyboardInteractive: .keyboardInteractive
        }
    }
  }

  /// How root may log in.
  public enum PermitRoot: Sendable {
    case no
    /// By a key, alone or with other steps.
    case publicKey
    case yes
  }

  /// What applies to a login.
  public struct Policy: Equatable, Sendable {
    /// In the order in which clients are told.
    public var methods: [Method]
    /// Sequences of steps. One of them, whole and in order, is a login; with none, any one method is.
    public var required: [[Step]] = []
    public var permitRoot: PermitRoot
    /// Steps that gain this login nothing, whatever is proven; see ``LoginRules``.
    public var refusals: [Step: AuthenticationMachine.Refusal] = [:]
    /// Counted failures, the last of which ends the connection.
    public var maximumFailures = 6
    /// Keys that a client may ask about without signing.
    public var maximumOffers = 20

    public init(methods: [Method], required: [[Step]] = [], permitRoot: PermitRoot) {
      self.methods = methods
      self.required = required
      self.permitRoot = permitRoot
    }

    /// What leads to a login: the required sequences that need no method but those which are enabled, and at least one
    /// of these.
    var sequences: [[Step]] {
      guard !required.isEmpty else { return methods.map { [Step($0)] } }
      return required.filter { sequence in
        let needed = sequence.compactMap(\.enabling)
        return !needed.isEmpty && needed.allSatisfy(methods.contains)
      }
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
}
