import AccessControl
import Authentication
import Filter
import IPC
import Model
import Testing
import Wire

@testable import Configuration

/// A valid range.
func range(_ text: String) -> AddressRange {
  do { return try AddressRange(text) } catch { fatalError("\(text) \(error)") }
}

/// A valid pattern.
func users(_ text: String) -> UserPattern {
  do { return try UserPattern(text) } catch { fatalError("\(text): \(error)") }
}

/// A value for one key, and the settings with it.
struct Sample: Sendable, CustomTestStringConvertible {
  let path: String
  let node: Node
  /// The value as a variable; nil: no variable can set the key.
  let variable: String?
  let expected: Settings

  init(_ path: String, _ node: Node, _ variable: String?, _ change: (inout Settings) -> Void) {
    self.path = path
    self.node = node
    self.variable = variable
    var settings = defaults
    change(&settings)
    expected = settings
  }

  var testDescription: String { path }

  static let alice: Settings.User = {
    var user = Settings.User(name: "alice")
    user.passwordHash = hash
    user.totpSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    user.totpAlgorithm = .sha512
    user.totpDigits = .eight
    user.authorizedKeys = [key]
    user.shell = "/bin/bash"
    user.home = "/srv/alice"
    user.environment = [.init(name: "A", value: "1")]
    user.runAs = "www-data"
    user.sftpOnly = true
    user.root = "%h/files"
    user.isDisabled = true
    user.allowedAddresses = [range("192.0.2.0/24"), range("2001:db8::1")]
    user.methods = [.password]
    user.groups = ["staff"]
    user.maxSessions = 2
    return user
  }()
  static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE+/uOekOdqvRcV4lkLWkIvw1QIPY6JO1NLQRc0QT7nI alice"
  static let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

  static let block: Match = {
    var block = Match()
    block.users = [.init(NamePattern("ops-*")), .init(NamePattern("ops-1"), isNegated: true)]
    block.groups = [.init(NamePattern("staff"))]
    block.addresses = [.init(range("192.0.2.0/24"))]
    block.paths = ["shell.pty"]
    block.values.shell.pty = false
    return block
  }()

  /// A value for every key: one of those below, or else one that is derived from the row of the key.
  static let all = KeyTable.keys.map { key in written.first { $0.path == key.path } ?? Sample(givenBy: key) }

  /// A value other than the default, and the settings that the loader makes of it. Keys of types that are not supported
  /// here need one below.
  private init(givenBy key: Key) {
    let texts = key.valueSchema.values + ["/a", "a"]
    let loaded = texts.lazy.compactMap { text in
      (try? load(tree(key.path, plain(text)), on: Self.machine)).map { (text, $0.settings) }
    }
    guard let (text, settings) = loaded.first(where: { $0.1 != defaults }) else {
      fatalError("the key \(key.path) needs a sample")
    }
    path = key.path
    node = plain(text)
    variable = key.variables.isEmpty ? nil : text
    expected = settings
  }

