import Filter
import IPC
import Model
import System

/// The databases of accounts and groups.
protocol AccountSource {
  /// The account with exactly this name.
  ///
  /// - Throws: `AccountError.unknown` if there is none, another case if the lookup fails.
  func account(named name: String) throws(AccountError) -> SystemAccount
  /// The account with this user ID.
  ///
  /// - Throws: `AccountError.unknown` if there is none, another case if the lookup fails.
  func account(uid: UInt32) throws(AccountError) -> SystemAccount
  /// The patterns that match the name of at least one of these groups.
  ///
  /// - Throws: `AccountError.failed` if the lookup fails.
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern>
  /// The text of nologin(5); nil: logins are permitted.
  func noLogins() -> String?
  /// True for a regular file that is executable by someone, or if permissions prevent the check.
  func isExecutable(_ path: String) -> Bool
  /// The kind of program that a shell is.
  func kind(ofShell path: String) -> ShellKind
}

extension SystemAccounts: AccountSource {
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern> {
    try NamePattern.matching(patterns, groups: groups, named: group(named:), withID: group(id:))
  }

  func kind(ofShell path: String) -> ShellKind { ShellKind(rawValue: LoginShell(path).rawValue) ?? .none }
}
