import Audit
import Authentication
import IPC
import Wire

/// The credential in a client's request.
enum Credential: Equatable, Sendable {
  /// The payload of the USERAUTH_REQUEST. Without a signature it is a query whether the key would be accepted.
  case publicKey([UInt8], isSigned: Bool)
  case password(SecretBytes, by: AuthenticationMachine.Step)
  case code(SecretBytes)

  /// The authentication step that it completes.
  var step: AuthenticationMachine.Step {
    switch self {
    case .publicKey: .publicKey
    case .password(_, let step): step
    case .code: .totp
    }
  }

  /// True for a key without a signature.
  var isOffer: Bool {
    switch self {
    case .publicKey(_, let isSigned): !isSigned
    case .password, .code: false
    }
  }

  /// True if `verdict` shows that the client is guessing: a wrong password or code, or an invalid signature.
  ///
  /// False for keys that are not in authorized_keys, because agents hold many keys, and clients try them in turn.
  func isProvenWrong(_ verdict: Verdict) -> Bool {
    guard verdict.outcome == .rejected else { return false }
    switch self {
    case .publicKey(_, let isSigned): return isSigned && verdict.reason == Reason(ProofRefusal.badSignature)
    case .password, .code: return true
    }
  }
}

extension UserauthRequest.MethodFields {
  /// The name in RFC 4252.
  var name: String {
    switch self {
    case .none: "none"
    case .publicKey: "publickey"
    case .password, .passwordChange: "password"
    case .keyboardInteractive: "keyboard-interactive"
    case .other(let name): name
    }
  }

  /// True for a query, which tries no credential.
  var isQuestion: Bool {
    switch self {
    case .none: true
    case .publicKey(let key): key.signature == nil
    // The prompt must be sent first.
    case .keyboardInteractive: true
    case .password, .passwordChange, .other: false
    }
  }

  /// The penalty events of a request by this method.
  var penalties: [PenaltyState.Event] {
    switch self {
    case .none: []
    case .publicKey: [.triedKey]
    case .password, .passwordChange, .keyboardInteractive, .other: [.triedOther]
    }
  }
}