  private static let written: [Sample] = [
    Sample("forwarding.connect_timeout", plain("1m"), "60s") { $0.forwarding.connectTimeout = 60 },
    Sample("forwarding.permit_open", list(plain("db:5432"), plain("10.0.0.0/8:*")), "db:5432, 10.0.0.0/8:*") {
      $0.forwarding.permitOpen = ["db:5432", "10.0.0.0/8:*"].map { try! ForwardingPlace(Array($0.utf8)) }
    },
    Sample("server.bind_address", list(plain("10.0.0.1"), plain("[::1]:22")), "10.0.0.1, [::1]:22") {
      $0.server.bindAddresses = [.init(address: "10.0.0.1", port: 2222), .init(address: "::1", port: 22)]
    },
    Sample("server.port", plain("22"), "22") {
      $0.server.bindAddresses = [.init(address: "0.0.0.0", port: 22), .init(address: "::", port: 22)]
    },
    Sample("server.host_keys", list(plain("/k/a"), plain("/k/rsa")), "/k/a,/k/rsa") {
      $0.server.hostKeys = ["/k/a", "/k/rsa"]
    },
    Sample("server.max_connections", plain("7"), "7") { $0.server.maxConnections = 7 },
    Sample("server.max_unauthenticated", plain("90"), "90") { $0.server.maxUnauthenticated = 90 },
    Sample("server.max_unauthenticated_per_source", plain("5"), "5") { $0.server.maxUnauthenticatedPerSource = 5 },
    Sample("server.timeout", plain("2h"), "7200s") { $0.server.loginGrace = 7200 },
    Sample("server.keepalive_interval", plain("0"), "0") { $0.server.keepaliveInterval = 0 },
    Sample("server.keepalive_count_max", plain("9"), "9") { $0.server.keepaliveCountMax = 9 },
    Sample("server.compression", plain("true"), "true") { $0.server.compression = true },
    Sample("server.maximum_packet_size", plain("4096"), "4KiB") { $0.server.maximumPacketSize = 4096 },
    Sample("server.window_size", plain("64MiB"), "67108864") { $0.server.windowSize = 64 << 20 },
    Sample("server.max_channels", plain("3"), "3") { $0.server.maxChannels = 3 },
    Sample("server.banner", plain("/etc/issue"), "/etc/issue") { $0.server.banner = "hello\n" },
    Sample("server.log_level", plain("warning"), "warning") { $0.server.logLevel = .warning },
    Sample("server.proxy_protocol.trusted", list(plain("10.0.0.0/8"), plain("::1")), "10.0.0.0/8, ::1") {
      $0.server.trustedProxies = [range("10.0.0.0/8"), range("::1")]
    },
    Sample("server.proxy_protocol.ignore_checks", plain("true"), "true") { $0.server.ignoresProxyChecks = true },
    Sample("server.spare_transports", plain("0"), "0") { $0.server.spareTransports = 0 },
    Sample("server.ciphers", list(plain("aes256-ctr")), "aes256-ctr") { $0.server.ciphers = ["aes256-ctr"] },
    Sample("server.kex", list(plain("ecdh-sha2-nistp256")), "ecdh-sha2-nistp256") {
      $0.server.keyExchanges = ["ecdh-sha2-nistp256"]
    },
    Sample("server.macs", list(plain("hmac-sha2-512"), plain("hmac-sha2-256")), "hmac-sha2-512,hmac-sha2-256") {
      $0.server.macs = ["hmac-sha2-512", "hmac-sha2-256"]
    },
    Sample("server.host_key_algorithms", list(plain("ssh-ed25519")), "ssh-ed25519") {
      $0.server.hostKeyAlgorithms = ["ssh-ed25519"]
    },
    Sample("server.publickey_algorithms", list(plain("ssh-ed25519")), "ssh-ed25519") {
      $0.server.publicKeyAlgorithms = ["ssh-ed25519"]
    },
    Sample("server.rekey.bytes", plain("64KiB"), "65536") { $0.server.rekeyBytes = 65536 },
    Sample("server.rekey.interval", plain("1d"), "86400") { $0.server.rekeyInterval = 86400 },
    Sample("auth.methods", list(plain("keyboard-interactive"), plain("publickey")), "keyboard-interactive,publickey") {
      $0.auth.methods = [.keyboardInteractive, .publicKey]
    },
    Sample("auth.required", list(list(plain("publickey"), plain("publickey"))), nil) {
      $0.auth.required = [[.publicKey, .publicKey]]
    },
    Sample("auth.permit_root", plain("no"), "no") { $0.auth.permitRoot = .no },
    Sample("auth.locked_accounts", plain("no"), "no") { $0.auth.lockedAccounts = .no },
    Sample("auth.allow_users", list(plain("anna"), plain("b*@192.0.2.0/24")), "anna, b*@192.0.2.0/24") {
      $0.auth.allowUsers = [users("anna"), users("b*@192.0.2.0/24")]
    },
    Sample("auth.deny_users", list(plain("anna@example.org")), "anna@example.org") {
      $0.auth.denyUsers = [users("anna@example.org")]
    },
    Sample("auth.allow_groups", list(plain("domain users"), plain("b*")), "domain users,b*") {
      $0.auth.allowGroups = [NamePattern("domain users"), NamePattern("b*")]
    },
    Sample("auth.deny_groups", list(plain("?")), "?") { $0.auth.denyGroups = [NamePattern("?")] },
    Sample("auth.publickey.authorized_keys_dir", plain("/keys"), "/keys") {
      $0.auth.authorizedKeysDirectory = "/keys"
      $0.auth.authorizedKeysPattern = nil
    },
    Sample("auth.publickey.authorized_keys_pattern", plain("/keys/{user}/%u"), "/keys/{user}/%u") {
      $0.auth.authorizedKeysPattern = "/keys/{user}/%u"
    },
    Sample("auth.publickey.trusted_user_ca_keys", plain("/cas"), "/cas") {
      $0.auth.trustedUserCAKeys = Array(key.utf8)
    },
    Sample("auth.publickey.authorized_principals_pattern", plain("%h/p"), "%h/p") {
      $0.auth.authorizedPrincipalsPattern = "%h/p"
    },
    Sample("auth.publickey.revoked_keys", plain("/revoked"), "/revoked") {
      $0.auth.revokedKeys = Array("# none\n".utf8)
    },
    Sample("auth.publickey.permit_user_environment", list(plain("LANG"), plain("X_*")), "LANG, X_*") {
      $0.auth.permittedUserEnvironment = ["LANG", "X_*"]
    },
    Sample("auth.password.users_file", plain("/users.yaml"), "/users.yaml") {
      $0.auth.users = [.init(name: "carol")]
    },
    Sample(
      "auth.password.users",
      list(
        mapping([
          "name": plain("alice"), "password_hash": quotedText(hash), "shell": plain("/bin/bash"),
          "totp_secret": plain("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "totp_algorithm": plain("sha512"),
          "totp_digits": plain("8"), "authorized_keys": list(plain(key)), "home": plain("/srv/alice"),
          "env": mapping(["A": plain("1")]), "run_as": plain("www-data"),
          "sftp_only": plain("true"), "root": plain("%h/files"), "disabled": plain("true"),
          "allowed_ips": list(plain("192.0.2.0/24"), plain("2001:db8::1")), "methods": list(plain("password")),
          "groups": list(plain("staff")), "max_sessions": plain("2"),
        ])), nil
    ) { $0.auth.users = [alice] },
    Sample("auth.password.minimum_time", plain("250ms"), "250ms") { $0.auth.minimumPasswordTime = 250 },
    Sample("shell.default", plain("/bin/bash"), "/bin/bash") { $0.shell.defaultShell = "/bin/bash" },
    Sample("shell.env", mapping(["TZ": plain("UTC"), "EMPTY": plain("")]), nil) {
      $0.shell.environment = [.init(name: "TZ", value: "UTC"), .init(name: "EMPTY", value: "")]
    },
    Sample("shell.accept_env", list(plain("LC_*"), plain("X?")), "LC_*, X?") {
      $0.shell.acceptEnvironment = ["LC_*", "X?"]
    },
    Sample("shell.enabled", plain("false"), "false") { $0.shell.enabled = false },
    Sample("shell.pty", plain("false"), "false") { $0.shell.pty = false },
    Sample("shell.umask", plain("077"), "0o077") { $0.shell.umask = 0o077 },
    Sample("shell.motd", plain("/etc/motd"), "/etc/motd") { $0.shell.motd = "/etc/motd" },
    Sample("shell.max_processes", plain("0"), "0") { $0.shell.maxProcesses = 0 },
    Sample("shell.command_timeout", plain("15m"), "900") { $0.shell.commandTimeout = 900 },
    Sample("shell.allowed_commands", list(plain("uptime"), plain("git-*")), "uptime,git-*") {
      $0.shell.allowedCommands = ["uptime", "git-*"]
    },
    Sample("shell.blocked_commands", list(plain("*sudo*")), "*sudo*") { $0.shell.blockedCommands = ["*sudo*"] },
    Sample("shell.forced_command", plain("internal-sftp -R"), "internal-sftp -R") {
      $0.shell.forcedCommand = "internal-sftp -R"
    },
    Sample("sftp.enabled", plain("false"), "false") { $0.sftp.enabled = false },
    Sample("sftp.root", plain("/srv/%u/100%%"), "/srv/%u/100%%") {
      $0.sftp.root = "/srv/%u/100%%"
    },
    Sample("sftp.read_only", plain("true"), "true") { $0.sftp.readOnly = true },
    Sample("sftp.umask", plain("027"), "0027") { $0.sftp.umask = 0o027 },
    Sample("sftp.max_file_size", plain("1GiB"), "1073741824") { $0.sftp.maxFileSize = 1 << 30 },
    Sample("sftp.max_handles", plain("1"), "1") { $0.sftp.maxHandles = 1 },
    Sample("scp.enabled", plain("false"), "false") { $0.scp.enabled = false },
    Sample("scp.root", plain("%h"), "%h") { $0.scp.root = "%h" },
    Sample("scp.max_file_size", plain("5"), "5B") { $0.scp.maxFileSize = 5 },
    Sample("filter.enabled", plain("true"), "true") { $0.filter.isEnabled = true },
    Sample("filter.default_action", plain("deny"), "deny") { $0.filter.defaultAction = .deny },
    Sample("filter.rules", list(mapping(["extensions": list(plain("exe")), "action": plain("log")])), nil) {
      var rule = FilterRule(action: .log)
      rule.matcher.extensions = ["exe"]
      $0.filter.rules = [rule]
    },
    Sample("audit.enabled", plain("false"), "false") { $0.audit.enabled = false },
    Sample(
      "audit.exporters",
      list(
        mapping(["type": plain("file"), "path": plain("/a"), "mode": plain("0640")]),
        mapping(["type": plain("logstash"), "host": plain("l")])), nil
    ) {
      var file = Settings.Audit.File()
      file.path = "/a"
      file.mode = 0o640
      var logstash = LogstashSettings()
      logstash.host = "l"
      $0.audit.exporters = [.file(file), .logstash(logstash)]
    },
    Sample("audit.buffer_size", plain("5000"), "5000") { $0.audit.bufferSize = 5000 },
    Sample("audit.batch_size", plain("1"), "1") { $0.audit.batchSize = 1 },
    Sample("audit.flush_interval", plain("1m"), "60") { $0.audit.flushInterval = 60 },
    Sample("audit.on_failure", plain("refuse"), "refuse") { $0.audit.onFailure = .refuse },
    Sample("audit.rescue_users", list(plain("root"), plain("alice")), "root, alice") {
      $0.audit.rescueUsers = ["root", "alice"]
    },
    Sample("audit.verbose_io", plain("true"), "true") { $0.audit.verboseIO = true },
    Sample("audit.recording.enabled", plain("true"), "true") { $0.audit.recording.enabled = true },
    Sample("audit.recording.directory", plain("/r"), "/r") { $0.audit.recording.directory = "/r" },
    Sample("audit.recording.users", list(plain("ops-*")), "ops-*") {
      $0.audit.recording.users = [NamePattern("ops-*")]
    },
    Sample("audit.recording.input", plain("true"), "true") { $0.audit.recording.input = true },
    Sample("audit.login_records", plain("false"), "false") { $0.audit.loginRecords = false },
    Sample("security.allowed_ips", list(plain("10.0.0.0/8"), plain("::1")), "10.0.0.0/8, ::1") {
      $0.security.allowedIPs = [range("10.0.0.0/8"), range("::1")]
    },
    Sample("security.blocked_ips", list(quotedText("2001:db8::/32")), "2001:db8::/32") {
      $0.security.blockedIPs = [range("2001:db8::/32")]
    },
    Sample("security.whitelist_ips", list(plain("::ffff:192.0.2.1")), "192.0.2.1") {
      $0.security.whitelistIPs = [range("192.0.2.1")]
    },
    Sample("security.max_auth_attempts", plain("0"), "0") { $0.security.maxAuthAttempts = 0 },
    Sample("security.max_key_failures", plain("0"), "0") { $0.security.maxKeyFailures = 0 },
    Sample("security.auth_window", plain("10m"), "600") { $0.security.authWindow = 600 },
    Sample("security.ban_time", plain("1h"), "3600") { $0.security.banTime = 3600 },
    Sample("security.ban_factor", plain("1"), "1") { $0.security.banFactor = 1 },
    Sample("security.ban_max", plain("7d"), "604800") { $0.security.banMax = 604_800 },
    Sample("security.ban_state_file", plain("/srv/bans"), "/srv/bans") { $0.security.banStateFile = "/srv/bans" },
    Sample("security.rate_limit.per_second", plain("0"), "0") { $0.security.connectionsPerSecond = 0 },
    Sample("security.rate_limit.burst", plain("5"), "5") { $0.security.connectionBurst = 5 },
    Sample("security.max_sessions_per_user", plain("1"), "1") { $0.security.maxSessionsPerUser = 1 },
    Sample("security.idle_timeout", plain("1h"), "3600s") { $0.security.idleTimeout = 3600 },
    Sample("security.session_timeout", plain("365d"), "31536000") { $0.security.sessionTimeout = 31_536_000 },
    Sample(
      "match",
      list(
        mapping([
          "users": list(plain("ops-*"), quotedText("!ops-1")), "groups": list(plain("staff")),
          "addresses": list(plain("192.0.2.0/24")), "shell": mapping(["pty": plain("false")]),
        ])), nil
    ) { $0.matches = [block] },
  ]

  /// A machine with the files `/etc/issue` and `/users.yaml`.
  static var machine: HostEnvironment {
    var hostEnvironment = ConfigurationTests.machine(files: [
      "/etc/issue": .init(bytes: Array("hello\n".utf8), isReadableByOthers: true),
      "/cas": .init(bytes: Array(Sample.key.utf8), isReadableByOthers: true),
      "/revoked": .init(bytes: Array("# none\n".utf8), isReadableByOthers: true),
      "/users.yaml": .init(bytes: [], isReadableByOthers: false),
    ])
    hostEnvironment.parse = { _, _ in .success(tree("users", list(mapping(["name": plain("carol")])))) }
    return hostEnvironment
  }
}

@Suite struct KeyTableTests {
  @Test func `no two keys set the same property`() {
    let all = Sample.all
    for (index, sample) in all.enumerated() {
      for other in all.dropFirst(index + 1) {
        #expect(sample.expected != other.expected, "\(sample.path) and \(other.path)")
      }
    }
  }

