import AccessControl
import Audit
import IPC

/// Somebody shows a key or a certificate: what decides whether it lets them in.
public struct KeyClaim: Sendable {
  public enum Credential: Equatable, Sendable {
    case key(PublicKey)
    case certificate(Certificate)
  }

  public let credential: Credential
  /// Who they want to be.
  public let user: String
  /// Where they come from; nil: not known, and then every rule about addresses refuses.
  public let address: IPAddress?
  /// Seconds from 1970 on.
  public let now: Int64
  /// The seconds from 1970 on of a time in the system's zone; nil: it cannot be known.
  public let localTime: @Sendable (ExpiryTime) -> Int64?

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

  /// What a line of authorized_keys says; nil: it is about another key.
  public func judge(_ key: PublicKey, _ options: KeyOptions) throws(KeyRefusal) -> KeyGrant? {
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

  /// What a certificate comes to whose authority is trusted for every user.
  ///
  /// - Parameter principals: what the user's file of principals says of the certificate; without such files, nil, and
  ///   the user's name must be a principal.
  public func judge(
    _ certificate: Certificate, principals: AuthorizedPrincipals.Finding?
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

  /// What a line asks for, beside the key.
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

  /// What the certificate says of itself: for users, of this time, and for `name` if there is one.
  private func check(_ certificate: Certificate, for name: String?) throws(KeyRefusal) {
    guard certificate.kind == .user else { throw .hostCertificate }
    let now = UInt64(max(now, 0))
    guard now >= certificate.validAfter else { throw .certificateNotYetValid }
    guard now < certificate.validBefore else { throw .expiredCertificate }
    // An empty list was once a certificate for everybody.
    guard !certificate.principals.isEmpty else { throw .wrongPrincipal }
    if let name, !certificate.principals.contains(Array(name.utf8)) { throw .wrongPrincipal }
  }
}

/// What a line or a certificate gives to whoever proves to have the key.
public struct KeyGrant: Equatable, Sendable {
  public var permissions: KeyPermissions
  /// A security key must have been touched.
  public var requiresTouch: Bool
  /// A security key must have verified its user.
  public var requiresVerification: Bool

  /// What a line gives.
  public init(_ options: KeyOptions) {
    permissions = options.permissions
    requiresTouch = options.requiresTouch
    requiresVerification = options.requiresVerification
  }

  /// What a certificate gives.
  public init(_ options: CertificateOptions) {
    permissions = options.permissions
    requiresTouch = options.requiresTouch
    requiresVerification = options.requiresVerification
  }

  /// What both give.
  func merged(with other: KeyGrant) throws(KeyRefusal) -> KeyGrant {
    guard let both = permissions.merged(with: other.permissions) else { throw .forcedCommandsDiffer }
    var merged = self
    merged.permissions = both
    merged.requiresTouch = requiresTouch || other.requiresTouch
    merged.requiresVerification = requiresVerification || other.requiresVerification
    return merged
  }
}
