/// Why a key or certificate lets nobody in, although nothing is wrong with its bytes; the raw value is a stable code for
/// the log.
public enum KeyRefusal: String, Error, CaseIterable, Sendable {
  /// No line has the key.
  case noSuchKey = "no_such_key"
  /// The only lines with the key are past their `expiry-time=`.
  case expiredKey = "expired_key"
  /// `from=` or `source-address` is of other addresses.
  case wrongSource = "wrong_source"
  /// The key, the certificate or its authority is in `auth.publickey.revoked_keys`.
  case revoked = "revoked_key"
  /// There is a list of revoked keys, and it cannot be read.
  case unreadableRevocations = "unreadable_revocations"
  /// No line and no file trusts the authority.
  case untrustedAuthority = "untrusted_ca"
  case hostCertificate = "host_certificate"
  case certificateNotYetValid = "certificate_not_yet_valid"
  case expiredCertificate = "expired_certificate"
  /// None of the certificate's principals may log in as this user.
  case wrongPrincipal = "wrong_principal"
  case unknownCriticalOption = "unknown_critical_option"
  case malformedCertificateOptions = "malformed_certificate_options"
  /// The certificate forces one command, and the line another.
  case forcedCommandsDiffer = "forced_commands_differ"
}