  @Test(arguments: Sample.all)
  func `a value in the file is in the settings`(sample: Sample) throws {
    let isHostKeys = sample.path == "server.host_keys"
    let loaded = try load(
      tree(sample.path, sample.node), hostKey: isHostKeys ? nil : "/k/ed25519", on: Sample.machine)
    #expect(loaded.settings == sample.expected)
    #expect(loaded.settings != defaults)
  }

  @Test(arguments: Sample.all)
  func `a value in the environment is in the settings`(sample: Sample) throws {
    let key = try #require(KeyTable.keys.first { $0.path == sample.path })
    guard let text = sample.variable else {
      #expect(key.variables.isEmpty)
      return
    }
    let expected = "BSSH_" + sample.path.uppercased().split(separator: ".").joined(separator: "_")
    #expect(key.variables.first == expected)
    for variable in key.variables {
      let isHostKeys = sample.path == "server.host_keys"
      let loaded = try load(
        environment: [variable: text], hostKey: isHostKeys ? nil : "/k/ed25519", on: Sample.machine)
      #expect(loaded.settings == sample.expected)
    }
  }

  @Test(arguments: Sample.all)
  func `a value is sent to other processes`(sample: Sample) throws {
    let bytes = sample.expected.wireBytes
    #expect(try Settings(wireBytes: bytes[...]) == sample.expected)
    #expect(bytes != defaults.wireBytes)
  }

