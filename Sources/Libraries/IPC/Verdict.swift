import Audit
import Model
import Wire

/// The verdict of an authority on one authentication request.
public struct Verdict: WireFields, Equatable {
  /// The outcome of the verification.
  public var outcome: ProofOutcome
  /// Why the request is rejected: a `ProofRefusal` or a `KeyRefusal`; nil: it is not.
  public var reason: Reason?
  /// The fingerprint `SHA256:…` of the key, for a certificate that of its key; empty for passwords.
  public var fingerprint: String
  /// The certificate, if its signature by the CA key is valid; else nil.
  public var certificate: CertificateIdentity?
  /// `file:line` of the deciding line; empty if there is none.
  public var place: String
  /// Invalid lines of authorized_keys, each with file and line, at most 16; for the log.
  public var warnings: [String]
  /// The permissions of a login with these credentials.
  public var permissions: KeyPermissions

  public init(
    outcome: ProofOutcome, reason: Reason? = nil, fingerprint: String = "", certificate: CertificateIdentity? = nil,
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

  /// A rejection with this reason.
  public static func rejected(_ reason: some EventReason) -> Verdict {
    Verdict(outcome: .rejected, reason: Reason(reason))
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    outcome = try coder.choice(value?.outcome)
    reason = try coder.value(value?.reason)
    fingerprint = try coder.text(value?.fingerprint, max: 128)
    certificate = try coder.value(value?.certificate)
    place = try coder.text(value?.place, max: 8192)
    warnings = try coder.list(value?.warnings, max: listSize, length: 8192)
    permissions = try coder.value(value?.permissions)
  }
}

/// The identity of a certificate, for the log.
public struct CertificateIdentity: WireFields, Equatable {
  /// The key id, at most the first ``keyIDLimit`` bytes.
  public var keyID: String
  /// The serial number.
  public var serial: UInt64
  /// The fingerprint `SHA256:…` of the CA key.
  public var authority: String

  /// Limit of ``keyID``, in bytes.
  public static let keyIDLimit = 256

  public init(keyID: String, serial: UInt64, authority: String) {
    self.keyID = keyID
    self.serial = serial
    self.authority = authority
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    keyID = try coder.text(value?.keyID, max: Self.keyIDLimit)
    serial = try coder.number(value?.serial)
    authority = try coder.text(value?.authority, max: 128)
  }
}
