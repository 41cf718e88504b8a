import Audit

extension AuthenticationMachine {
  /// An authentication method that can be enabled; the raw value is its name in the protocol.
  public enum Method: String, CaseIterable, Sendable {
    /// RFC 4252, section 7.
    case publicKey = "publickey"
    /// RFC 4252, section 8.
    case password
    /// RFC 4256.
    case keyboardInteractive = "keyboard-interactive"
  }

  /// What a client proves in one step of a login. The raw value is its name in `auth.required`.
  public enum Step: String, CaseIterable, Sendable {
    /// Possession of a private key.
    case publicKey = "publickey"
    /// The password, by the method `password`.
    case password
    /// The password, by keyboard-interactive.
    case keyboardInteractive = "keyboard-interactive"
    /// A one-time code (RFC 6238), by keyboard-interactive.
    case totp

    /// True when the proof is a password.
    var isPassword: Bool {
      switch self {
      case .password, .keyboardInteractive: true
      case .publicKey, .totp: false
      }
    }

    /// The method by which a client requests the step.
    public var method: Method {
      switch self {
      case .publicKey: .publicKey
      case .password: .password
      case .keyboardInteractive, .totp: .keyboardInteractive
      }
    }

    /// The method that must be enabled for this step. nil: the step is available where a sequence names it, but is
    /// never sufficient alone.
    public var enabling: Method? {
      switch self {
      case .publicKey: .publicKey
      case .password: .password
      case .keyboardInteractive: .keyboardInteractive
      case .totp: nil
      }
    }

    /// The step that uses `method` alone.
    init(_ method: Method) {
      self =
        switch method {
        case .publicKey: .publicKey
        case .password: .password
        case .keyboardInteractive: .keyboardInteractive
        }
    }
  }

  /// Whether and how root may log in. sshd_config(5), PermitRootLogin
  public enum PermitRoot: String, CaseIterable, Sendable {
    /// Never.
    case no
    /// With a key, alone or together with other steps.
    case publicKey = "publickey"
    /// By every enabled method.
    case yes
  }

  /// The authentication policy of one login.
  public struct Policy: Equatable, Sendable {
    /// Enabled methods, in the order in which USERAUTH_FAILURE lists them.
    public var methods: [Method]
    /// Sequences of steps, of which one must be completed in order. Empty: any single enabled method is sufficient.
    public var required: [[Step]] = []
    /// Whether and how root may log in.
    public var permitRoot: PermitRoot
    /// Steps that are refused even when they are proven, with the reason; see ``LoginRules``.
    public var refusals: [Step: AuthenticationMachine.Refusal] = [:]
    /// The number of counted failures that ends the connection.
    public var maximumFailures = 6
    /// How many keys a client may offer without a signature.
    public var maximumOffers = 20

    /// A policy with the default limits and no refused steps.
    public init(methods: [Method], required: [[Step]] = [], permitRoot: PermitRoot) {
      self.methods = methods
      self.required = required
      self.permitRoot = permitRoot
    }

    /// The sequences that lead to a login: the required ones whose methods are all enabled, where a sequence needs at
    /// least one enabled method.
    var sequences: [[Step]] {
      guard !required.isEmpty else { return methods.map { [Step($0)] } }
      return required.filter { sequence in
        let needed = sequence.compactMap(\.enabling)
        return !needed.isEmpty && needed.allSatisfy(methods.contains)
      }
    }
  }

  /// The privilege of the account under the requested name.
  public enum AccountKind: CaseIterable, Sendable {
    /// No account of that name may log in.
    case none
    /// A user other than root.
    case ordinary
    /// User id 0, or the name `root`.
    case root

    /// Classifies the account `name` with the user id `uid`. nil `uid`: there is no such account.
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
