// Reasons of `auth_failure`, each enum those of one part that refuses.

/// Why a request to log in is refused by the rules of the configuration or of the account.
public enum LoginRefusal: String, EventReason, Error {
  /// `none` is how clients ask for the methods. RFC 4252, section 5.2
  case noneMethod = "none"
  /// The method is not enabled, or not what the next step can be.
  case methodNotEnabled = "method_not_enabled"
  case passwordChange = "password_change"
  case wrongNumberOfResponses = "wrong_number_of_responses"
  /// The authority says no; its verdict has the reason.
  case credentials
  case noAccount = "no_account"
  case rootNotPermitted = "root_not_permitted"
  /// The key was the proof of an earlier step.
  case keyUsedBefore = "key_used_before"
  case userDisabled = "user_disabled"
  case userDenied = "user_denied"
  case groupDenied = "group_denied"
  case userNotAllowed = "user_not_allowed"
  case groupNotAllowed = "group_not_allowed"
  case sourceNotAllowed = "source_not_allowed"
  case methodNotAllowed = "method_not_allowed"
  case accountLocked = "account_locked"
  case accountExpired = "account_expired"
  case passwordExpired = "password_expired"
  case lookUpFailed = "lookup_failed"
  /// nologin(5)
  case noLogins = "nologin"
}

/// Why nobody can log in by a name.
public enum AccountRefusal: String, EventReason, Error {
  case noSuchUser = "no_such_user"
  case noSuchAccount = "no_such_account"
  case badShell = "bad_shell"
  case tooManyGroups = "too_many_groups"
  case lookUpFailed = "lookup_failed"
  /// An authority says something else of the account than the system.
  case accountDiffers = "account_differs"
}

/// Why a key or certificate lets nobody in, although nothing is wrong with its bytes.
public enum KeyRefusal: String, EventReason, Error {
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

/// Why a key, a signature, a password or a code proves nothing.
public enum ProofRefusal: String, EventReason, Error {
  case malformed
  case keyTypeRefused = "key_type_refused"
  case keyTooSmall = "rsa_key_too_small"
  /// The certificate is not signed by the authority that it names.
  case badCertificate = "bad_certificate"
  /// The authority's key or its signature is of a kind that is not accepted: a certificate, RSA under 2048 bits, SHA-1.
  case authorityKeyRefused = "ca_key_refused"
  case badSignature = "bad_signature"
  /// A security key was not touched.
  case noUserPresence = "no_user_presence"
  /// A security key did not verify its user.
  case noUserVerification = "no_user_verification"
  case noPassword = "no_password"
  case wrongPassword = "wrong_password"
  case noSecret = "no_totp_secret"
  case wrongCode = "wrong_code"
  case codeUsedBefore = "code_used_before"
  case tooManyWrongCodes = "too_many_wrong_codes"
}

/// Why an attempt to log in failed that no rule and no proof decided.
public enum LoginFailure: String, EventReason {
  /// The client left before the answer.
  case abandoned
  /// The key would do, and the client did not sign with it.
  case notSigned = "not_signed"
  /// The client left after some of the steps.
  case incomplete
  case tooManyFailures = "too_many_failures"
  /// More keys were asked about than anybody has.
  case tooManyKeys = "too_many_keys"
  /// No authority answered.
  case noAuthority = "no_authority"
  /// An authority said what it cannot say: a fault of the server.
  case impossibleVerdict = "impossible_verdict"
  case tooManySessions = "too_many_sessions"
  case auditUnavailable = "audit_unavailable"
  case sessionNotStarted = "session_not_started"
}
