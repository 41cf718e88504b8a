import AccessControl
import Filter

/// Who asks to be let in, as far as rules and blocks of `match` look at them.
public struct Applicant: Equatable, Sendable {
  /// The name that the client gave.
  public var user: String
  public var address: IPAddress
  /// Of all patterns for groups in the configuration, those that match a group which the user is in.
  public var groups: Set<NamePattern>
  /// nil: it could not be found out, and nobody gets in.
  public var account: AccountStatus?
  /// Nobody but root is let in for now; nologin(5).
  public var isClosed = false
  /// The login would have user id 0, or the name `root`.
  public var isRoot = false

  public init(user: String, address: IPAddress, groups: Set<NamePattern>) {
    self.user = user
    self.address = address
    self.groups = groups
  }
}

/// What shadow(5) says of an account.
public struct AccountStatus: Equatable, Sendable {
  /// Its password begins with `!` or `*LK*`: see ``LoginRules/lockedAccounts``.
  public var isLocked: Bool
  public var isExpired: Bool
  public var isPasswordExpired: Bool

  /// By default nothing is against it.
  public init(isLocked: Bool = false, isExpired: Bool = false, isPasswordExpired: Bool = false) {
    self.isLocked = isLocked
    self.isExpired = isExpired
    self.isPasswordExpired = isPasswordExpired
  }
}
