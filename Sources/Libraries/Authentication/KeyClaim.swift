import AccessControl
import Audit
import Model

/// A key or certificate that a client presents, with what decides whether it is accepted.
public struct KeyClaim: Sendable {
  /// What the client presents.
  public enum Credential: Equatable, Sendable {
    /// A plain public key.
    case key(PublicKey)
    /// A certificate, whose CA must be trusted.
    case certificate(Certificate)
  }

  /// The key or certificate.
  public let credential: Credential
  /// The requested user name.
  public let user: String
  /// The client's address; nil: unknown, and every rule about addresses refuses.
  public let address: IPAddress?
  /// The current time in seconds since 1970.
  public let now: Int64
  /// Converts a time in the system's time zone to seconds since 1970; nil if the conversion fails.
  public let localTime: @Sendable (ExpiryTime) -> Int64?

  /// A claim to be verified at the time `now`.
  public init(
    _ credential: Credential, user: String, address: IPAddress?, now: Int64,
    localTime: @escaping @Sendable (ExpiryTime) -> Int64?
  ) {
    self.credential = credential
    self.user = user
    self.address = address
    self.now = now
    self.localTime = localTime
  }

  /// Applies one line of authorized_keys. nil: the line is about another key.
  ///
  /// - Throws: `KeyRefusal` if the line matches but does not permit the login: `expiredKey`, `wrongSource`,
  ///   `wrongPrincipal`, the reasons of a certificate's validity and options, or `forcedCommandsDiffer`.
  public func evaluate(_ key: PublicKey, _ options: KeyOptions) throws(KeyRefusal) -> KeyGrant? {
    switch credential {
    case .key(let shown):
      guard shown == key, !options.isCertificateAuthority else { return nil }
      try check(options)
      return KeyGrant(options)
    case .certificate(let certificate):
      guard certificate.authority == key, options.isCertificateAuthority else { return nil }
      try check(options)
      let grant = try KeyGrant(options).merged(with: try allowed(by: certificate))
      if let principals = options.principals {
        guard certificate.principals.contains(where: principals.contains) else { throw .wrongPrincipal }
        try check(certificate, for: nil)
      } else {
        try check(certificate, for: user)
      }
      return grant
    }
  }

  /// Evaluates a certificate whose CA is trusted for every user.
  ///
  /// - Parameter principals: the result from the user's principals file. nil: no such file is configured, and the user
  ///   name must be a principal.
  /// - Throws: `KeyRefusal`: `wrongPrincipal`, `wrongSource`, `expiredKey`, the reasons of a certificate's validity and
  ///   options, or `forcedCommandsDiffer`.
  public func evaluate(
    _ certificate: Certificate, principals: AuthorizedPrincipals.Outcome?
  ) throws(KeyRefusal) -> KeyGrant {
    let granted: KeyGrant
    switch principals {
    case .none:
      try check(certificate, for: user)
      granted = try allowed(by: certificate)
    case .notListed: throw .wrongPrincipal
    case .listed(let options):
      try check(certificate, for: nil)
      let permitted = try allowed(by: certificate)
      try check(options)
      granted = try KeyGrant(options).merged(with: permitted)
    }
    return granted
  }

  /// Checks the options of the line other than the key itself.
  private func check(_ options: KeyOptions) throws(KeyRefusal) {
    for time in options.expiryTimes {
      guard let end = time.isUTC ? time.secondsInUTC : localTime(time), end >= now else { throw .expiredKey }
    }
    if let sources = options.sources {
      guard let address, sources.contains(address) else { throw .wrongSource }
    }
  }

  private func allowed(by certificate: Certificate) throws(KeyRefusal) -> KeyGrant {
    let options = try CertificateOptions(certificate)
    guard options.allows(address) else { throw .wrongSource }
    return KeyGrant(options)
  }

  /// Checks the certificate's kind, validity period and principals. `name` nil: any principal is sufficient.
  private func check(_ certificate: Certificate, for name: String?) throws(KeyRefusal) {
    guard certificate.kind == .user else { throw .hostCertificate }
    let now = UInt64(max(now, 0))
    guard now >= certificate.validAfter else { throw .certificateNotYetValid }
    guard now < certificate.validBefore else { throw .expiredCertificate }
    // Older versions of OpenSSH accept a certificate without principals for every user.
    guard !certificate.principals.isEmpty else { throw .wrongPrincipal }
    if let name, !certificate.principals.contains(Array(name.utf8)) { throw .wrongPrincipal }
  }
}

/// What an accepted line or certificate permits to the holder of the private key.
public struct KeyGrant: Equatable, Sendable {
  /// What the login may do.
  public var permissions: KeyPermissions
  /// The signature of a security key must prove user presence.
  public var requiresTouch: Bool
  /// The signature of a security key must prove user verification.
  public var requiresVerification: Bool

  /// The grant of a line in authorized_keys or a principals file.
  public init(_ options: KeyOptions) {
    permissions = options.permissions
    requiresTouch = options.requiresTouch
    requiresVerification = options.requiresVerification
  }

  /// The grant of a certificate.
  public init(_ options: CertificateOptions) {
    permissions = options.permissions
    requiresTouch = options.requiresTouch
    requiresVerification = options.requiresVerification
  }

  /// The intersection of both grants.
  func merged(with other: KeyGrant) throws(KeyRefusal) -> KeyGrant {
    guard let both = permissions.merged(with: other.permissions) else { throw .forcedCommandsDiffer }
    var merged = self
    merged.permissions = both
    merged.requiresTouch = requiresTouch || other.requiresTouch
    merged.requiresVerification = requiresVerification || other.requiresVerification
    return merged
  }
}
