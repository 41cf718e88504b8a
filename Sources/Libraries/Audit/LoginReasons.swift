// Reasons of `auth_failure`. Each enum has the reasons of one part of the server.

/// Why the rules of the configuration or the account refuse a login.
public enum LoginRefusal: String, EventReason, Error {
  /// The method `none`, by which clients ask for the list of methods. RFC 4252, section 5.2
  case noneMethod = "none"
  /// The method is not enabled, or is not a possible next step.
  case methodNotEnabled = "method_not_enabled"
  /// The client asked to change the password, which is not supported.
  case passwordChange = "password_change"
  /// The number of keyboard-interactive responses is not one.
  case wrongNumberOfResponses = "wrong_number_of_responses"
  /// The authority rejected the credentials; its verdict contains the reason.
  case credentials
  /// There is no such account.
  case noAccount = "no_account"
  /// `auth.permit_root` does not permit the login of root.
  case rootNotPermitted = "root_not_permitted"
  /// The key was already used for an earlier step.
  case keyUsedBefore = "key_used_before"
  /// The user is disabled in the configuration.
  case userDisabled = "user_disabled"
  /// `auth.deny_users` matches.
  case userDenied = "user_denied"
  /// `auth.deny_groups` matches.
  case groupDenied = "group_denied"
  /// `auth.allow_users` does not match.
  case userNotAllowed = "user_not_allowed"
  /// `auth.allow_groups` does not match.
  case groupNotAllowed = "group_not_allowed"
  /// The user may not log in from this address.
  case sourceNotAllowed = "source_not_allowed"
  /// The user may not log in by this method.
  case methodNotAllowed = "method_not_allowed"
  /// The account is locked. shadow(5)
  case accountLocked = "account_locked"
  /// The account has expired. shadow(5)
  case accountExpired = "account_expired"
  /// The password has expired. shadow(5)
  case passwordExpired = "password_expired"
  /// The account could not be looked up.
  case lookUpFailed = "lookup_failed"
  /// Only root may log in at the moment. nologin(5)
  case noLogins = "nologin"
}

/// Why no login is possible under a user name.
public enum AccountRefusal: String, EventReason, Error {
  /// There is no user of this name.
  case noSuchUser = "no_such_user"
  /// The configured user has no account in the system.
  case noSuchAccount = "no_such_account"
  /// The shell is missing or not executable.
  case badShell = "bad_shell"
  /// The account is in too many groups.
  case tooManyGroups = "too_many_groups"
  /// The account could not be looked up.
  case lookUpFailed = "lookup_failed"
  /// The account that the authority reported differs from the system's.
  case accountDiffers = "account_differs"
}

/// Why a well-formed key or certificate is not accepted.
public enum KeyRefusal: String, EventReason, Error {
  /// No line contains the key.
  case noSuchKey = "no_such_key"
  /// All lines with the key have expired, by `expiry-time=`.
  case expiredKey = "expired_key"
  /// `from=` or `source-address` does not permit the client's address.
  case wrongSource = "wrong_source"
  /// The key, the certificate or its CA key is in `auth.publickey.revoked_keys`.
  case revoked = "revoked_key"
  /// A revocation list is configured and cannot be read.
  case unreadableRevocations = "unreadable_revocations"
  /// No line and no file trusts the CA key.
  case untrustedAuthority = "untrusted_ca"
  /// The certificate is for a host.
  case hostCertificate = "host_certificate"
  /// The certificate is not valid yet.
  case certificateNotYetValid = "certificate_not_yet_valid"
  /// The certificate has expired.
  case expiredCertificate = "expired_certificate"
  /// None of the certificate's principals is valid for this user.
  case wrongPrincipal = "wrong_principal"
  /// The certificate has a critical option that we don't know.
  case unknownCriticalOption = "unknown_critical_option"
  /// An option of the certificate does not parse.
  case malformedCertificateOptions = "malformed_certificate_options"
  /// The certificate and the line force different commands.
  case forcedCommandsDiffer = "forced_commands_differ"
}

/// Why a key, signature, password or code proves nothing.
public enum ProofRefusal: String, EventReason, Error {
  /// The request does not parse.
  case malformed
  /// The key type or algorithm is not permitted.
  case keyTypeRefused = "key_type_refused"
  /// The RSA key has fewer than 2048 bits.
  case keyTooSmall = "rsa_key_too_small"
  /// The CA's signature on the certificate is invalid.
  case badCertificate = "bad_certificate"
  /// The CA key or its signature is of a kind that is not accepted: a certificate, RSA under 2048 bits, or SHA-1.
  case authorityKeyRefused = "ca_key_refused"
  /// The signature is invalid.
  case badSignature = "bad_signature"
  /// The security key's signature does not prove user presence.
  case noUserPresence = "no_user_presence"
  /// The security key's signature does not prove user verification.
  case noUserVerification = "no_user_verification"
  /// The user has no password hash.
  case noPassword = "no_password"
  /// The password is wrong.
  case wrongPassword = "wrong_password"
  /// The user has no TOTP secret.
  case noSecret = "no_totp_secret"
  /// The code is wrong.
  case wrongCode = "wrong_code"
  /// The code has been used before.
  case codeUsedBefore = "code_used_before"
  /// The user has sent too many wrong codes.
  case tooManyWrongCodes = "too_many_wrong_codes"
}

/// Why a login attempt failed for other reasons than rules and credentials.
public enum LoginFailure: String, EventReason {
  /// The client disconnected before the answer.
  case abandoned
  /// The key is acceptable, and the client did not sign with it.
  case notSigned = "not_signed"
  /// The client disconnected after some of the steps.
  case incomplete
  /// Too many failures.
  case tooManyFailures = "too_many_failures"
  /// The client offered too many keys.
  case tooManyKeys = "too_many_keys"
  /// No authority answered.
  case noAuthority = "no_authority"
  /// The authority's verdict was impossible: a fault of the server.
  case impossibleVerdict = "impossible_verdict"
  /// The user has the maximum number of logins.
  case tooManySessions = "too_many_sessions"
  /// Events cannot be written, and `audit.on_failure` is `refuse`.
  case auditUnavailable = "audit_unavailable"
  /// The session process could not be started.
  case sessionNotStarted = "session_not_started"
}
