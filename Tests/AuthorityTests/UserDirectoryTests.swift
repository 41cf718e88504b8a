import AccessControl
import Configuration
import Filter
import Foundation
import IPC
import Model
import System
import Testing

@testable import Authority

@Suite struct UserDirectoryTests {
  @Test func `a system account logs in as itself`() throws {
    let answer = try authority().who("anna")
    let account = Account(
      name: "anna", uid: 1000, gid: 100, groups: [100, 27], home: "/home/anna", shell: "/bin/zsh")
    #expect(
      answer
        == AccountReply(
          login: account, refusal: nil, lookUp: account, keyPaths: ["/home/anna/.ssh/authorized_keys"],
          systemName: "anna"))
  }

  @Test func `an account without a shell gets the default one`() throws {
    #expect(try authority { $0.shell.defaultShell = "/bin/zsh" }.who("bert").login?.shell == "/bin/zsh")
  }

  @Test func `the answer contains the kind of shell, including shells set in the configuration`() throws {
    var accounts = MadeUpAccounts.usual
    accounts.executables.formUnion(["/opt/own", "/usr/sbin/nologin"])
    accounts.kinds = ["/opt/own": .unlisted, "/usr/sbin/nologin": .none]
    var own = Settings.User(name: "anna")
    own.shell = "/opt/own"
    var closed = Settings.User(name: "bert")
    closed.shell = "/usr/sbin/nologin"
    let users = [own, closed]
    let authority = try authority(accounts: accounts) { $0.auth.users = users }
    #expect(try authority.who("anna").login?.shellKind == .unlisted)
    #expect(try authority.who("bert").login?.shellKind == ShellKind.none)
    #expect(try AuthorityTests.authority().who("anna").login?.shellKind == .listed)
  }

  @Test func `a shell that is missing or not executable refuses the login`() throws {
    let answer = try authority().who("carl")
    #expect(answer.login == nil)
    #expect(answer.refusal == .badShell)
    #expect(answer.lookUp.name == "nobody")
  }

  @Test func `an unknown user gets an answer of the same form with an account that owns nothing`() throws {
    let authority = try authority { $0.auth.authorizedKeysDirectory = "/etc/bssh/keys" }
    let known = try authority.who("anna")
    for name in ["zoe", "../root", "/etc", ".", "..", "%h", "a b"] {
      let answer = try authority.who(name)
      #expect(answer.login == nil)
      #expect(answer.refusal == .noSuchUser)
      #expect(answer.lookUp.uid == 65534)
      #expect(answer.lookUp.home == "/nonexistent")
      #expect(answer.keyPaths.count == known.keyPaths.count)
      #expect(answer.keyPaths.last == "/nonexistent/.ssh/authorized_keys")
    }
  }

  @Test func `a configured user has the privileges of run_as and its own home, shell and variables`() throws {
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

  @Test func `a configured user whose account does not exist is refused`() throws {
    let authority = try authority { settings in
      var user = Settings.User(name: "deploy")
      user.runAs = "gone"
      settings.auth.users = [user, Settings.User(name: "zoe")]
    }
    #expect(try authority.who("deploy").refusal == .noSuchAccount)
    #expect(try authority.who("zoe").refusal == .noSuchAccount)
  }

  @Test func `a failing name service is not reported as an unknown user but refuses the login`() throws {
    var accounts = MadeUpAccounts.usual
    accounts.broken = ["anna"]
    let answer = try authority(accounts: accounts).who("anna")
    #expect(answer.login == nil)
    #expect(answer.refusal == .lookUpFailed)
  }

  @Test func `without root the user who started the daemon and configured users log in, all as that user`() throws {
    let authority = try authority(singleUser: 1000) { $0.auth.users = [Settings.User(name: "guest")] }
    for name in ["guest", "anna"] {
      let login = try authority.who(name).login
      #expect(login?.uid == 1000 && login?.name == name && login?.home == "/home/anna")
    }
    for name in ["bert", "root", "Anna"] {
      let answer = try authority.who(name)
      #expect(answer.refusal == .noSuchUser)
      #expect(answer.lookUp.uid == 1000)
      #expect(answer.keyPaths == ["/nonexistent/.ssh/authorized_keys"])
    }
  }

  @Test func `the account's own key and principals files are used only for its own name`() throws {
    let users = ["deploy", "bert"].map { name in
      var user = Settings.User(name: name)
      user.runAs = "bert"
      return user
    }
    let root = try authority {
      $0.auth.users = users
      $0.auth.authorizedKeysDirectory = "/keys"
      $0.auth.authorizedPrincipalsPattern = "%h/.ssh/principals"
    }
    let (own, other) = (try root.who("bert"), try root.who("deploy"))
    #expect(own.keyPaths == ["/keys/bert/authorized_keys", "/home/bert/.ssh/authorized_keys"])
    #expect(own.principalsPath == "/home/bert/.ssh/principals")
    // The same number of paths, so that it reveals nothing.
    #expect(other.keyPaths == ["/keys/deploy/authorized_keys", "/nonexistent/.ssh/authorized_keys"])
    #expect(other.principalsPath == "/nonexistent/.ssh/principals")
    let single = try authority(singleUser: 1000) { $0.auth.users = [Settings.User(name: "guest")] }
    // Without root, all logins are the one user who owns the file.
    #expect(try single.who("guest").keyPaths == ["/home/anna/.ssh/authorized_keys"])
  }

  @Test(arguments: ["/home/bert", "/home//bert/", "/home/./bert"])
  func `setting home to the account's own directory does not give access to its key file`(home: String) throws {
    var user = Settings.User(name: "deploy")
    (user.runAs, user.home) = ("bert", home)
    let users = [user]
    let authority = try authority { $0.auth.users = users }
    #expect(try authority.who("deploy").keyPaths == ["/nonexistent/.ssh/authorized_keys"])
  }

  @Test func `a container's user without an account still logs in`() throws {
    let login = try authority(singleUser: 4711) { $0.auth.users = [Settings.User(name: "guest")] }.who("guest").login
    #expect(login?.uid == 4711)
    #expect(login?.shell == "/bin/sh")
  }

  @Test func `only groups that the configuration mentions are returned`() throws {
    let authority = try authority { settings in
      settings.auth.allowGroups = ["users", "s*", "x*", "wheel"].map { NamePattern($0) }
      settings.auth.denyGroups = [NamePattern("sudo")]
      var user = Settings.User(name: "deploy")
      user.runAs = "bert"
      user.groups = ["wheel", "other"]
      settings.auth.users = [user]
    }
    #expect(try authority.who("anna").groups == ["sudo", "users", "s*"])
    #expect(try authority.who("bert").groups == ["users"])
    #expect(try authority.who("deploy").groups == ["users", "wheel"])
    #expect(try authority.who("zoe").groups == [])
  }

  @Test func `a login is refused if the groups cannot be determined`() throws {
    var accounts = MadeUpAccounts.usual
    accounts.broken = ["group"]
    let answer = try authority(accounts: accounts) { $0.auth.denyGroups = [NamePattern("sudo")] }.who("anna")
    #expect(answer.login == nil && answer.refusal == .lookUpFailed)
  }

  @Test func `match blocks set key paths and shells for known and unknown users`() throws {
    var block = Match()
    block.addresses = [.init(try AddressRange("192.0.2.0/24"))]
    block.paths = ["auth.publickey.authorized_keys_pattern", "shell.default"]
    block.values.auth.authorizedKeysPattern = "/keys/%u"
    block.values.shell.defaultShell = "/bin/zsh"
    var sudoers = Match()
    sudoers.groups = [.init(NamePattern("sudo"))]
    sudoers.paths = ["auth.publickey.authorized_keys_pattern"]
    sudoers.values.auth.authorizedKeysPattern = "/sudo/%u"
    let blocks = [block, sudoers]
    let authority = try authority { $0.matches = blocks }
    #expect(try authority.who("bert").keyPaths == ["/keys/bert"])
    #expect(try authority.who("bert").login?.shell == "/bin/zsh")
    #expect(try authority.who("bert", from: "198.51.100.7").keyPaths == ["/home/bert/.ssh/authorized_keys"])
    #expect(try authority.who("bert", from: "198.51.100.7").login?.shell == "/bin/sh")
    #expect(try authority.who("anna").keyPaths == ["/sudo/anna"])
    #expect(try authority.who("zoe").keyPaths == ["/keys/nobody"])
  }

  @Test func `shadow(5) is read for the system account, and for nobody if the user is unknown`() throws {
    var user = Settings.User(name: "deploy")
    user.runAs = "bert"
    let users = [user]
    let asRoot = try authority { $0.auth.users = users }
    #expect(try asRoot.who("deploy").systemName == "bert")
    #expect(try asRoot.who("zoe").systemName == "nobody")
    let single = try authority(singleUser: 1000) { $0.auth.users = users }
    #expect(try single.who("deploy").systemName == nil)
    #expect(try single.who("zoe").systemName == nil)
  }

  @Test func `the text of nologin(5) is in every answer`() throws {
    var accounts = MadeUpAccounts.usual
    accounts.notice = "Back at noon"
    let closed = try authority(accounts: accounts)
    for name in ["anna", "zoe"] { #expect(try closed.who(name).noLogins == "Back at noon") }
    #expect(try authority().who("anna").noLogins == nil)
  }

  @Test func `nologin is read from both paths and an unreadable one also closes the server`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bssh-nologin-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (first, second) = (folder.appendingPathComponent("a").path, folder.appendingPathComponent("b").path)
    let accounts = SystemAccounts(noLoginsFiles: [first, second])
    #expect(accounts.noLogins() == nil)
    try "second".write(toFile: second, atomically: false, encoding: .utf8)
    #expect(accounts.noLogins() == "second")
    try String(repeating: "x", count: 5000).write(toFile: first, atomically: false, encoding: .utf8)
    #expect(accounts.noLogins()?.utf8.count == 2048)
    try FileManager.default.removeItem(atPath: first)
    try FileManager.default.createDirectory(atPath: first, withIntermediateDirectories: false)
    #expect(accounts.noLogins() == "")
    try FileManager.default.removeItem(atPath: first)
    mkfifo(first, 0o600)
    #expect(accounts.noLogins() == "")
    #expect(SystemAccounts().noLoginsFiles == ["/run/nologin", "/etc/nologin"])
  }

  @Test func `system groups are found by name and by wildcard`() throws {
    let patterns = ["root", "r*t", "no-such-group", "x*"].map { NamePattern($0) }
    let system = SystemAccounts()
    #expect(try system.patterns(patterns, matching: [0]) == [NamePattern("root"), NamePattern("r*t")])
    #expect(try system.patterns(patterns, matching: [4_000_000_000]).isEmpty)
  }

  @Test func `user names that differ only in their bytes are different users`() throws {
    let authority = try authority(singleUser: 1000) { $0.auth.users = [Settings.User(name: "ren\u{e9}")] }
    #expect(try authority.who("ren\u{e9}").login != nil)
    #expect(try authority.who("rene\u{301}").login == nil)
  }

  @Test func `the principals file is requested for known and unknown users`() throws {
    let authority = try authority { $0.auth.authorizedPrincipalsPattern = "/principals/%u" }
    #expect(try authority.who("anna").principalsPath == "/principals/anna")
    #expect(try authority.who("zoe").principalsPath == "/principals/nobody")
    #expect(try AuthorityTests.authority().who("anna").principalsPath == nil)
  }

  @Test func `system accounts are found only by exact name, with their groups`() throws {
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
  func `a pattern is expanded once and only to an absolute path without dot-dot`(pattern: String, paths: [String]) {
    #expect(
      KeyPaths(directory: nil, pattern: pattern, principalsPattern: nil).paths(user: "anna", home: "/home/anna")
        == paths)
  }

  @Test(arguments: ["a/b", "/", ".", "..", "../../etc"])
  func `a name that is not a valid file name never becomes part of a path`(name: String) {
    let paths = KeyPaths(directory: "/keys", pattern: "/more/%u", principalsPattern: nil).paths(user: name, home: "/")
    #expect(paths.isEmpty)
  }

  @Test func `the home directory is not expanded again and must not contain dot-dot`() {
    let paths = KeyPaths(directory: nil, pattern: "%h/k", principalsPattern: nil)
    #expect(paths.paths(user: "anna", home: "/home/%u") == ["/home/%u/k"])
    #expect(paths.paths(user: "anna", home: "/home/../x").isEmpty)
    #expect(paths.paths(user: "anna", home: "relative").isEmpty)
    #expect(paths.paths(user: "anna", home: "/" + String(repeating: "x", count: 4095)).isEmpty)
  }

  @Test func `the central directory comes first`() {
    let paths = KeyPaths(directory: "/keys", pattern: "%h/k", principalsPattern: nil).paths(user: "anna", home: "/h")
    #expect(paths == ["/keys/anna/authorized_keys", "/h/k"])
  }

  @Test(
    arguments: [
      ("/principals/%u", "anna", "/principals/anna"), ("%h/.ssh/principals", "anna", "/h/.ssh/principals"),
      ("/principals/%u", "../x", nil), ("principals", "anna", nil),
    ] as [(String, String, String?)])
  func `a principals path is expanded like key paths`(pattern: String, user: String, path: String?) throws {
    let paths = KeyPaths(directory: nil, pattern: nil, principalsPattern: pattern)
    #expect(paths.principalsPath(user: user, home: "/h") == path)
    #expect(
      KeyPaths(directory: nil, pattern: nil, principalsPattern: nil).principalsPath(user: user, home: "/h") == nil)
  }
}
