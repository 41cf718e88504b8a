import Audit
import Wire

/// What the supervisor asks an authority. An authority answers one question after the other, in order;
/// it keeps nothing between two of them.
public enum SupervisorToAuthority: WireCodable, Equatable {
  /// Sign an exchange hash (32, 48 or 64 bytes) with the host key that has this public blob.
  case sign(hostKey: [UInt8], algorithm: String, hash: [UInt8])
  /// Prove possession of host keys for this session (hostkeys-prove-00@openssh.com). `keyExchangeAlgorithm` is
  /// the host key algorithm of the first key exchange, which decides the hash for RSA keys.
  case proveHostKeys(sessionID: [UInt8], keyExchangeAlgorithm: String, keys: [[UInt8]])
  /// Who is this user, who comes from this address? Answered for unknown names too, in the same time and form.
  case account(user: String, address: String)
  /// Judge a `publickey` request; with a descriptor when there are files.
  case publicKey(KeyQuestion)
  /// Judge a password.
  case password(user: String, password: SecretBytes)
  /// Judge a one-time code, by this machine's clock.
  case code(user: String, code: SecretBytes)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .sign(let hostKey, let algorithm, let hash):
      writer.byte(1)
      writer.string(hostKey)
      writer.text(algorithm)
      writer.string(hash)
    case .proveHostKeys(let sessionID, let algorithm, let keys):
      writer.byte(2)
      writer.string(sessionID)
      writer.text(algorithm)
      writer.list(keys) { $0.string($1) }
    case .account(let user, let address):
      writer.byte(3)
      writer.text(user)
      writer.text(address)
    case .publicKey(let question):
      writer.byte(4)
      question.encode(to: &writer)
    case .password(let user, let password):
      writer.byte(5)
      writer.text(user)
      writer.string(password)
    case .code(let user, let code):
      writer.byte(6)
      writer.text(user)
      writer.string(code)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .sign(
        hostKey: Array(try reader.string()), algorithm: try reader.text(limit: 64),
        hash: Array(try reader.string(limit: 64)))
    case 2:
      self = .proveHostKeys(
        sessionID: Array(try reader.string(limit: 64)), keyExchangeAlgorithm: try reader.text(limit: 64),
        keys: try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in Array(try r.string()) })
    case 3: self = .account(user: try reader.text(limit: 256), address: try reader.text(limit: 64))
    case 4: self = .publicKey(try KeyQuestion(from: &reader))
    case 5: self = .password(user: try reader.text(limit: 256), password: try reader.secret(limit: 4096))
    case 6: self = .code(user: try reader.text(limit: 256), code: try reader.secret(limit: 4096))
    default: throw .malformed
    }
  }
}

/// What an authority answers.
public enum AuthorityToSupervisor: WireCodable, Equatable {
  /// Once, at start: the host keys, in the order of the configuration.
  case ready(hostKeys: [OfferedHostKey])
  /// The SSH signature blob; nil: refused.
  case signed([UInt8]?)
  /// The payload of the REQUEST_SUCCESS after its message number; nil: refused.
  case proved([UInt8]?)
  case account(AccountAnswer)
  case verdict(Verdict)
  case code(CodeAnswer)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .ready(let keys):
      writer.byte(1)
      writer.list(keys) { $1.encode(to: &$0) }
    case .signed(let signature):
      writer.byte(2)
      writer.optional(signature) { $0.string($1) }
    case .proved(let payload):
      writer.byte(3)
      writer.optional(payload) { $0.string($1) }
    case .account(let answer):
      writer.byte(4)
      answer.encode(to: &writer)
    case .verdict(let verdict):
      writer.byte(5)
      verdict.encode(to: &writer)
    case .code(let answer):
      writer.byte(6)
      answer.encode(to: &writer)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .ready(
        hostKeys: try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
          try OfferedHostKey(from: &r)
        })
    case 2:
      self = .signed(
        try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) })
    case 3:
      self = .proved(
        try reader.optional { (r: inout WireReader) throws(WireError) in Array(try r.string()) })
    case 4: self = .account(try AccountAnswer(from: &reader))
    case 5: self = .verdict(try Verdict(from: &reader))
    case 6: self = .code(try CodeAnswer(from: &reader))
    default: throw .malformed
    }
  }
}

/// Who a user is, and where their keys are.
public struct AccountAnswer: WireCodable, Equatable {
  /// Whose rights a login would have; nil: nobody of this name may log in, for `refusal`.
  public var login: Account?
  /// A stable code: `no_such_user`, `no_such_account` (of run_as), `bad_shell`, `too_many_groups`, `lookup_failed`; from the
  /// supervisor also `account_differs`; nil when `login` is there.
  public var refusal: AccountRefusal?
  /// As whom, and where, authorized_keys are looked up. For unknown users too: then an account that owns nothing.
  public var lookUp: Account
  /// Absolute paths, expanded.
  public var keyPaths: [String]
  /// Where the user's file of principals is; nil: there are no such files.
  public var principalsPath: String?
  /// Of the configuration's patterns for groups, those that match a group which the user is in.
  public var groups: [String]
  /// The system account whose entry of shadow(5) counts; nil: there is none to be asked for, not run as root.
  public var systemName: String?
  /// What nologin(5) says, at most 4 KiB; nil: there is no such file, and everyone may log in.
  public var noLogins: String?

