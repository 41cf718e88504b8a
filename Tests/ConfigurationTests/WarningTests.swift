import Configuration
import Testing

@Suite struct WarningTests {
  private let users = mapping([
    "auth": mapping([
      "methods": list(plain("publickey"), plain("password")),
      "password": tree("users", list(mapping(["name": plain("a"), "password_hash": quotedText(Sample.hash)]))),
    ])
  ])

  private func warnings(_ loaded: Loaded) -> [String] { loaded.warnings.map(\.description) }

  @Test func `an ordinary configuration has no warnings`() throws {
    #expect(warnings(try load()) == [])
    #expect(warnings(try load(users)) == [])
  }

  @Test func `key exchange methods without a post-quantum one cause a warning`() throws {
    let classic = list(plain("curve25519-sha256"), plain("diffie-hellman-group16-sha512"))
    #expect(
      warnings(try load(tree("server.kex", classic))) == [
        "f.yaml: server.kex: without mlkem768x25519-sha256 a quantum computer can decrypt traffic that is recorded today; "
          + "OpenSSH 10.1 and later warn at every login"
      ])
    let hybrid = list(plain("curve25519-sha256"), plain("mlkem768x25519-sha256"))
    #expect(warnings(try load(tree("server.kex", hybrid))) == [])
  }

  @Test func `hashes in a file that others can read cause a warning`() throws {
    #expect(
      warnings(try load(users, readableByOthers: true)) == [
        "f.yaml: auth.password.users: 'f.yaml' contains credentials and can be read by others; "
          + "'chmod 600 f.yaml' prevents that"
      ])
    #expect(warnings(try load(tree("server.port", plain("1")), readableByOthers: true)) == [])
    var hostEnvironment = machine(files: ["/u": .init(bytes: [], isReadableByOthers: true)])
    hostEnvironment.parse = { _, _ in .success(plain("")) }
    #expect(warnings(try load(tree("auth.password.users_file", plain("/u")), on: hostEnvironment)).count == 1)
  }

  @Test func `nologin and unlisted shells cause one warning each`() throws {
    var hostEnvironment = machine()
    hostEnvironment.shellKind = { $0 == "/bin/own" ? .unlisted : $0 == "/bin/false" ? .none : .listed }
    let shells = tree("shell.default", plain("/bin/own"))
    let unlisted = "'/bin/own' is not listed in /etc/shells, see shells(5); it is started nevertheless"
    #expect(warnings(try load(shells, on: hostEnvironment)) == ["f.yaml: shell.default: \(unlisted)"])
    let closed =
      "'/bin/false' allows no interactive login: no commands, and files only with sftp_only, a forced internal-sftp or a match"
    let users = list(
      mapping(["name": plain("a"), "shell": plain("/bin/own")]),
      mapping(["name": plain("b"), "shell": plain("/bin/own")]),
      mapping(["name": plain("c"), "shell": plain("/bin/false"), "sftp_only": plain("true")]),
      mapping(["name": plain("d"), "shell": plain("/bin/false")]),
      mapping(["name": plain("e"), "shell": plain("/bin/sh")]))
    #expect(
      warnings(try load(tree("auth.password.users", users), on: hostEnvironment)) == [
        "f.yaml: auth.password.users: the user 'a': \(unlisted)",
        "f.yaml: auth.password.users: the user 'd': \(closed)",
      ])
  }

  @Test func `roots that other users can replace cause a warning if the daemon runs as root`() throws {
    var hostEnvironment = machine()
    hostEnvironment.exposedDirectories = { $0 == "/srv/share" ? ["/srv/share (uid 7, mode 755)"] : [] }
    let home =
      "is below the home, whose owner can put another directory of theirs in its place (a link is refused); "
      + "%h itself, or a directory below one of root's, is safe"
    let share =
      "is below /srv/share (uid 7, mode 755): not only root can put another directory in its place (a link is "
      + "refused)"
    for isRoot in [true, false] {
      hostEnvironment.isRoot = isRoot
      for (root, reason) in [
        ("%h", nil), ("%h/pub", home), ("/srv/%u", nil), ("/srv/share/%u", share), ("/srv/share/a", share),
        ("/srv/share", nil), ("/srv/%u/share", nil),
      ] as [(String, String?)] {
        let expected = isRoot ? reason.map { ["f.yaml: sftp.root: '\(root)' \($0)"] } ?? [] : []
        #expect(warnings(try load(tree("sftp.root", plain(root)), on: hostEnvironment)) == expected, "\(root)")
      }
    }
    hostEnvironment.isRoot = true
    #expect(
      warnings(try load(tree("scp.root", plain("%h/x")), on: hostEnvironment)) == ["f.yaml: scp.root: '%h/x' \(home)"])
    let user = list(mapping(["name": plain("alice"), "root": plain("%h/x")]))
    #expect(
      warnings(try load(tree("auth.password.users", user), on: hostEnvironment)) == [
        "f.yaml: auth.password.users: the user 'alice': '%h/x' \(home)"
      ])
  }

  @Test func `limits that contradict others cause warnings`() throws {
    let key = "server.max_unauthenticated_per_source"
    #expect(
      warnings(try load(tree(key, plain("51")))) == [
        "f.yaml: \(key): more than half of server.max_unauthenticated: 50 applies"
      ])
    #expect(warnings(try load(tree(key, plain("50")))) == [])
    #expect(warnings(try load(tree("server.max_unauthenticated", plain("2")))) == [])
    #expect(
      warnings(try load(tree("security.ban_max", plain("5")))) == [
        "f.yaml: security.ban_max: shorter than security.ban_time, so every ban has this duration"
      ])
    #expect(warnings(try load(tree("security.ban_time", plain("7d")))) == [])
  }

  @Test(arguments: ["password", "keyboard-interactive"])
  func `a password method without passwords causes a warning`(method: String) throws {
    #expect(
      warnings(try load(tree("auth.methods", list(plain(method))))) == [
        "f.yaml: auth.methods: a password can be asked for, but no user has a password_hash"
      ])
  }

  @Test func `credentials that no method uses cause warnings`() throws {
    let user = list(
      mapping([
        "name": plain("a"), "password_hash": quotedText(Sample.hash), "authorized_keys": list(plain(Sample.key)),
      ]))
    #expect(
      warnings(try load(tree("auth.password.users", user))) == [
        "f.yaml: auth.methods: users have a password_hash, but no method asks for a password"
      ])
    let auth = mapping(["methods": list(plain("password")), "password": tree("users", user)])
    #expect(
      warnings(try load(tree("auth", auth))) == [
        "f.yaml: auth.methods: users have authorized_keys, but publickey is not among the methods"
      ])
  }

  @Test func `codes without secrets and secrets without codes cause warnings`() throws {
    let secret = mapping(["name": plain("a"), "totp_secret": plain("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")])
    #expect(
      warnings(try load(tree("auth.required", list(list(plain("publickey"), plain("totp")))))) == [
        "f.yaml: auth.required: a code (totp) can be asked for, but no user has a totp_secret"
      ])
    #expect(
      warnings(try load(tree("auth.password.users", list(secret)))) == [
        "f.yaml: auth.required: users have a totp_secret, but no sequence asks for a code (totp)"
      ])
    let auth = mapping([
      "required": list(list(plain("publickey"), plain("totp"))), "password": tree("users", list(secret)),
    ])
    #expect(warnings(try load(tree("auth", auth))) == [])
    #expect(
      warnings(try load(tree("auth", auth), readableByOthers: true)) == [
        "f.yaml: auth.password.users: 'f.yaml' contains credentials and can be read by others; "
          + "'chmod 600 f.yaml' prevents that"
      ])
  }

  @Test func `a method that is in no sequence causes a warning`() throws {
    let auth = mapping([
      "methods": list(plain("publickey"), plain("password")), "required": list(list(plain("publickey"))),
      "password": tree("users", list(mapping(["name": plain("a"), "password_hash": quotedText(Sample.hash)]))),
    ])
    #expect(
      warnings(try load(tree("auth", auth))) == [
        "f.yaml: auth.methods: password has no effect: no sequence of auth.required contains it"
      ])
  }

  @Test func `publickey without keys causes a warning`() throws {
    #expect(
      warnings(try load(tree("auth.publickey.authorized_keys_pattern", plain("none"))))
        == ["f.yaml: auth.methods: publickey is allowed, but no authorized keys are configured"])
    #expect(warnings(try load(tree("auth.publickey.authorized_keys_pattern", plain("null")))) == [])
  }

  @Test func `a user who cannot log in causes a warning`() throws {
    var hostEnvironment = machine(files: ["/cas": .init(bytes: Array(Sample.key.utf8), isReadableByOthers: true)])
    hostEnvironment.isRoot = true
    let nobody = "f.yaml: auth.password.users[0]: nobody can log in as 'web': there is no password_hash"
    let account = ["\(nobody) and no authorized_keys, and those of the account 'alice' only apply to its own name"]
    let user = mapping(["name": plain("web"), "run_as": plain("alice")])
    func told(_ user: Node, _ publickey: Node? = nil, match: Node? = nil) throws -> [String] {
      let auth = mapping(["password": tree("users", list(user)), "publickey": publickey ?? mapping([:])])
      let root = match.map { mapping(["auth": auth, "match": list($0)]) } ?? tree("auth", auth)
      return warnings(try load(root, on: hostEnvironment)).filter { $0.contains("nobody can log in") }
    }
    #expect(try told(user) == account)
    #expect(try told(user, mapping(["authorized_keys_pattern": plain("/keys/all")])) == account)
    #expect(
      try told(user, mapping(["authorized_keys_pattern": plain("none")])) == [
        "\(nobody), no authorized_keys and no file for them"
      ])
    // No warning if a login may be possible.
    for publickey in [
      ["authorized_keys_pattern": plain("/keys/%u")], ["authorized_keys_dir": plain("/keys")],
      ["trusted_user_ca_keys": plain("/cas")],
    ] as [KeyValuePairs] { #expect(try told(user, mapping(publickey)) == []) }
    for entry in [
      mapping(["name": plain("alice")]), mapping(["name": plain("alice"), "run_as": plain("alice")]),
      mapping(["name": plain("web"), "run_as": plain("alice"), "home": plain("/srv/web")]),
      mapping(["name": plain("web"), "run_as": plain("alice"), "disabled": plain("true")]),
      mapping(["name": plain("web"), "run_as": plain("alice"), "authorized_keys": list(plain(Sample.key))]),
      mapping(["name": plain("web"), "run_as": plain("alice"), "password_hash": quotedText(Sample.hash)]),
    ] { #expect(try told(entry) == []) }
    let block = mapping([
      "users": list(plain("web")), "auth": tree("publickey.authorized_keys_dir", plain("/keys")),
    ])
    #expect(try told(user, match: block) == [])
    hostEnvironment.isRoot = false
    hostEnvironment.ownAccount = "alice"
    #expect(try told(user) == [])
  }

  @Test func `a host key that no algorithm uses causes a warning`() throws {
    let root = tree(
      "server",
      mapping(["host_keys": list(plain("/k/a"), plain("/k/rsa")), "host_key_algorithms": list(plain("ssh-ed25519"))]))
    #expect(
      warnings(try load(root, hostKey: nil)) == [
        "f.yaml: server.host_keys: '/k/rsa' is never used: server.host_key_algorithms has none of its algorithms"
      ])
  }

  @Test func `a port that no address uses causes a warning`() throws {
    let root = tree("server.bind_address", plain("127.0.0.1:22"))
    #expect(
      warnings(try load(root, options: [("-p", ["23"])])) == [
        "-p: server.port: has no effect: every entry of server.bind_address has its own port"
      ])
  }

  @Test func `rules of a disabled filter cause a warning`() throws {
    let rules = list(mapping(["directory": plain(".git"), "action": plain("deny")]))
    #expect(
      warnings(try load(tree("filter.rules", rules))) == [
        "f.yaml: filter.rules: have no effect: filter.enabled is false"
      ])
    #expect(warnings(try load(tree("filter", mapping(["enabled": plain("true"), "rules": rules])))) == [])
  }

  @Test func `a user who can do nothing causes a warning`() throws {
    let user = tree("password.users", list(mapping(["name": plain("a"), "sftp_only": plain("true")])))
    let off = mapping(["enabled": plain("false")])
    #expect(
      warnings(try load(mapping(["auth": user, "sftp": off, "scp": off]))) == [
        "f.yaml: sftp.enabled: the user 'a' is sftp_only and can do nothing: scp.enabled is false as well"
      ])
    #expect(warnings(try load(mapping(["auth": user, "sftp": off]))) == [])
  }

  @Test func `blocked commands cause a warning that they are no security boundary`() throws {
    #expect(
      warnings(try load(tree("shell.blocked_commands", list(plain("*sudo*"))))) == [
        "f.yaml: shell.blocked_commands: is no security boundary: other commands can have the same effect; "
          + "use shell.allowed_commands"
      ])
  }

  @Test(arguments: [("*", true), ("*/uptime", true), ("?ptime", true), ("uptime*", false), ("\\*", false)])
  func `a pattern that allows any program causes a warning`(pattern: String, isWarned: Bool) throws {
    let found = warnings(try load(tree("shell.allowed_commands", list(plain("id"), quotedText(pattern)))))
    #expect(
      found
        == (isWarned ? ["f.yaml: shell.allowed_commands: begins with a wildcard, so it allows any program"] : []))
  }

  @Test func `lists beside a forced command cause warnings`() throws {
    let shell = mapping([
      "forced_command": plain("date"), "allowed_commands": list(plain("id")), "blocked_commands": list(plain("su")),
    ])
    #expect(
      warnings(try load(tree("shell", shell))) == [
        "f.yaml: shell.allowed_commands: has no effect: shell.forced_command runs instead of every command",
        "f.yaml: shell.blocked_commands: has no effect: shell.forced_command runs instead of every command",
      ])
  }

  @Test(arguments: [
    ("date", "shell", "shell.enabled"), ("internal-sftp", "sftp", "sftp.enabled"),
    ("internal-sftp -R", "sftp", "sftp.enabled"),
  ])
  func `a forced command that nobody can run causes a warning`(command: String, section: String, key: String) throws {
    let file = mapping([
      "shell": mapping(["forced_command": plain(command), "enabled": plain(section == "shell" ? "false" : "true")]),
      "sftp": mapping(["enabled": plain(section == "sftp" ? "false" : "true")]),
    ])
    #expect(
      warnings(try load(file)) == [
        "f.yaml: shell.forced_command: nothing is allowed: \(key) is false"
      ])
    let works = tree("shell.forced_command", plain(command))
    #expect(warnings(try load(works)) == [])
  }

  @Test func `a forced command other than SFTP causes a warning for sftp_only users`() throws {
    let user = list(mapping(["name": plain("a"), "sftp_only": plain("true")]))
    let file = mapping([
      "auth": tree("password.users", user), "shell": mapping(["forced_command": plain("date")]),
    ])
    #expect(
      warnings(try load(file)) == [
        "f.yaml: shell.forced_command: the user 'a' is sftp_only and can do nothing: "
          + "the forced command runs instead of SFTP"
      ])
  }
}
