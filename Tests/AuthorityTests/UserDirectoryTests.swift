import Configuration
import IPC
import Testing

@testable import Authority

@Suite struct UserDirectoryTests {
  @Test func `a system account logs in as itself`() throws {
    let answer = try authority().who("anna")
    let account = Account(
      name: "anna", uid: 1000, gid: 100, groups: [100, 27], home: "/home/anna", shell: "/bin/zsh")
    #expect(
      answer
        == AccountAnswer(
          login: account, refusal: nil, lookUp: account, keyPaths: ["/home/anna/.ssh/authorized_keys"]))
  }

  @Test func `an account without a shell gets the default one`() throws {
    #expect(try authority { $0.shell.defaultShell = "/bin/zsh" }.who("bert").login?.shell == "/bin/zsh")
  }

  @Test func `a shell that is not there or not executable is refused`() throws {
    let answer = try authority().who("carl")
    #expect(answer.login == nil)
    #expect(answer.refusal == "bad_shell")
    #expect(answer.lookUp.name == "nobody")
  }

  @Test func `an unknown user gets an answer of the same form, about an account that owns nothing`() throws {
    let authority = try authority { $0.auth.authorizedKeysDirectory = "/etc/bssh/keys" }
    let known = try authority.who("anna")
    for name in ["zoe", "../root", "/etc", ".", "..", "%h", "a b"] {
      let answer = try authority.who(name)
      #expect(answer.login == nil)
      #expect(answer.refusal == "no_such_user")
      #expect(answer.lookUp.uid == 65534)
      #expect(answer.lookUp.home == "/nonexistent")
      #expect(answer.keyPaths.count == known.keyPaths.count)
      #expect(answer.keyPaths.last == "/nonexistent/.ssh/authorized_keys")
    }
  }

  @Test func `a configured user has the rights of run_as, and its own home, shell and variables`() throws {
    let answer = try authority { settings in
      var user = Settings.User(name: "deploy")
      user.runAs = "bert"
      user.home = "/srv/deploy"
      user.shell = "/bin/zsh"
      user.environment = [.init(name: "STAGE", value: "live")]
      settings.auth.users = [user]
    }.who("deploy")
    #expect(
      answer.login
        == Account(
          name: "deploy", uid: 1001, gid: 100, groups: [100], home: "/srv/deploy", shell: "/bin/zsh",
          environment: [EnvironmentVariable(name: "STAGE", value: "live")]))
    #expect(answer.keyPaths == ["/srv/deploy/.ssh/authorized_keys"])
  }

  @Test func `a configured user without an account, or whose account is gone, is refused`() throws {
    let authority = try authority { settings in
      var user = Settings.User(name: "deploy")
      user.runAs = "gone"
      settings.auth.users = [user, Settings.User(name: "zoe")]
    }
    #expect(try authority.who("deploy").refusal == "no_such_account")
    #expect(try authority.who("zoe").refusal == "no_such_account")
  }

  @Test func `a name service that fails is no unknown user, but no login either`() throws {
    var accounts = MadeUpAccounts.usual
    accounts.broken = ["anna"]
    let answer = try authority(accounts: accounts).who("anna")
    #expect(answer.login == nil)
    #expect(answer.refusal == "lookup_failed")
  }

  @Test func `not run as root, only configured users log in, and all as the one user`() throws {
    let authority = try authority(singleUser: 1000) { settings in
      var user = Settings.User(name: "guest")
      user.runAs = "bert"
      settings.auth.users = [user]
    }
    #expect(try authority.who("guest").login?.uid == 1000)
    #expect(try authority.who("guest").login?.name == "guest")
    #expect(try authority.who("guest").login?.home == "/home/anna")
    for name in ["anna", "bert", "root"] {
      let answer = try authority.who(name)
      #expect(answer.refusal == "no_such_user")
      #expect(answer.lookUp.uid == 1000)
      #expect(answer.keyPaths == ["/nonexistent/.ssh/authorized_keys"])
    }
  }

  @Test func `a container's user without an account still logs in`() throws {
    let login = try authority(singleUser: 4711) { $0.auth.users = [Settings.User(name: "guest")] }.who("guest").login
    #expect(login?.uid == 4711)
    #expect(login?.shell == "/bin/sh")
  }

  @Test func `names that differ in their bytes only are different users`() throws {
    let authority = try authority(singleUser: 1000) { $0.auth.users = [Settings.User(name: "ren\u{e9}")] }
    #expect(try authority.who("ren\u{e9}").login != nil)
    #expect(try authority.who("rene\u{301}").login == nil)
  }

  @Test func `the file of principals is looked up for whoever asks, known or not`() throws {
    let authority = try authority { $0.auth.authorizedPrincipalsPattern = "/principals/%u" }
    #expect(try authority.who("anna").principalsPath == "/principals/anna")
    #expect(try authority.who("zoe").principalsPath == "/principals/nobody")
    #expect(try AuthorityTests.authority().who("anna").principalsPath == nil)
  }

  @Test func `the system's accounts are found by exact name only, with their groups`() throws {
    let root = try SystemAccounts().account(named: "root")
    #expect((root.uid, root.gid) == (0, 0))
    #expect(root.groups.contains(0))
    #expect(try SystemAccounts().account(uid: 0).name == "root")
    #expect(throws: AccountError.unknown) { try SystemAccounts().account(named: "no-such-user-here") }
    #expect(SystemAccounts().isExecutable("/bin/sh"))
    for path in ["/etc/passwd", "/bin", "/nonexistent", ""] { #expect(!SystemAccounts().isExecutable(path)) }
  }
}

