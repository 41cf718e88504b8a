import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC
import Model

/// Compares an authority's reply about a user with the system's account, which a process with root's privileges reads.
///
/// Everything that depends on the account (the privileges of a login, the paths of keys and the user that reads them, the
/// groups and rules) is taken from the system and the configuration. An authority can only refuse a user.
struct AccountComparison {
  /// The user that the authority's reply is about.
  let user: String
  let address: IPAddress
  /// The settings without any `match` block applied.
  let settings: Settings
  /// The user id of every login if the daemon does not run as root; nil: it does.
  let singleUser: UInt32?

  /// The account that reads keys for users who cannot log in; it owns nothing.
  static let nobody = Account(
    name: "nobody", uid: 65534, gid: 65534, groups: [65534], home: "/nonexistent", shell: "")

  /// The user's entry in the configuration.
  private var configured: Settings.User? { settings.auth.users.first { $0.name.utf8.elementsEqual(user.utf8) } }

  /// The request for the process that reads the account as root; nil: the daemon does not run as root.
  func question(_ answer: AccountReply) -> AccountCheckRequest? {
    guard singleUser == nil else { return nil }
    // Names without an account are not passed to a process with root's privileges.
    let name = answer.login == nil ? Self.nobody.name : configured?.runAs ?? user
    return AccountCheckRequest(
      name: name, groupPatterns: settings.groupPatterns.map(\.description),
      shells: answer.login == nil ? [] : configuredShells)
  }

  /// The shell of the user's entry, or else those that an account without a shell may get.
  private var configuredShells: [String] {
    if let shell = configured?.shell { return [shell] }
    var seen: Set<String> = []
    let blocks = settings.matches.filter { $0.paths.contains("shell.default") }
    return ([settings] + blocks.map(\.values)).map(\.shell.defaultShell).filter { seen.insert($0).inserted }
  }

  /// The kind of a configured shell according to the system; if it is missing, `none`, which allows no login.
  private func kind(ofShell shell: String, _ state: AccountState) -> ShellKind {
    zip(configuredShells, state.shellKinds).first { $0.0 == shell }?.1 ?? .none
  }

  /// The authority's reply, corrected by the system's account, and the difference; nil: there is none.
  ///
  /// - Parameter state: the system's account; nil: it could not be read, or was not requested.
  func verified(_ answer: AccountReply, _ state: AccountState?) -> (answer: AccountReply, fault: String?) {
    var result = answer
    result.groups = groups(answer, state)
    let attempt = LoginAttempt(user: user, address: address, groups: Set(result.groups.map { NamePattern($0) }))
    let settings = settings.effective(for: attempt)
    result.systemName = question(answer)?.name
    if state?.isClosed == true, result.noLogins == nil { result.noLogins = "" }
    var fault: String?
    if let login = answer.login {
      (result.login, result.refusal, fault) = compare(login, state, defaultShell: settings.shell.defaultShell)
    }
    let known = result.login
    result.lookUp = known ?? Self.nobody
    // As in an authority: the files of an account are only for its own name.
    let paths =
      state?.account.map { KeyPaths(settings.auth, otherThan: configured?.runAs ?? user, home: $0.home) }
      ?? KeyPaths(settings.auth)
    let (name, home) = known.map { ($0.name, $0.home) } ?? (Self.nobody.name, Self.nobody.home)
    result.keyPaths = paths.paths(user: name, home: home)
    result.principalsPath = paths.principalsPath(user: name, home: home)
    return (result, fault)
  }

  private func compare(
    _ login: Account, _ state: AccountState?, defaultShell: String
  ) -> (login: Account?, refusal: AccountRefusal?, fault: String?) {
    var expected = login
    if let singleUser {
      expected.uid = singleUser
    } else {
      guard let state else { return (nil, .lookUpFailed, nil) }
      guard let account = state.account else { return (nil, .accountDiffers, "there is no such account") }
      expected = account
      if let home = configured?.home { expected.home = home }
      if configured?.shell != nil || account.shell.isEmpty {
        expected.shell = configured?.shell ?? defaultShell
        expected.shellKind = kind(ofShell: expected.shell, state)
      }
    }
    expected.name = user
    expected.environment = configured?.environment ?? []
    // An authority may be unable to read the shell's file.
    var said = login
    said.shellKind = expected.shellKind
    if said == expected { return (expected, nil, nil) }
    return (nil, .accountDiffers, "it says \(Self.text(login)), and the system \(Self.text(expected))")
  }

  /// The patterns of the configuration that match a group of the account or of the user's entry.
  private func groups(_ answer: AccountReply, _ state: AccountState?) -> [String] {
    if singleUser != nil { return answer.groups }
    guard let state, state.account != nil else { return answer.login == nil ? answer.groups : [] }
    let own = configured?.groups ?? []
    return settings.groupPatterns.filter { pattern in
      state.groups.contains(pattern.description) || own.contains { pattern.matches($0) }
    }.map(\.description)
  }

  private static func text(_ account: Account) -> String {
    "\(account.name.quoted()) uid \(account.uid), gid \(account.gid), \(account.groups.count) groups, home \(account.home.quoted()), "
      + "shell \(account.shell.quoted())"
  }
}