  @Test func `without a file every key has its default`() throws {
    #expect(try load().settings == defaults)
  }

  @Test func `the other variables are those of bssh`() {
    let aliases = KeyTable.keys.flatMap { $0.variables.dropFirst() }
    #expect(
      Set(aliases) == [
        "BSSH_PORT", "BSSH_BIND_ADDRESS", "BSSH_HOST_KEY", "BSSH_MAX_CONNECTIONS", "BSSH_KEEPALIVE_INTERVAL",
        "BSSH_AUTHORIZED_KEYS_DIR", "BSSH_AUTHORIZED_KEYS_PATTERN", "BSSH_SHELL", "BSSH_COMMAND_TIMEOUT",
        "BSSH_COMPRESSION", "BSSH_MAX_PACKET_SIZE", "BSSH_WINDOW_SIZE",
      ])
  }

  @Test func `auth.methods has only the variable derived from its path`() {
    #expect(KeyTable.keys.first { $0.path == "auth.methods" }?.variables == ["BSSH_AUTH_METHODS"])
  }

  @Test func `no two keys share a variable`() {
    let variables = KeyTable.keys.flatMap(\.variables)
    #expect(Set(variables).count == variables.count)
  }
}

extension JSONSchema {
  /// Valid scalars: both ends of a range, every choice.
  fileprivate var values: [String] {
    guard case .object(let members) = self else { return [] }
    return members.flatMap { name, part -> [String] in
      switch (name, part) {
      case ("minimum", .literal(let text)), ("maximum", .literal(let text)): [text]
      case ("type", .text("boolean")): ["true", "false"]
      case ("enum", .array(let items)):
        items.compactMap { if case .text(let text) = $0 { text } else { nil } }
      case ("anyOf", .array(let parts)): parts.flatMap(\.values)
      default: []
      }
    }
  }
}
