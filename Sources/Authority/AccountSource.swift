import Filter
import IPC
import System

/// Where accounts come from.
protocol AccountSource {
  /// The account of exactly this name.
  func account(named name: String) throws(AccountError) -> SystemAccount
  /// The account of this user id.
  func account(uid: UInt32) throws(AccountError) -> SystemAccount
  /// Those patterns that match the name of one of these groups.
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern>
  /// What nologin(5) says; nil: nothing, everyone may log in.
  func noLogins() -> String?
  /// True when there is a regular file that somebody may execute, or when we may not look.
  func isExecutable(_ path: String) -> Bool
  /// What kind of program a shell is.
  func kind(ofShell path: String) -> ShellKind
}

extension SystemAccounts: AccountSource {
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern> {
    try NamePattern.matching(patterns, groups: groups, named: group(named:), withID: group(id:))
  }

  func kind(ofShell path: String) -> ShellKind { ShellKind(rawValue: LoginShell(path).rawValue) ?? .none }
}
