import AccessControl
import Audit
import Authentication
import Configuration
import IPC
import Model
import System
import Testing
import Wire

@testable import Server

/// The replies of the daemon's parts about anna, whose account has uid 1000.
struct KnownFacts: LoginBackends {
  var answer = AccountReply(
    login: KnownFacts.anna(), refusal: nil, lookUp: KnownFacts.anna(), keyPaths: ["/home/anna/.ssh/keys"],
    systemName: "anna")
  var status: AccountStatus? = AccountStatus()
  /// The contents of the file of keys; nil: there is none.
  var keys: String? = ""
  var bans = BanFile.Content.none
  var roots: [String: (problem: String?, exposed: [String])] = [:]
  /// Verdicts on keys by their blobs; others are accepted.
  var verdicts: [[UInt8]: Verdict] = [:]

  static func anna(uid: UInt32 = 1000) -> Account {
    Account(name: "anna", uid: uid, gid: 1000, groups: [1000], home: "/home/anna", shell: "/bin/sh")
  }

  func bans(in path: String) -> BanFile.Content { bans }

  func root(_ path: String) -> (problem: String?, exposed: [String]) { roots[path] ?? (nil, []) }

  func account(_ user: String, from address: IPAddress) throws(BackendError) -> AccountReply { answer }

  func status(of account: String) throws(BackendError) -> AccountStatus? { status }

  func files(of account: Account, _ paths: [String]) throws(BackendError) -> FoundFiles {
    guard let keys else { throw BackendError("it hangs") }
    let bytes = Array(keys.utf8)
    let memory = try? Descriptor.sealedMemory(name: "keys", bytes)
    return FoundFiles(
      files: [KeyFile(path: paths[0], length: UInt32(bytes.count), problem: nil)], memory: memory)
  }

  func verdict(on question: KeyVerificationRequest, _ files: FoundFiles) throws(BackendError) -> Verdict {
    guard let request = try? UserauthRequest(payload: question.request[...]), case .publicKey(let key) = request.method
    else { return Verdict(outcome: .rejected, reason: "malformed") }
    return verdicts[key.key] ?? Verdict(outcome: .acceptable, fingerprint: "SHA256:\(key.key.last ?? 0)")
  }

  /// An Ed25519 key that is identified by its last byte.
  static func key(_ number: UInt8) -> OfferedKey {
    var blob = WireWriter()
    blob.text("ssh-ed25519")
    blob.string([UInt8](repeating: 7, count: 31) + [number])
    return OfferedKey(name: "k\(number).pub", blob: blob.bytes)
  }
}

@Suite struct ExplainerTests {
  private static let hostKey = "server: {host_keys: [/k]}"

