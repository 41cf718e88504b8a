import AccessControl
import Authentication
import Configuration
import Filter
import IPC

/// What the configuration says about keys, in the file itself and in blocks of `match`. The lists in files are taken
/// apart once, and not for every key that is shown.
struct KeyRules {
  /// What applies to one login.
  struct Login {
    let authorities: TrustedAuthorities
    let revocations: Revocations
    /// True: a file says which names a certificate may have. False: it must have the user's.
    let listsPrincipals: Bool
    let variables: PermittedVariables
  }

  /// What a key of the configuration was made into: outside of blocks (nil), and for each block that gives it.
  private typealias Made<Value> = [Int?: Value]

  private let settings: Settings
  private let authorities: Made<TrustedAuthorities>
  private let revocations: Made<Revocations>

  private static let authoritiesKey = "auth.publickey.trusted_user_ca_keys"
  private static let revocationsKey = "auth.publickey.revoked_keys"

  init(_ settings: Settings) {
    self.settings = settings
    // The loader has read both lists; what it would not have let through lets nobody in.
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

  /// What applies to this user, as the question has it.
  func of(_ user: String, _ question: KeyQuestion) -> Login {
    let applicant = Applicant(
      user: user, address: question.client ?? .unspecified, groups: Set(question.groups.map { NamePattern($0) }))
    let blocks = settings.matching(applicant)
    let auth = settings.applying(blocks).auth
    return Login(
      authorities: authorities[settings.origin(of: Self.authoritiesKey, in: blocks)] ?? TrustedAuthorities(),
      revocations: revocations[settings.origin(of: Self.revocationsKey, in: blocks)] ?? .unreadable,
      listsPrincipals: auth.authorizedPrincipalsPattern != nil,
      variables: PermittedVariables(auth.permittedUserEnvironment))
  }
}
