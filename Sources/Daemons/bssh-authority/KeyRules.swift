import AccessControl
import Authentication
import Configuration
import Filter
import IPC

/// The configuration of public key authentication, including `match` blocks. The lists in files are parsed once and not
/// for every request.
struct KeyRules {
  /// What applies to one login attempt.
  struct Login {
    let authorities: TrustedAuthorities
    let revocations: Revocations
    /// True if a principals file lists the valid principals; false if the user name must be a principal.
    let listsPrincipals: Bool
    let variables: PermittedVariables
  }

  /// The parsed value of a configuration key: outside of all `match` blocks (nil), and for each block that sets it.
  private typealias Made<Value> = [Int?: Value]

  private let settings: Settings
  private let authorities: Made<TrustedAuthorities>
  private let revocations: Made<Revocations>

  private static let authoritiesKey = "auth.publickey.trusted_user_ca_keys"
  private static let revocationsKey = "auth.publickey.revoked_keys"

  init(_ settings: Settings) {
    self.settings = settings
    // The loader has checked both lists. If one is invalid nevertheless, no key is accepted.
    authorities = Self.make(Self.authoritiesKey, settings) { auth in
      auth.trustedUserCAKeys.flatMap { try? TrustedAuthorities($0) } ?? TrustedAuthorities()
    }
    revocations = Self.make(Self.revocationsKey, settings) { Revocations($0.revokedKeys) }
  }

  private static func make<Value>(
    _ path: String, _ settings: Settings, _ read: (Settings.Auth) -> Value
  ) -> Made<Value> {
    var made: Made<Value> = [nil: read(settings.auth)]
    for (index, block) in settings.matches.enumerated() where block.paths.contains(path) {
      made[index] = read(block.values.auth)
    }
    return made
  }

  /// What applies to this login attempt.
  func of(_ user: String, _ question: KeyVerificationRequest) -> Login {
    let attempt = LoginAttempt(
      user: user, address: question.client ?? .unspecified, groups: Set(question.groups.map { NamePattern($0) }))
    let blocks = settings.matching(attempt)
    let auth = settings.applying(blocks).auth
    return Login(
      authorities: authorities[settings.origin(of: Self.authoritiesKey, in: blocks)] ?? TrustedAuthorities(),
      revocations: revocations[settings.origin(of: Self.revocationsKey, in: blocks)] ?? .unreadable,
      listsPrincipals: auth.authorizedPrincipalsPattern != nil,
      variables: PermittedVariables(auth.permittedUserEnvironment))
  }
}