  /// The report on a login of anna; each entry of `lines` is a line after `server:`, which is the first.
  private func explain(
    _ lines: String..., from address: String = "192.0.2.7", keys: [OfferedKey] = [KnownFacts.key(1)],
    methods: [AuthenticationMachine.Method] = [], backends: KnownFacts = KnownFacts()
  ) throws -> Report {
    let loaded = try settings(([Self.hostKey] + lines).joined(separator: "\n"))
    let question = LoginQuery(
      user: "anna", address: try #require(IPAddress(address)), keys: keys, methods: methods)
    var explainer = Explainer(loaded: loaded, question: question, backends: backends)
    return try explainer.explain()
  }

  /// What decides: the code, the rule, and where it is written.
  private func decision(_ report: Report) -> String {
    guard let refusal = report.refusal, !report.isLetIn else { return report.isLetIn ? "accepted" : "nothing decides" }
    return "\(refusal.code ?? "-") \(refusal.rule)" + (refusal.place.map { " \($0)" } ?? "")
  }

  @Test func `without a rule against it a valid key is accepted and unrestricted`() throws {
    let report = try explain()
    #expect(decision(report) == "accepted")
    #expect(report.steps == ["publickey"])
    #expect(report.results[.permissions]?.first?.text == "shells and all commands")
  }

  // MARK: The connection

  @Test(arguments: [
    ("{blocked_ips: [198.51.100.1, 192.0.2.0/24]}", "blocked_ip security.blocked_ips[1] f.yaml:2:40"),
    ("{blocked_ips: [198.51.100.1]}", "accepted"),
    ("{allowed_ips: [198.51.100.0/24]}", "not_allowed_ip security.allowed_ips f.yaml:2:25"),
    ("{allowed_ips: [198.51.100.0/24, 192.0.2.7]}", "accepted"),
    ("{allowed_ips: [192.0.2.0/24], blocked_ips: [192.0.2.7]}", "blocked_ip security.blocked_ips[0] f.yaml:2:55"),
    // The whitelist admits nobody.
    ("{whitelist_ips: [192.0.2.7], blocked_ips: [192.0.2.7]}", "blocked_ip security.blocked_ips[0] f.yaml:2:54"),
  ])
  func `access control decides first`(security: String, expected: String) throws {
    #expect(decision(try explain("security: \(security)")) == expected)
  }

  @Test func `a mapped address is the IPv4 address, and the whitelist is reported`() throws {
    let report = try explain(
      "security: {whitelist_ips: [192.0.2.0/24], blocked_ips: [192.0.2.8]}", from: "::ffff:192.0.2.8")
    #expect(report.refusal?.code == "blocked_ip")
    #expect(report.results[.connection]?.contains { $0.rule == "security.whitelist_ips[0]" } == true)
  }

  @Test func `a ban that the daemon has saved decides`() throws {
    var backends = KnownFacts()
    let file = "/var/lib/bssh/bans"
    let source = ClientSource(try #require(IPAddress("192.0.2.7")))
    backends.bans = .bans([Ban(source: source, end: 61_500, count: 2)])
    let banned = try explain(backends: backends)
    #expect(decision(banned) == "banned security.ban_state_file \(file)")
    #expect(banned.refusal?.text == "192.0.2.7 is banned for 62 s more")
    #expect(decision(try explain(from: "192.0.2.8", backends: backends)) == "accepted")
    #expect(decision(try explain("security: {whitelist_ips: [192.0.2.7]}", backends: backends)) == "accepted")
    #expect(decision(try explain("security: {ban_state_file: null}", backends: backends)) == "accepted")
    // One that has ended, and one of another source.
    backends.bans = .bans([Ban(source: source, end: -1, count: 2)])
    #expect(decision(try explain(backends: backends)) == "accepted")
    backends.bans = .unusable(line: 3, "damaged")
    let unknown = try explain(backends: backends)
    #expect(decision(unknown) == "accepted")
    #expect(unknown.results[.connection]?.contains { $0.text.contains("bans are unknown") } == true)
  }

  // MARK: The user

  @Test(arguments: AccountRefusal.allCases)
  func `a user without an account is not accepted, whatever they have`(refusal: AccountRefusal) throws {
    var backends = KnownFacts()
    backends.answer.login = nil
    backends.answer.refusal = refusal
    let report = try explain("auth: {password: {users: [{name: anna, run_as: anna}]}}", backends: backends)
    #expect(decision(report) == "\(refusal) account f.yaml:2:48")
    #expect(report.steps == nil)
  }

  /// Lines after the first, and what decides.
  static let rules: [([String], String)] = [
    (["auth: {deny_users: [bert, \"an*\"]}"], "user_denied auth.deny_users[1] f.yaml:2:27"),
    (["auth: {deny_users: [anna@198.51.100.0/24]}"], "accepted"),
    (["auth: {allow_users: [bert]}"], "user_not_allowed auth.allow_users f.yaml:2:21"),
    (["auth: {allow_users: [anna@192.0.2.0/24]}"], "accepted"),
    (["auth: {deny_groups: [x, ops]}"], "group_denied auth.deny_groups[1] f.yaml:2:25"),
    (["auth: {deny_groups: [x]}"], "accepted"),
    (["auth: {allow_groups: [x]}"], "group_not_allowed auth.allow_groups f.yaml:2:22"),
    (["auth: {allow_groups: [x, ops]}"], "accepted"),
    (["auth: {allow_users: [anna], deny_users: [anna]}"], "user_denied auth.deny_users[0] f.yaml:2:42"),
    (["auth: {password: {users: [{name: anna, disabled: true}]}}"], "user_disabled disabled f.yaml:2:50"),
    (
      ["auth: {password: {users: [{name: anna, allowed_ips: [198.51.100.1]}]}}"],
      "source_not_allowed allowed_ips f.yaml:2:53"
    ),
    (["auth: {password: {users: [{name: anna, allowed_ips: [192.0.2.7]}]}}"], "accepted"),
    (
      ["auth: {password: {users: [{name: anna, methods: [password]}]}}"],
      "method_not_allowed methods f.yaml:2:49"
    ),
    // A matching block decides, even about an entry of its own.
    (
      ["auth: {deny_users: [bert]}", "match: [{users: [anna], auth: {deny_users: [x, anna]}}]"],
      "user_denied auth.deny_users[1] f.yaml:3:48"
    ),
    (["match: [{groups: [ops], auth: {allow_users: [x]}}]"], "user_not_allowed auth.allow_users f.yaml:2:45"),
    (["match: [{groups: [x], auth: {allow_users: [x]}}]"], "accepted"),
    (["match: [{addresses: [198.51.100.0/24], auth: {deny_users: [anna]}}]"], "accepted"),
    (["auth: {deny_users: [anna]}", "match: [{users: [anna], auth: {deny_users: []}}]"], "accepted"),
  ]

  @Test(arguments: rules)
  func `every rule about users decides, and is reported with its place`(lines: [String], expected: String) throws {
    var backends = KnownFacts()
    backends.answer.groups = ["ops"]
    let report =
      lines.count == 1
      ? try explain(lines[0], backends: backends) : try explain(lines[0], lines[1], backends: backends)
    #expect(decision(report) == expected)
  }

  @Test func `a user of a file of users is reported with the file`() throws {
    let loaded = try settings("server: {host_keys: [/k]}\nauth: {password: {users_file: /users.yaml}}")
    let question = LoginQuery(
      user: "carol", address: try #require(IPAddress("192.0.2.7")), keys: [KnownFacts.key(1)], methods: [])
    var explainer = Explainer(loaded: loaded, question: question, backends: KnownFacts())
    let account = try explainer.explain().results[.user]?.first
    #expect(account?.rule == "account" && account?.place == "f.yaml:2:31")
  }

  @Test func `blocks are reported with the conditions that fail`() throws {
    let report = try explain("match: [{users: [x], addresses: [192.0.2.7], shell: {pty: false}}]")
    let block = try #require(report.results[.user]?.first { $0.rule == "match[0]" })
    #expect(block.text == "does not apply: users" && block.place == "f.yaml:2:17")
    let holds = try explain("match: [{users: [anna], shell: {pty: false}}]")
    #expect(holds.results[.user]?.first { $0.rule == "match[0]" }?.text == "applies, and sets shell.pty")
  }

  @Test(arguments: [
    (AccountStatus(isLocked: true), "accepted"),
    (AccountStatus(isExpired: true), "account_expired shadow(5)"),
    (AccountStatus(isPasswordExpired: true), "accepted"),
    (nil, "lookup_failed shadow(5)"),
  ])
  func `shadow(5) decides`(status: AccountStatus?, expected: String) throws {
    var backends = KnownFacts()
    backends.status = status
    #expect(decision(try explain(backends: backends)) == expected)
  }

  @Test func `a locked account can log in with keys only, unless auth.locked_accounts says no`() throws {
    var backends = KnownFacts()
    backends.status = AccountStatus(isLocked: true)
    let auth = "methods: [publickey, password], password: {users: [{name: anna, password_hash: '\(hash)'}]}"
    let byPassword = try explain("auth: {\(auth)}", keys: [], methods: [.password], backends: backends)
    #expect(byPassword.refusal?.code == "account_locked")
    let byKey = try explain("auth: {\(auth)}", backends: backends)
    #expect(decision(byKey) == "accepted")
    #expect(
      byKey.results[.credentials]?.contains {
        $0.rule == "publickey: shadow(5)" && $0.text.contains("only with a key")
      }
        == true)
    let closed = try explain("auth: {locked_accounts: no}", backends: backends)
    #expect(decision(closed) == "account_locked shadow(5) f.yaml:2:25")
  }

  @Test func `an expired password disables passwords, and keys are accepted`() throws {
    var backends = KnownFacts()
    backends.status = AccountStatus(isPasswordExpired: true)
    let auth = "auth: {methods: [publickey, password], password: {users: [{name: anna, password_hash: '\(hash)'}]}}"
    let byPassword = try explain(auth, keys: [], methods: [.password], backends: backends)
    #expect(decision(byPassword) == "password_expired password f.yaml:2:87")
    #expect(byPassword.results[.credentials]?.contains { $0.rule == "password: shadow(5)" } == true)
    #expect(decision(try explain(auth, backends: backends)) == "accepted")
  }

  @Test func `nologin(5) refuses everyone but root`() throws {
    var backends = KnownFacts()
    backends.answer.noLogins = "Back at noon"
    #expect(decision(try explain(backends: backends)) == "nologin nologin(5)")
    backends.answer.login = KnownFacts.anna(uid: 0)
    #expect(decision(try explain(backends: backends)) == "accepted")
  }

  // MARK: Shells and roots

  @Test func `a shell that permits no work disables commands and files, and settings that permit files are reported`()
    throws
  {
    var backends = KnownFacts()
    backends.answer.login?.shell = "/usr/sbin/nologin"
    backends.answer.login?.shellKind = .none
    let told = { (report: Report, rule: String) in report.results[.permissions]?.first { $0.rule == rule }?.text ?? ""
    }
    let closed = try explain(backends: backends)
    #expect(closed.results[.user]?.contains { $0.rule == "shells(5)" } == true)
    #expect(told(closed, "commands") == "none: the shell /usr/sbin/nologin allows none")
    for name in ["SFTP", "SCP"] { #expect(told(closed, name).contains("(nologin_shell)")) }
    let only = try explain("auth: {password: {users: [{name: anna, sftp_only: true}]}}", backends: backends)
    for name in ["SFTP", "SCP"] { #expect(told(only, name) == "all files that the account can access") }
    let block = try explain("match: [{users: [anna], sftp: {enabled: true}}]", backends: backends)
    #expect(
      told(block, "SFTP") == "all files that the account can access" && told(block, "SCP").contains("(nologin_shell)"))
  }

  @Test func `a shell that shells(5) does not list is reported, and started`() throws {
    var backends = KnownFacts()
    backends.answer.login?.shell = "/usr/bin/git-shell"
    backends.answer.login?.shellKind = .unlisted
    let report = try explain(backends: backends)
    #expect(
      report.results[.user]?.first { $0.rule == "shells(5)" }?.text
        == "/etc/shells does not list /usr/bin/git-shell; it is started nevertheless")
    #expect(report.results[.permissions]?.first?.text == "shells and all commands")
  }

  @Test func `a root that cannot be entered, or that others than root can replace, is reported`() throws {
    var backends = KnownFacts()
    backends.roots["/srv/anna"] = ("the symbolic link", [])
    backends.roots["/data"] = (nil, ["/data (uid 7, mode 755)"])
    let told = { (report: Report) in report.results[.permissions]?.first { $0.rule == "SFTP" }?.text }
    #expect(
      told(try explain("sftp: {root: /srv/%u}", backends: backends))
        == "no: the root /srv/anna cannot be entered: the symbolic link")
    #expect(
      told(try explain("sftp: {root: /data}", backends: backends))
        == "below /data (users other than root can replace it, below /data (uid 7, mode 755))")
  }

