import Filter
import IPC
import Model
import System

/// Looks up an account in the system's databases, so that the supervisor can compare an authority's verdict with it.
///
/// This process is root and reads entries of shadow(5), possibly of other accounts, too: it ends after its answer.
enum AccountCheck {
  /// The account that is looked up instead of an unknown one, so that both take the same time.
  private static let nobody = "nobody"

  static func answer(_ question: AccountCheckRequest) throws(SystemError) -> AccountState {
    let accounts = SystemAccounts()
    let found = try? accounts.account(named: question.name)
    let account = found ?? (try? accounts.account(named: nobody))
    let entry = try ShadowEntry(of: account?.name ?? nobody) ?? ShadowEntry()
    let day = ShadowEntry.today
    var state = AccountState(
      status: AccountStatus(
        isLocked: entry.isLocked, isExpired: entry.isExpired(on: day),
        isPasswordExpired: entry.isPasswordExpired(on: day)))
    state.isClosed = accounts.noLogins() != nil
    let patterns = question.groupPatterns.map { NamePattern($0) }
    let matching = try? NamePattern.matching(
      patterns, groups: account?.groups ?? [], named: accounts.group(named:), withID: accounts.group(id:))
    // If the groups cannot be determined, a rule that denies one of them could be missed: the account counts as
    // unknown.
    guard let found, let matching else { return state }
    state.groups = patterns.filter(matching.contains).map(\.description)
    state.account = Account(
      name: found.name, uid: found.uid, gid: found.gid, groups: found.groups, home: found.home, shell: found.shell,
      shellKind: kind(ofShell: found.shell))
    state.shellKinds = question.shells.map(kind(ofShell:))
    return state
  }

  private static func kind(ofShell path: String) -> ShellKind {
    ShellKind(rawValue: LoginShell(path).rawValue) ?? .none
  }
}