@Suite struct KeyPathsTests {
  @Test(arguments: [
    ("%h/.ssh/authorized_keys", ["/home/anna/.ssh/authorized_keys"]), ("/keys/%u", ["/keys/anna"]),
    ("/keys/{user}.pub", ["/keys/anna.pub"]), ("/100%%/%u%u", ["/100%/annaanna"]), ("/keys/all", ["/keys/all"]),
    (".ssh/authorized_keys", []), ("/keys/%x", []), ("/keys/%", []), ("/keys/../%u", []), ("", []),
  ])
  func `a pattern expands once, and only to an absolute path without dot-dot`(pattern: String, paths: [String]) {
    #expect(
      KeyPaths(directory: nil, pattern: pattern, principalsPattern: nil).paths(user: "anna", home: "/home/anna")
        == paths)
  }

  @Test(arguments: ["a/b", "/", ".", "..", "../../etc"])
  func `a name that is no file name never becomes part of a path`(name: String) {
    let paths = KeyPaths(directory: "/keys", pattern: "/more/%u", principalsPattern: nil).paths(user: name, home: "/")
    #expect(paths.isEmpty)
  }

  @Test func `what a home contains is not expanded again, and must not lead upwards`() {
    let paths = KeyPaths(directory: nil, pattern: "%h/k", principalsPattern: nil)
    #expect(paths.paths(user: "anna", home: "/home/%u") == ["/home/%u/k"])
    #expect(paths.paths(user: "anna", home: "/home/../x").isEmpty)
    #expect(paths.paths(user: "anna", home: "relative").isEmpty)
    #expect(paths.paths(user: "anna", home: "/" + String(repeating: "x", count: 4095)).isEmpty)
  }

  @Test func `the directory comes first`() {
    let paths = KeyPaths(directory: "/keys", pattern: "%h/k", principalsPattern: nil).paths(user: "anna", home: "/h")
    #expect(paths == ["/keys/anna/authorized_keys", "/h/k"])
  }

  @Test(
    arguments: [
      ("/principals/%u", "anna", "/principals/anna"), ("%h/.ssh/principals", "anna", "/h/.ssh/principals"),
      ("/principals/%u", "../x", nil), ("principals", "anna", nil),
    ] as [(String, String, String?)])
  func `a file of principals is found as those of keys are`(pattern: String, user: String, path: String?) throws {
    let paths = KeyPaths(directory: nil, pattern: nil, principalsPattern: pattern)
    #expect(paths.principalsPath(user: user, home: "/h") == path)
    #expect(
      KeyPaths(directory: nil, pattern: nil, principalsPattern: nil).principalsPath(user: user, home: "/h") == nil)
  }
}