  // MARK: Credentials

  @Test(arguments: [("no", "root_not_permitted publickey"), ("publickey", "accepted"), ("yes", "accepted")])
  func `permit_root decides about root`(permit: String, expected: String) throws {
    var backends = KnownFacts()
    backends.answer.login = KnownFacts.anna(uid: 0)
    let report = try explain("auth: {permit_root: \(permit)}", backends: backends)
    #expect(decision(report) == expected)
    #expect(
      report.results[.credentials]?.contains { $0.rule == "auth.permit_root" && $0.place == "f.yaml:2:21" } == true)
  }

  @Test func `the reason for refusing a key is reported, with its place`() throws {
    var backends = KnownFacts()
    let key = KnownFacts.key(1)
    for (place, told) in [("/home/anna/.ssh/keys:3", nil), ("auth.publickey.revoked_keys", "f.yaml:2:34")] {
      backends.verdicts[key.blob] = Verdict(
        outcome: .rejected, reason: "wrong_source", fingerprint: "SHA256:x", place: place)
      let report = try explain("auth: {publickey: {revoked_keys: /r}}", backends: backends)
      #expect(report.refusal?.code == "wrong_source" && report.refusal?.place == told)
      #expect(report.refusal?.text == "key SHA256:x of k1.pub, by \(place)")
    }
  }

  @Test func `without a key those that are listed are tried`() throws {
    let lines = [1, 2, 3].map {
      "ssh-ed25519 " + String(decoding: Base64.encode(KnownFacts.key($0).blob), as: UTF8.self)
    }
    var backends = KnownFacts()
    backends.keys = "\(lines[0])\ncert-authority \(lines[1])\n# \(lines[0])\n\(lines[2])\n"
    backends.verdicts[KnownFacts.key(1).blob] = Verdict(outcome: .rejected, reason: "wrong_source")
    let report = try explain(keys: [], backends: backends)
    #expect(decision(report) == "accepted")
    let told = report.results[.credentials]?.filter { $0.rule == "publickey" }.map(\.text) ?? []
    #expect(told.contains("certificates may be accepted too: check one with --key"))
    #expect(told.contains { $0.hasSuffix(" of /home/anna/.ssh/keys:1") })
    #expect(!told.contains { $0.hasSuffix(" of /home/anna/.ssh/keys:2") })
    #expect(told.contains { $0.hasSuffix(" of /home/anna/.ssh/keys:4") })
  }

  @Test func `without any key none is tried`() throws {
    #expect(decision(try explain(keys: [])) == "no_such_key publickey")
    var backends = KnownFacts()
    backends.keys = nil
    let report = try explain(keys: [], backends: backends)
    #expect(decision(report) == "no_such_key publickey")
    #expect(report.results[.credentials]?.contains { $0.text.contains("it hangs") } == true)
  }

  /// `auth.methods`, `auth.required`, what the client uses, and what decides.
  static let sequences: [(String, String, [AuthenticationMachine.Method], String)] = [
    ("publickey", "", [.password], "method_not_enabled password"),
    ("password", "", [.password], "accepted"),
    ("keyboard-interactive", "", [.keyboardInteractive], "accepted"),
    ("publickey, password", "[[publickey, password]]", [.publicKey], "more_steps auth.required f.yaml:2:50"),
    ("publickey, password", "[[publickey, password]]", [.password], "method_not_enabled password"),
    ("publickey, password", "[[publickey, password]]", [.publicKey, .password], "accepted"),
    ("publickey, password", "[[publickey, password]]", [], "accepted"),
    ("publickey", "[[publickey, publickey]]", [], "key_used_before publickey, then publickey"),
    ("publickey", "[[publickey, totp]]", [], "accepted"),
  ]

  @Test(arguments: sequences)
  func `every step of a login is followed`(
    methods: String, required: String, used: [AuthenticationMachine.Method], expected: String
  ) throws {
    let more = required.isEmpty ? "" : ", required: \(required)"
    let user = "{name: anna, password_hash: '\(hash)', totp_secret: MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U}"
    let report = try explain(
      "auth: {methods: [\(methods)]\(more), password: {users: [\(user)]}}", methods: used)
    #expect(decision(report) == expected)
  }

  @Test func `a second publickey step needs another key`() throws {
    let report = try explain(
      "auth: {required: [[publickey, publickey]]}", keys: [KnownFacts.key(1), KnownFacts.key(2)])
    #expect(decision(report) == "accepted")
    #expect(report.steps == ["publickey", "publickey"])
  }

  @Test(arguments: [
    ("password", AuthenticationMachine.Method.password), ("keyboard-interactive", .keyboardInteractive),
  ])
  func `a user without a password cannot use one`(name: String, method: AuthenticationMachine.Method) throws {
    let users = "[{name: bert, password_hash: '\(hash)'}, {name: anna}]"
    let report = try explain(
      "auth: {methods: [\(name)], password: {users: \(users)}}", keys: [], methods: [method])
    #expect(report.refusal?.code == "no_password" && report.refusal?.rule == name)
  }

  @Test func `a user without a secret cannot use a code`() throws {
    let users = "[{name: bert, totp_secret: MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U}, {name: anna}]"
    let report = try explain("auth: {required: [[publickey, totp]], password: {users: \(users)}}")
    #expect(report.refusal?.code == "no_totp_secret")
    #expect(report.refusal?.rule == "publickey, then totp")
  }

  @Test func `a key that is asked about must be used`() throws {
    var backends = KnownFacts()
    backends.verdicts[KnownFacts.key(1).blob] = Verdict(outcome: .rejected, reason: "no_such_key")
    let auth = "auth: {methods: [publickey, password], password: {users: [{name: anna, password_hash: '\(hash)'}]}}"
    #expect(decision(try explain(auth, backends: backends)).hasPrefix("no_such_key"))
    // A question without a key may use the password.
    backends.keys = ""
    #expect(decision(try explain(auth, keys: [], backends: backends)) == "accepted")
  }

  @Test func `two keys that force different commands are refused`() throws {
    var backends = KnownFacts()
    for number in [1, 2] as [UInt8] {
      var permissions = KeyPermissions.everything
      permissions.forcedCommand = [number]
      backends.verdicts[KnownFacts.key(number).blob] = Verdict(
        outcome: .acceptable, fingerprint: "SHA256:\(number)", permissions: permissions)
    }
    let report = try explain(
      "auth: {required: [[publickey, publickey]]}", keys: [KnownFacts.key(1), KnownFacts.key(2)], backends: backends)
    #expect(report.results[.credentials]?.contains { $0.code == "forced_commands_differ" } == true)
    #expect(!report.isLetIn)
  }

  // MARK: Permissions

  /// Lines, the rule, its result, and where it is written.
  static let permissions: [(String, String, String, String?)] = [
    ("shell: {enabled: false}", "commands", "none: shell.enabled", "f.yaml:2:18"),
    (
      "shell: {forced_command: date}", "commands", "'date' instead of every shell, command and subsystem", "f.yaml:2:25"
    ),
    (
      "shell: {allowed_commands: [date]}", "commands", "no shell: shell_not_allowed; those of shell.allowed_commands",
      "f.yaml:2:27"
    ),
    (
      "shell: {blocked_commands: [date]}", "commands", "no shell: shell_not_allowed; none of shell.blocked_commands",
      "f.yaml:2:27"
    ),
    ("shell: {pty: false}", "terminal", "no: shell.pty", "f.yaml:2:14"),
    ("shell: {pty: true}", "terminal", "yes", nil),
    ("shell: {command_timeout: 5m}", "shell.command_timeout", "300 s", "f.yaml:2:26"),
    ("sftp: {enabled: false}", "SFTP", "no: sftp.enabled", "f.yaml:2:17"),
    ("sftp: {root: /srv/%u}", "SFTP", "below /srv/anna", "f.yaml:2:14"),
    ("sftp: {root: /srv/%u}", "SCP", "below /srv/anna", "f.yaml:2:14"),
    ("sftp: {read_only: true}", "SFTP", "all files that the account can access, read-only", nil),
    ("scp: {enabled: false}", "SCP", "no: scp.enabled", "f.yaml:2:16"),
    (
      "auth: {password: {users: [{name: anna, sftp_only: true, max_sessions: 3}]}}", "commands", "none: sftp_only",
      "f.yaml:2:51"
    ),
    ("auth: {password: {users: [{name: anna, max_sessions: 3}]}}", "logins", "3 at a time", "f.yaml:2:54"),
    ("security: {max_sessions_per_user: 4}", "logins", "4 at a time", "f.yaml:2:35"),
    ("security: {idle_timeout: 60}", "security.idle_timeout", "60 s", "f.yaml:2:26"),
    ("security: {session_timeout: 1h}", "security.session_timeout", "3600 s", "f.yaml:2:29"),
    ("match: [{users: [anna], shell: {pty: false}}]", "terminal", "no: shell.pty", "f.yaml:2:38"),
    ("shell: {pty: true}", "forwarding.tcp", "connections to every host and port", nil),
    ("shell: {pty: true}", "forwarding.unix_sockets", "connections to every socket of the account", nil),
    ("forwarding: {tcp: no}", "forwarding.tcp", "no connections: forwarding.tcp", "f.yaml:2:19"),
    ("forwarding: {tcp: no}", "forwarding.unix_sockets", "no connections: forwarding.tcp", "f.yaml:2:19"),
    (
      "forwarding: {permit_open: [db:5432, \"10.0.0.0/8:*\"]}", "forwarding.permit_open",
      "only db:5432, 10.0.0.0/8:*", "f.yaml:2:27"
    ),
    ("forwarding: {permit_open: none}", "forwarding.permit_open", "none", "f.yaml:2:27"),
    (
      "forwarding: {permit_open: none}", "forwarding.unix_sockets", "no connections: forwarding.permit_open",
      "f.yaml:2:27"
    ),
    (
      "auth: {password: {users: [{name: anna, sftp_only: true}]}}", "forwarding.tcp", "no connections: sftp_only",
      "f.yaml:2:51"
    ),
    (
      "shell: {forced_command: internal-sftp}", "forwarding.tcp", "no connections: shell.forced_command", "f.yaml:2:25"
    ),
    (
      "match: [{users: [anna], shell: {enabled: false}, forwarding: {tcp: local}}]", "forwarding.tcp",
      "connections to every host and port", "f.yaml:2:68"
    ),
  ]

  @Test(arguments: permissions)
  func `the permissions of a login are reported`(line: String, rule: String, text: String, place: String?) throws {
    let found = try explain(line).results[.permissions]?.first { $0.rule == rule }
    #expect(found?.text == text)
    #expect(found?.place == place)
  }

  @Test func `restrictions of a key are reported`() throws {
    var backends = KnownFacts()
    var permissions = KeyPermissions.restricted
    permissions.forcedCommand = Array("uptime".utf8)
    permissions.environment = [EnvironmentVariable(name: "COLOUR", value: "red")]
    backends.verdicts[KnownFacts.key(1).blob] = Verdict(outcome: .acceptable, permissions: permissions)
    let told = try explain(backends: backends).results[.permissions]?.map { "\($0.rule): \($0.text)" } ?? []
    #expect(told.contains("commands: 'uptime' instead of every shell, command and subsystem, forced by the key"))
    #expect(told.contains("terminal: no: restricted by the key"))
    #expect(told.contains("environment: of the key: COLOUR"))
    #expect(told.contains("~/.ssh/rc: is not run: restricted by the key"))
    let refused = try explain("shell: {allowed_commands: [date]}", backends: backends)
    #expect(
      refused.results[.permissions]?.first?.text
        == "none: the key forces 'uptime', which is refused: command_not_allowed")
  }

  @Test func `each list that applies to forwards is reported, with the line of a key`() throws {
    var backends = KnownFacts()
    var permissions = KeyPermissions.everything
    permissions.permitOpen = [
      PlaceList("permitopen= of /home/anna/.ssh/keys:3", [ForwardingPlace(.any, port: 5432)])
    ]
    backends.verdicts[KnownFacts.key(1).blob] = Verdict(outcome: .acceptable, permissions: permissions)
    let told = try explain("forwarding: {permit_open: [db:5432]}", backends: backends).results[.permissions] ?? []
    let lines = told.map { "\($0.rule): \($0.text)" }
    #expect(lines.contains("forwarding.tcp: connections to some places"))
    #expect(lines.contains("forwarding.permit_open: only db:5432"))
    #expect(lines.contains("permitopen= of /home/anna/.ssh/keys:3: only *:5432"))
    permissions.portForwarding = false
    backends.verdicts[KnownFacts.key(1).blob] = Verdict(outcome: .acceptable, permissions: permissions)
    let denied = try explain(backends: backends).results[.permissions] ?? []
    #expect(denied.contains { $0.rule == "forwarding.tcp" && $0.text == "no connections: no-port-forwarding" })
  }

  // MARK: Text

  @Test func `the last line contains the outcome and what decided it`() throws {
    let question = LoginQuery(user: "anna", address: try #require(IPAddress("192.0.2.7")), keys: [], methods: [])
    let last = { (report: Report) in report.text(question).split(separator: "\n").last.map(String.init) }
    #expect(last(try explain()) == "accepted: 'anna' from 192.0.2.7, by publickey")
    let refused = try explain("auth: {deny_users: [anna]}")
    #expect(
      last(refused) == "refused: 'anna' from 192.0.2.7, user_denied, by auth.deny_users[0] (f.yaml:2:21)")
    #expect(
      refused.text(question).contains("\n  NO  auth.deny_users[0]  'anna' names 'anna': user_denied (f.yaml:2:21)\n"))
    #expect(!refused.text(question).contains("Permissions"))
  }
}
