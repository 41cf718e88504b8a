import Model
import Wire

/// The first message to an authority, with descriptors: sealed memory with the settings, then sealed memory with each
/// host key. The authority replies ``AuthorityToSupervisor/ready(hostKeys:)``, or exits.
public struct AuthorityStart: WireFields, Equatable {
  /// The number of descriptors with host keys, at most 16.
  public var hostKeyCount: UInt32
  /// nil: the supervisor is root, and a login runs as its own account. Otherwise the user id of every login, and only
  /// users of the configuration may log in.
  public var singleUser: UInt32?

  public init(hostKeyCount: UInt32, singleUser: UInt32?) {
    self.hostKeyCount = hostKeyCount
    self.singleUser = singleUser
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    hostKeyCount = try coder.number(value?.hostKeyCount, in: 0...16)
    singleUser = try coder.number(value?.singleUser, in: .accounts)
  }
}

/// The public half of a host key.
public struct OfferedHostKey: WireFields, Equatable {
  /// The public key blob, at most 8 KiB.
  public var blob: [UInt8]
  /// For the log: `ssh-ed25519 SHA256:…`.
  public var description: String

  public init(blob: [UInt8], description: String) {
    self.blob = blob
    self.description = description
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    blob = try coder.bytes(value?.blob, max: 8192)
    description = try coder.text(value?.description, max: 256)
  }
}

/// Messages from the supervisor to an authority. An authority replies to each in order, and keeps no state between two
/// of them.
public enum SupervisorToAuthority: WireMessage, Equatable {
  /// Sign an exchange hash (32, 48 or 64 bytes) with the host key that has this public key blob.
  case sign(hostKey: [UInt8], algorithm: String, hash: [UInt8])
  /// Prove possession of host keys for this session (hostkeys-prove-00@openssh.com). `keyExchangeAlgorithm` is
  /// the host key algorithm of the first key exchange, which decides the hash for RSA keys.
  case proveHostKeys(sessionID: [UInt8], keyExchangeAlgorithm: String, keys: [[UInt8]])
  /// Look up this user, who connects from this address. Unknown names get a reply of the same form in the same time.
  case account(user: String, address: String)
  /// Verify a `publickey` request; with a descriptor if there are files.
  case publicKey(KeyVerificationRequest)
  /// Verify a password.
  case password(user: String, password: SecretBytes)
  /// Verify a one-time code, by the clock of this host.
  case code(user: String, code: SecretBytes)

  public static let blanks: [Self] = [
    .sign(hostKey: [], algorithm: "", hash: []), .proveHostKeys(sessionID: [], keyExchangeAlgorithm: "", keys: []),
    .account(user: "", address: ""), .publicKey(.blank), .password(user: "", password: []), .code(user: "", code: []),
  ]

  public var wireKind: Int {
    switch self {
    case .sign: 1
    case .proveHostKeys: 2
    case .account: 3
    case .publicKey: 4
    case .password: 5
    case .code: 6
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .sign(let hostKey, let algorithm, let hash):
      self = try .sign(
        hostKey: coder.bytes(hostKey, max: messageSize), algorithm: coder.text(algorithm, max: 64),
        hash: coder.bytes(hash, max: 64))
    case .proveHostKeys(let sessionID, let algorithm, let keys):
      self = try .proveHostKeys(
        sessionID: coder.bytes(sessionID, max: 64), keyExchangeAlgorithm: coder.text(algorithm, max: 64),
        keys: coder.list(keys, max: 8192, length: messageSize))
    case .account(let user, let address):
      self = try .account(user: coder.text(user, max: 256), address: coder.text(address, max: 64))
    case .publicKey(let question): self = try .publicKey(coder.value(question))
    case .password(let user, let password):
      self = try .password(user: coder.text(user, max: 256), password: coder.secret(password, max: 4096))
    case .code(let user, let code):
      self = try .code(user: coder.text(user, max: 256), code: coder.secret(code, max: 4096))
    }
  }
}

/// Messages from an authority to the supervisor.
public enum AuthorityToSupervisor: WireMessage, Equatable {
  /// Once, at the start: the host keys, in the order of the configuration.
  case ready(hostKeys: [OfferedHostKey])
  /// The SSH signature blob; nil: refused.
  case signed([UInt8]?)
  /// The payload of the REQUEST_SUCCESS after its message number; nil: refused.
  case proved([UInt8]?)
  /// The reply to ``SupervisorToAuthority/account(user:address:)``.
  case account(AccountReply)
  /// The reply to ``SupervisorToAuthority/publicKey(_:)`` or ``SupervisorToAuthority/password(user:password:)``.
  case verdict(Verdict)
  /// The reply to ``SupervisorToAuthority/code(user:code:)``.
  case code(CodeVerdict)

  public static let blanks: [Self] = [
    .ready(hostKeys: []), .signed(nil), .proved(nil), .account(.blank), .verdict(.blank), .code(.wrong),
  ]

  public var wireKind: Int {
    switch self {
    case .ready: 1
    case .signed: 2
    case .proved: 3
    case .account: 4
    case .verdict: 5
    case .code: 6
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .ready(let hostKeys): self = try .ready(hostKeys: coder.list(hostKeys, max: listSize))
    case .signed(let signature): self = try .signed(coder.bytes(signature, max: messageSize))
    case .proved(let payload): self = try .proved(coder.bytes(payload, max: messageSize))
    case .account(let answer): self = try .account(coder.value(answer))
    case .verdict(let verdict): self = try .verdict(coder.value(verdict))
    case .code(let answer): self = try .code(coder.value(answer))
    }
  }
}

/// The verdict on a one-time code. The supervisor checks for reuse, because authorities are several.
public enum CodeVerdict: WireMessage, Equatable {
  /// The user's code of this time step. RFC 6238, section 4.2
  case right(step: UInt64)
  /// None of the user's codes that are valid now.
  case wrong
  /// There is no such user, or the user has no secret.
  case noSecret

  public static let blanks: [Self] = [.right(step: 0), .wrong, .noSecret]

  public var wireKind: Int {
    switch self {
    case .right: 1
    case .wrong: 2
    case .noSecret: 3
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .right(let step): self = try .right(step: coder.number(step))
    case .wrong: self = .wrong
    case .noSecret: self = .noSecret
    }
  }
}
