import IPC
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
      accepted: accepted.map { Variable(name: $0.0, value: Array($0.1.utf8)) }, terminal: terminal)
    return Dictionary(
      variables.map { ($0.name, String(decoding: $0.value, as: UTF8.self)) },
      uniquingKeysWith: { "twice: \($0) \($1)" })
  }

  @Test func `a plain login has what sshd sets and nothing more`() {
    #expect(
      LoginEnvironmentTests.texts() == [
        "HOME": "/tmp", "USER": "tester", "LOGNAME": "tester", "SHELL": "/bin/sh", "MAIL": "/var/mail/tester",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games", "SSH_CLIENT": "192.0.2.1 50000 22",
        "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22",
      ])
  }

  @Test func `root has the directories of administration in its path`() {
    #expect(
      LoginEnvironmentTests.texts(uid: 0)["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  }

  @Test func `a terminal adds TERM and SSH_TTY, and no TERM when the client names none`() {
    let texts = LoginEnvironmentTests.texts(
      accepted: [("TERM", "client")], site: [("TERM", "site")], terminal: ("/dev/pts/9", Array("vt100".utf8)))
    #expect(texts["TERM"] == "vt100")
    #expect(texts["SSH_TTY"] == "/dev/pts/9")
    #expect(LoginEnvironmentTests.texts(terminal: ("/dev/pts/9", []))["TERM"] == nil)
  }

  @Test func `without a terminal TERM is only what the client or the configuration says`() {
    #expect(LoginEnvironmentTests.texts()["TERM"] == nil)
    #expect(LoginEnvironmentTests.texts(accepted: [("TERM", "client")])["TERM"] == "client")
  }

  @Test func `the user's variables come before the site's, and those before the client's`() {
    let pairs: ([String]) -> [(String, String)] = { $0.map { name in (name, "") } }
    let texts = LoginEnvironmentTests.texts(
      accepted: [("A", "client"), ("B", "client"), ("C", "client")], site: [("A", "site"), ("B", "site")],
      own: [("A", "own")])
    #expect([texts["A"], texts["B"], texts["C"]] == ["own", "site", "client"])
    #expect(LoginEnvironmentTests.texts(accepted: pairs(["PATH"]))["PATH"] != "")
    #expect(LoginEnvironmentTests.texts(site: [("PATH", "/opt/bin"), ("MAIL", "/m")])["PATH"] == "/opt/bin")
  }

  @Test func `nobody overrides who this is and where it comes from`() {
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

  @Test func `an account without a shell has sh`() {
    var login = Login.sample
    login.account.shell = ""
    #expect(login.shell == "/bin/sh")
  }
}
