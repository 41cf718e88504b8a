import IPC
import Model
import Testing

@testable import Session

@Suite struct LoginEnvironmentTests {
  private static func texts(
    uid: UInt32 = 1000, accepted: [(String, String)] = [], site: [(String, String)] = [],
    own: [(String, String)] = [], terminal: (name: String, term: [UInt8])? = nil, timeZone: String? = nil
  ) -> [String: String] {
    var login = Login.sample
    login.account.uid = uid
    login.environment = site.map { EnvironmentVariable(name: $0.0, value: $0.1) }
    login.account.environment = own.map { EnvironmentVariable(name: $0.0, value: $0.1) }
    let variables = LoginEnvironment(login: login, timeZone: timeZone).variables(
      accepted: accepted.map { EnvironmentVariable(name: $0.0, value: Array($0.1.utf8)) }, terminal: terminal)
    return Dictionary(
      variables.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) },
      uniquingKeysWith: { "twice: \($0) \($1)" })
  }

  @Test func `a plain login has the variables that sshd sets, and nothing more`() {
    #expect(
      LoginEnvironmentTests.texts() == [
        "HOME": "/tmp", "USER": "tester", "LOGNAME": "tester", "SHELL": "/bin/sh", "MAIL": "/var/mail/tester",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games", "SSH_CLIENT": "192.0.2.1 50000 22",
        "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22",
      ])
  }

  @Test func `root has the directories of system programs in its PATH`() {
    #expect(
      LoginEnvironmentTests.texts(uid: 0)["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  }

  @Test func `a terminal adds TERM and SSH_TTY, and no TERM when the client sends none`() {
    let texts = LoginEnvironmentTests.texts(
      accepted: [("TERM", "client")], site: [("TERM", "site")], terminal: ("/dev/pts/9", Array("vt100".utf8)))
    #expect(texts["TERM"] == "vt100")
    #expect(texts["SSH_TTY"] == "/dev/pts/9")
    #expect(LoginEnvironmentTests.texts(terminal: ("/dev/pts/9", []))["TERM"] == nil)
  }

  @Test func `without a terminal TERM comes only from the client or the configuration`() {
    #expect(LoginEnvironmentTests.texts()["TERM"] == nil)
    #expect(LoginEnvironmentTests.texts(accepted: [("TERM", "client")])["TERM"] == "client")
  }

  @Test func `the account's variables override those of shell.env, and these the client's`() {
    let pairs: ([String]) -> [(String, String)] = { $0.map { name in (name, "") } }
    let texts = LoginEnvironmentTests.texts(
      accepted: [("A", "client"), ("B", "client"), ("C", "client")], site: [("A", "site"), ("B", "site")],
      own: [("A", "own")])
    #expect([texts["A"], texts["B"], texts["C"]] == ["own", "site", "client"])
    #expect(LoginEnvironmentTests.texts(accepted: pairs(["PATH"]))["PATH"] != "")
    #expect(LoginEnvironmentTests.texts(site: [("PATH", "/opt/bin"), ("MAIL", "/m")])["PATH"] == "/opt/bin")
  }

  @Test func `nothing overrides the identity and the connection`() {
    let names = [
      "HOME", "USER", "LOGNAME", "SHELL", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_ORIGINAL_COMMAND",
    ]
    let forged = names.map { ($0, "forged") }
    #expect(LoginEnvironmentTests.texts(accepted: forged, site: forged, own: forged) == LoginEnvironmentTests.texts())
  }

  @Test func `the daemon's time zone is passed on`() {
    #expect(LoginEnvironmentTests.texts(timeZone: "Asia/Tokyo")["TZ"] == "Asia/Tokyo")
    #expect(LoginEnvironmentTests.texts(site: [("TZ", "UTC")], timeZone: "Asia/Tokyo")["TZ"] == "UTC")
  }

  @Test func `an account without a shell has /bin/sh`() {
    var login = Login.sample
    login.account.shell = ""
    #expect(login.shell == "/bin/sh")
  }

  private static func keyed(
    _ environment: [(String, String)], original: String? = nil, _ change: (inout Login) -> Void = { _ in }
  ) -> [String: String] {
    var login = Login.sample
    login.permissions.environment = environment.map { EnvironmentVariable(name: $0.0, value: $0.1) }
    change(&login)
    let variables = LoginEnvironment(login: login, timeZone: nil).variables(
      accepted: [], terminal: nil, originalCommand: original.map { Array($0.utf8) })
    return Dictionary(
      variables.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) }, uniquingKeysWith: { first, _ in first })
  }

  @Test func `a key's variables override others, except those of the connection`() {
    let found = Self.keyed([("PATH", "/mine"), ("EDITOR", "vi"), ("SSH_CLIENT", "x"), ("SSH_TTY", "x")]) {
      $0.account.environment = [EnvironmentVariable(name: "EDITOR", value: "ed")]
    }
    #expect(found["PATH"] == "/mine" && found["EDITOR"] == "vi")
    #expect(found["SSH_CLIENT"] == "192.0.2.1 50000 22" && found["SSH_TTY"] == nil)
  }

  @Test(arguments: ["LD_PRELOAD", "LD_LIBRARY_PATH", "SSH_ORIGINAL_COMMAND", "SSH_CONNECTION_X"])
  func `a key cannot set variables of the dynamic linker or the server`(name: String) {
    #expect(Self.keyed([(name, "x")])[name] == nil)
  }

  @Test func `if the configuration restricts commands, a key sets only harmless and named variables`() {
    let variables = [("BASH_ENV", "x"), ("PATH", "x"), ("PYTHONPATH", "x"), ("GIT_PROTOCOL", "2"), ("LANG", "C")]
    for rules in [CommandRules(allowed: ["ls"]), CommandRules(forced: "ls")] {
      let found = Self.keyed(variables) {
        $0.commands = rules
        $0.acceptEnvironment = ["LANG", "GIT_PROTOCOL", "PYTHON*"]
      }
      #expect(found["BASH_ENV"] == nil && found["PYTHONPATH"] == nil && found["PATH"] != "x")
      #expect(found["GIT_PROTOCOL"] == "2" && found["LANG"] == "C")
    }
    #expect(Self.keyed(variables) { $0.commands = CommandRules(blocked: ["ls"]) }["BASH_ENV"] == "x")
  }

  @Test func `SSH_ORIGINAL_COMMAND is set for forced commands, and nobody else can set it`() {
    #expect(Self.keyed([], original: "ls -l")["SSH_ORIGINAL_COMMAND"] == "ls -l")
    #expect(
      Self.keyed([("SSH_ORIGINAL_COMMAND", "x")]) {
        $0.environment = [EnvironmentVariable(name: "SSH_ORIGINAL_COMMAND", value: "x")]
      }["SSH_ORIGINAL_COMMAND"] == nil)
  }
}
