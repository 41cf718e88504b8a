import Filter
import IPC
import System

/// What the system knows of an account, for the supervisor, which compares an authority's word with it.
///
/// This process is root and has read other accounts' entries of shadow(5) on the way: it ends after its answer.
enum AccountCheck {
  /// The account that is looked up in the place of one that is not there, so that it takes no less time.
  private static let nobody = "nobody"

  static func answer(_ question: AccountQuestion) throws(SystemError) -> AccountState {
    let accounts = SystemAccounts()
    let found = try? accounts.account(named: question.name)
    let account = found ?? (try? accounts.account(named: nobody))
    let entry = try ShadowEntry(of: account?.name ?? nobody) ?? ShadowEntry()
    let day = ShadowEntry.today
    var state = AccountState(
      isLocked: entry.isLocked, isExpired: entry.isExpired(on: day), isPasswordExpired: entry.isPasswordExpired(on: day)
    )
    state.isClosed = accounts.noLogins() != nil
    let patterns = question.groupPatterns.map { NamePattern($0) }
    let matching = try? NamePattern.matching(
      patterns, groups: account?.groups ?? [], named: accounts.group(named:), withID: accounts.group(id:))
    // Groups that cannot be looked up may be those of a rule that refuses.
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
