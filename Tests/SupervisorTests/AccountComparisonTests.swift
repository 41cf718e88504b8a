import AccessControl
import Configuration
import Filter
import IPC
import Model
import Testing

@testable import Supervisor

/// A compromised authority may send false accounts.
@Suite struct AccountComparisonTests {
  private static let real = Account(
    name: "bob", uid: 1000, gid: 1000, groups: [1000, 27], home: "/home/bob", shell: "/bin/zsh")

  private static func comparison(
    singleUser: UInt32? = nil, _ change: (inout Settings) -> Void = { _ in }
  ) -> AccountComparison {
    var settings = Settings()
    change(&settings)
    return AccountComparison(
      user: "bob", address: IPAddress("203.0.113.7") ?? .unspecified, settings: settings, singleUser: singleUser)
  }

  /// The reply of an authority with this account for the login and the look-up of keys.
  private static func said(_ login: Account?, groups: [String] = []) -> AccountReply {
    AccountReply(
      login: login, refusal: login == nil ? .noSuchUser : nil,
      lookUp: Account(name: "root", uid: 0, gid: 0, groups: [0], home: "/root", shell: "/bin/sh"),
      keyPaths: ["/etc/shadow"], principalsPath: "/etc/gshadow", groups: groups, systemName: "root")
  }

  private static let state = AccountState(account: real)

  @Test func `an account that matches the system's is accepted, with the key paths of the configuration`() {
    let (answer, fault) = Self.comparison().verified(Self.said(Self.real), Self.state)
    #expect(fault == nil)
    #expect(answer.login == Self.real && answer.refusal == nil)
    #expect(answer.lookUp == Self.real)
    #expect(answer.keyPaths == ["/home/bob/.ssh/authorized_keys"])
    #expect(answer.principalsPath == nil)
    #expect(answer.systemName == "bob")
  }

  @Test(arguments: [
    \Account.uid, \Account.gid,
  ]) func `another user or group id is refused and reads no keys`(path: WritableKeyPath<Account, UInt32> & Sendable) {
    for number in [0, 27, 65534, UInt32.max] as [UInt32] {
      var lie = Self.real
      lie[keyPath: path] = number
      let (answer, fault) = Self.comparison().verified(Self.said(lie), Self.state)
      #expect(answer.login == nil && answer.refusal == .accountDiffers && fault != nil)
      #expect(answer.lookUp == AccountComparison.nobody)
      #expect(answer.keyPaths == ["/nonexistent/.ssh/authorized_keys"])
    }
  }

  @Test func `other groups, home directories, shells, names and variables are refused`() {
    let lies: [(inout Account) -> Void] = [
      { $0.groups = [] }, { $0.groups = [1000] }, { $0.groups = [1000, 27, 0] }, { $0.home = "/root" },
      { $0.shell = "/bin/sh" }, { $0.name = "eve" },
      { $0.environment = [EnvironmentVariable(name: "BASH_ENV", value: "/tmp/x")] },
    ]
    for lie in lies {
      var account = Self.real
      lie(&account)
      let (answer, _) = Self.comparison().verified(Self.said(account), Self.state)
      #expect(answer.login == nil && answer.refusal == .accountDiffers, "\(account)")
    }
  }

  @Test func `the kind of a shell is that of the system, not that of the authority`() {
    for (kind, said) in [(ShellKind.none, ShellKind.listed), (.unlisted, .none), (.listed, .unlisted)] {
      var system = Self.real
      system.shellKind = kind
      var lie = Self.real
      lie.shellKind = said
      let answer = Self.comparison().verified(Self.said(lie), AccountState(account: system)).answer
      #expect(answer.login == system)
    }
  }

