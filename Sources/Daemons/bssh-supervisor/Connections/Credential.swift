import Audit
import Authentication
import IPC
import Wire

/// What a client wants to be verified.
enum Credential: Equatable, Sendable {
  /// The payload of the USERAUTH_REQUEST. Without a signature it asks whether the key would be accepted.
  case publicKey([UInt8], isSigned: Bool)
  case password(SecretBytes, by: AuthenticationMachine.Step)
  case code(SecretBytes)

  /// What it proves.
  var step: AuthenticationMachine.Step {
    switch self {
    case .publicKey: .publicKey
    case .password(_, let step): step
    case .code: .totp
    }
  }

  /// True for a key that is only asked about.
  var isOffer: Bool {
    switch self {
    case .publicKey(_, let isSigned): !isSigned
    case .password, .code: false
    }
  }

  /// True when `verdict` says that the client guesses: a password or code that is wrong, a signature that does not
  /// verify.
  ///
  /// Not a key that nobody has listed, signed or not: agents hold many keys, and clients try them in turn.
  func isProvenWrong(_ verdict: Verdict) -> Bool {
    guard verdict.outcome == .rejected else { return false }
    switch self {
    case .publicKey(_, let isSigned): return isSigned && verdict.reason == Reason(ProofRefusal.badSignature)
    case .password, .code: return true
    }
  }
}

extension UserauthRequest.MethodFields {
  /// As RFC 4252 calls it.
  var name: String {
    switch self {
    case .none: "none"
    case .publicKey: "publickey"
    case .password, .passwordChange: "password"
    case .keyboardInteractive: "keyboard-interactive"
    case .other(let name): name
    }
  }

  /// True for what asks and tries nothing.
  var isQuestion: Bool {
    switch self {
    case .none: true
    case .publicKey(let key): key.signature == nil
    // The prompt comes first.
    case .keyboardInteractive: true
    case .password, .passwordChange, .other: false
    }
  }

  /// What asking by this method may count for at the end of the connection.
  var penalties: [PenaltyState.Event] {
    switch self {
    case .none: []
    case .publicKey: [.triedKey]
    case .password, .passwordChange, .keyboardInteractive, .other: [.triedOther]
    }
  }
}
