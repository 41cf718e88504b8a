import AccessControl
import Audit
import Authentication
import Configuration
import Filter
import IPC

/// An authority's word about a user against what the system says, of which a process told that no authority reaches.
///
/// What follows from an account (whose rights a login has, where keys are read and as whom, which groups and rules are
/// its) comes from the system and the configuration. An authority can refuse, and nothing else.
struct AccountComparison {
  /// Whose answer it is.
  let user: String
  let address: IPAddress
  /// Without what blocks of `match` say.
  let settings: Settings
  /// Not started as root: the one user whose rights every login has.
  let singleUser: UInt32?

  /// The account as which keys are looked up for those who cannot log in: it owns nothing.
  static let nobody = Account(
    name: "nobody", uid: 65534, gid: 65534, groups: [65534], home: "/nonexistent", shell: "")

  /// The user, as the configuration has it.
  private var configured: Settings.User? { settings.auth.users.first { $0.name.utf8.elementsEqual(user.utf8) } }

  /// What is to be asked about the account; nil: nothing, not started as root.
  func question(_ answer: AccountAnswer) -> AccountQuestion? {
    guard singleUser == nil else { return nil }
    // A name that is no account's stays away from a process that is root.
    let name = answer.login == nil ? Self.nobody.name : configured?.runAs ?? user
    return AccountQuestion(
      name: name, groupPatterns: settings.groupPatterns.map(\.description),
      shells: answer.login == nil ? [] : configuredShells)
  }

  /// The user's own shell, or else those that accounts without one may get.
  private var configuredShells: [String] {
    if let shell = configured?.shell { return [shell] }
    var seen: Set<String> = []
    let blocks = settings.matches.filter { $0.paths.contains("shell.default") }
    return ([settings] + blocks.map(\.values)).map(\.shell.defaultShell).filter { seen.insert($0).inserted }
  }

  /// What the system says that a shell of the configuration is; one that it does not speak of closes the account.
  private func kind(ofShell shell: String, _ state: AccountState) -> ShellKind {
    zip(configuredShells, state.shellKinds).first { $0.0 == shell }?.1 ?? .none
  }

  /// What counts of an authority's answer, and what was wrong with it, for people.
  ///
  /// - Parameter state: what the system says; nil: nothing, or nobody was asked.
  func verified(_ answer: AccountAnswer, _ state: AccountState?) -> (answer: AccountAnswer, fault: String?) {
    var result = answer
    result.groups = groups(answer, state)
    let applicant = Applicant(user: user, address: address, groups: Set(result.groups.map { NamePattern($0) }))
    let settings = settings.effective(for: applicant)
    result.systemName = question(answer)?.name
    if state?.isClosed == true, result.noLogins == nil { result.noLogins = "" }
    var fault: String?
    if let login = answer.login {
      (result.login, result.refusal, fault) = judge(login, state, defaultShell: settings.shell.defaultShell)
    }
    let known = result.login
    result.lookUp = known ?? Self.nobody
    // As an authority has it: the account's own files are for its own name.
    let paths =
      state?.account.map { KeyPaths(settings.auth, otherThan: configured?.runAs ?? user, home: $0.home) }
      ?? KeyPaths(settings.auth)
    let (name, home) = known.map { ($0.name, $0.home) } ?? (Self.nobody.name, Self.nobody.home)
    result.keyPaths = paths.paths(user: name, home: home)
    result.principalsPath = paths.principalsPath(user: name, home: home)
    return (result, fault)
  }

  private func judge(
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
    expected.environment =
      configured?.environment.map { EnvironmentVariable(name: $0.name, value: $0.value) } ?? []
    // What a shell is, an authority may not be able to see.
    var said = login
    said.shellKind = expected.shellKind
    if said == expected { return (expected, nil, nil) }
    return (nil, .accountDiffers, "it says \(Self.text(login)), and the system \(Self.text(expected))")
  }

  /// The configuration's patterns that match a group of the system's, or one that the configuration gives the user.
  private func groups(_ answer: AccountAnswer, _ state: AccountState?) -> [String] {
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