  @Test func `the system is asked about configured shells, and one without a reply allows no login`() {
    var user = Settings.User(name: "bob")
    user.shell = "/bin/dash"
    var block = Match()
    block.users = [.init(NamePattern("eve"))]
    block.users = [.init(NamePattern("eve"))]
    block.paths = ["shell.default"]
    block.values.shell.defaultShell = "/bin/own"
    let (users, blocks) = ([user], [block])
    let configured = Self.comparison { $0.auth.users = users }
    var login = Self.real
    login.shell = "/bin/dash"
    #expect(configured.question(Self.said(login))?.shells == ["/bin/dash"])
    for kinds in [[ShellKind.none], [.unlisted], []] {
      let state = AccountState(account: Self.real, shellKinds: kinds)
      #expect(configured.verified(Self.said(login), state).answer.login?.shellKind == kinds.first ?? ShellKind.none)
    }
    // The shell of an account without one depends on match blocks.
    let other = Self.comparison { $0.matches = blocks }
    #expect(other.question(Self.said(Self.real))?.shells == ["/bin/sh", "/bin/own"])
    var bare = Self.real
    bare.shell = ""
    var given = Self.real
    given.shell = "/bin/sh"
    let state = AccountState(account: bare, shellKinds: [.unlisted, .none])
    #expect(other.verified(Self.said(given), state).answer.login?.shellKind == .unlisted)
  }

  @Test func `users that the system does not know, or has not replied about, cannot log in`() {
    let unknown = Self.comparison().verified(Self.said(Self.real), AccountState())
    #expect(unknown.answer.login == nil && unknown.answer.refusal == .accountDiffers)
    let silent = Self.comparison().verified(Self.said(Self.real), nil)
    #expect(silent.answer.login == nil && silent.answer.refusal == .lookUpFailed)
    for answer in [unknown.answer, silent.answer] { #expect(answer.lookUp == AccountComparison.nobody) }
  }

  @Test func `keys of a refused user are read by an account that owns nothing, and the name is not looked up`() {
    let comparison = Self.comparison()
    let (answer, fault) = comparison.verified(Self.said(nil), AccountState())
    #expect(fault == nil && answer.refusal == .noSuchUser)
    #expect(answer.lookUp == AccountComparison.nobody)
    #expect(answer.keyPaths == ["/nonexistent/.ssh/authorized_keys"])
    #expect(comparison.question(Self.said(nil)) == AccountCheckRequest(name: "nobody"))
  }

  @Test func `a configured user has the account of run_as with its own home, shell and variables`() {
    let comparison = Self.comparison { settings in
      var user = Settings.User(name: "bob")
      user.runAs = "deploy"
      user.home = "/srv/bob"
      user.shell = "/bin/dash"
      user.environment = [.init(name: "STAGE", value: "live")]
      settings.auth.users = [user]
    }
    let system = Account(
      name: "deploy", uid: 1001, gid: 100, groups: [100], home: "/home/deploy", shell: "/bin/sh")
    var login = system
    login.name = "bob"
    login.home = "/srv/bob"
    login.shell = "/bin/dash"
    login.environment = [EnvironmentVariable(name: "STAGE", value: "live")]
    #expect(comparison.question(Self.said(login))?.name == "deploy")
    let (answer, fault) = comparison.verified(
      Self.said(login), AccountState(account: system, shellKinds: [.listed]))
    #expect(fault == nil && answer.login == login)
    #expect(answer.keyPaths == ["/srv/bob/.ssh/authorized_keys"])
  }

  @Test func `groups are those of the system and the configuration, not of the authority`() {
    let comparison = Self.comparison { settings in
      settings.auth.denyGroups = ["interns", "w*"].map { NamePattern($0) }
      settings.auth.allowGroups = [NamePattern("staff")]
      var user = Settings.User(name: "bob")
      user.groups = ["wheel"]
      settings.auth.users = [user]
    }
    let patterns = comparison.question(Self.said(Self.real))?.groupPatterns ?? []
    #expect(Set(patterns) == ["interns", "w*", "staff"])
    let state = AccountState(account: Self.real, groups: ["interns"])
    let (answer, _) = comparison.verified(Self.said(Self.real, groups: ["staff"]), state)
    #expect(Set(answer.groups) == ["interns", "w*"])
  }

  @Test func `an authority cannot hide nologin(5)`() {
    let state = AccountState(account: Self.real, isClosed: true)
    #expect(Self.comparison().verified(Self.said(Self.real), state).answer.noLogins == "")
  }

  @Test func `without root every login is the single user, whatever an authority replies`() {
    let comparison = Self.comparison(singleUser: 1000)
    #expect(comparison.question(Self.said(Self.real)) == nil)
    let (answer, _) = comparison.verified(Self.said(Self.real), nil)
    #expect(answer.login == Self.real && answer.keyPaths == ["/home/bob/.ssh/authorized_keys"])
    var lie = Self.real
    lie.uid = 1001
    #expect(comparison.verified(Self.said(lie), nil).answer.login == nil)
  }
}
