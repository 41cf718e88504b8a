import AccessControl
import Filter
import Model

/// The login attempt, as access rules and `match` blocks see it.
public struct LoginAttempt: Equatable, Sendable {
  /// The user name that the client sent.
  public var user: String
  /// The client's address.
  public var address: IPAddress
  /// The group patterns of the configuration that match at least one of the user's groups.
  public var groups: Set<NamePattern>
  /// What shadow(5) says about the account. nil: the lookup failed, and every login is refused.
  public var account: AccountStatus?
  /// The text of nologin(5), which keeps everybody but root out. nil: there is no such file, or it was not asked for
  /// yet.
  public var noLogins: String?
  /// Whose rights the login would have.
  public var kind = AuthenticationMachine.AccountKind.ordinary

  /// A login attempt whose account has not been looked up yet.
  public init(user: String, address: IPAddress, groups: Set<NamePattern>) {
    self.user = user
    self.address = address
    self.groups = groups
  }
}
