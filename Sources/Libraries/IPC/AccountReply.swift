import Audit
import Model
import Wire

/// An authority's reply about a user: the account, and where the keys are.
public struct AccountReply: WireFields, Equatable {
  /// The account of a login; nil: no user of this name may log in, because of ``refusal``.
  public var login: Account?
  /// Why ``login`` is nil; nil if it is not. The supervisor adds `account_differs`.
  public var refusal: AccountRefusal?
  /// The account as which authorized_keys are fetched. For unknown users an account that owns nothing.
  public var lookUp: Account
  /// The authorized_keys files: absolute paths, with patterns expanded.
  public var keyPaths: [String]
  /// The user's file of principals; nil: no such files are configured.
  public var principalsPath: String?
  /// The group patterns of the configuration that match at least one of the user's groups.
  public var groups: [String]
  /// The system account whose entry in shadow(5) applies; nil: none does, or the daemon does not run as root.
  public var systemName: String?
  /// The text of nologin(5), at most 4 KiB; nil: there is no such file, and everyone may log in.
  public var noLogins: String?

  public init(
    login: Account?, refusal: AccountRefusal?, lookUp: Account, keyPaths: [String], principalsPath: String? = nil,
    groups: [String] = [], systemName: String? = nil, noLogins: String? = nil
  ) {
    self.login = login
    self.refusal = refusal
    self.lookUp = lookUp
    self.keyPaths = keyPaths
    self.principalsPath = principalsPath
    self.groups = groups
    self.systemName = systemName
    self.noLogins = noLogins
  }

  /// All files that are fetched, in this order.
  public var lookUpPaths: [String] { keyPaths + (principalsPath.map { [$0] } ?? []) }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    login = try coder.value(value?.login)
    refusal = try coder.choice(value?.refusal)
    lookUp = try coder.value(value?.lookUp)
    keyPaths = try coder.list(value?.keyPaths, max: listSize, length: 4096)
    principalsPath = try coder.text(value?.principalsPath, max: 4096)
    groups = try coder.list(value?.groups, max: listSize, length: 256)
    systemName = try coder.text(value?.systemName, max: 256)
    noLogins = try coder.text(value?.noLogins, max: 4096)
  }
}