  public init(
    login: Account?, refusal: AccountRefusal?, lookUp: Account, keyPaths: [String], principalsPath: String? = nil,
    groups: [String] = [], systemName: String? = nil, noLogins: String? = nil
  ) {
    self.login = login
    self.refusal = refusal
    self.lookUp = lookUp
    self.keyPaths = keyPaths
    self.principalsPath = principalsPath
    self.groups = groups
    self.systemName = systemName
    self.noLogins = noLogins
  }

  /// Everything that a look-up reads, in this order.
  public var lookUpPaths: [String] { keyPaths + (principalsPath.map { [$0] } ?? []) }

  public func encode(to writer: inout WireWriter) {
    writer.optional(login) { $1.encode(to: &$0) }
    writer.optional(refusal) { $0.text($1.rawValue) }
    lookUp.encode(to: &writer)
    writer.list(keyPaths) { $0.text($1) }
    writer.optional(principalsPath) { $0.text($1) }
    writer.list(groups) { $0.text($1) }
    writer.optional(systemName) { $0.text($1) }
    writer.optional(noLogins) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    login = try reader.optional { (r: inout WireReader) throws(WireError) in try Account(from: &r) }
    refusal = try reader.optional { (r: inout WireReader) throws(WireError) in
      guard let refusal = AccountRefusal(rawValue: try r.text(limit: 64)) else { throw .malformed }
      return refusal
    }
    lookUp = try Account(from: &reader)
    keyPaths = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    principalsPath = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
    systemName = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
    noLogins = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
  }
}

/// An authorized_keys file, as a session process found it in look-up mode.
public struct KeyFile: WireCodable, Equatable {
  /// Bytes of one file at most.
  public static let sizeLimit = 16 << 20
  /// Bytes of all files of a user at most.
  public static let totalLimit = 2 * sizeLimit

  public var path: String
  /// Bytes of the descriptor that are this file's; 0 when it was not read.
  public var length: UInt32
  /// Why it was not read, for the log: `no such file`, `/home/u is writable by others (mode 0777)`; nil when it was.
  public var problem: String?

  public init(path: String, length: UInt32, problem: String?) {
    self.path = path
    self.length = length
    self.problem = problem
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(path)
    writer.uint32(length)
    writer.optional(problem) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    path = try reader.text(limit: 4096)
    length = try reader.uint32()
    problem = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 8192) }
  }
}

/// An authority's judgement of one authentication request.
public struct Verdict: WireCodable, Equatable {
  public enum Outcome: UInt8, Sendable {
    /// The credentials are not accepted.
    case rejected = 0
    /// The key would be accepted, but nothing is signed yet (RFC 4252, section 7: USERAUTH_PK_OK).
    case acceptable = 1
    /// Proven.
    case accepted = 2
  }

  public var outcome: Outcome
  /// Why it is rejected: a `ProofRefusal` or a `KeyRefusal`; nil: it is not.
  public var reason: Reason?
  /// `SHA256:…` of the key that was tried, for a certificate of its key; empty for passwords.
  public var fingerprint: String
  /// nil unless a certificate was tried that its authority signed.
  public var certificate: CertificateIdentity?
  /// `file:line` of what decided; empty when nothing is known of the key.
  public var place: String
  /// For people: bad lines of authorized_keys, each with its file and line, at most 16.
  public var warnings: [String]
  /// What a login by these credentials may do.
  public var permissions: KeyPermissions

  public init(
    outcome: Outcome, reason: Reason? = nil, fingerprint: String = "", certificate: CertificateIdentity? = nil,
    place: String = "", warnings: [String] = [], permissions: KeyPermissions = .everything
  ) {
    self.outcome = outcome
    self.reason = reason
    self.fingerprint = fingerprint
    self.certificate = certificate
    self.place = place
    self.warnings = warnings
    self.permissions = permissions
  }

  /// Credentials that are not accepted.
  public static func rejected(_ reason: some EventReason) -> Verdict {
    Verdict(outcome: .rejected, reason: Reason(reason))
  }

  public func encode(to writer: inout WireWriter) {
    writer.byte(outcome.rawValue)
    writer.optional(reason) { $1.encode(to: &$0) }
    writer.text(fingerprint)
    writer.optional(certificate) { $1.encode(to: &$0) }
    writer.text(place)
    writer.list(warnings) { $0.text($1) }
    permissions.encode(to: &writer)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let outcome = Outcome(rawValue: try reader.byte()) else { throw .malformed }
    self.outcome = outcome
    reason = try reader.optional { (r: inout WireReader) throws(WireError) in try Reason(from: &r) }
    fingerprint = try reader.text(limit: 128)
    certificate = try reader.optional { (r: inout WireReader) throws(WireError) in try CertificateIdentity(from: &r) }
    place = try reader.text(limit: 8192)
    warnings = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 8192) }
    permissions = try KeyPermissions(from: &reader)
  }
}
