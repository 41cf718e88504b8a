import Configuration
import Filter
import Testing

/// Compares our configuration with that of bssh's server 2.4.1, as documented: the keys, their types and which may be
/// `null`, the variables, and the values that it clamps.
@Suite struct BsshTests {
  /// A key of bssh.
  struct BsshKey: Sendable, CustomTestStringConvertible {
    let path: String
    /// The default as bssh's gen-config writes it: a number, a word, `null`, `[]`, `{}`.
    let standard: String
    /// Other values that bssh accepts; `[a]` is a list, `{A: b}` a mapping.
    let others: [String]
    var variable: String?

    init(_ path: String, _ standard: String, _ others: [String], _ variable: String? = nil) {
      (self.path, self.standard, self.others, self.variable) = (path, standard, others, variable)
    }

    var testDescription: String { path }
  }

  /// Whole numbers of 32 and 64 bits.
  private static let (word, long) = (["7", "\(UInt32.max)"], ["7", "\(UInt64.max)"])

  static let keys: [BsshKey] = [
    BsshKey("server.bind_address", "0.0.0.0", ["127.0.0.1", "::1"], "BSSH_BIND_ADDRESS"),
    BsshKey("server.port", "2222", ["1", "65535"], "BSSH_PORT"),
    BsshKey("server.host_keys", "[]", ["[/k/other]"], "BSSH_HOST_KEY"),
    BsshKey("server.max_connections", "100", long, "BSSH_MAX_CONNECTIONS"),
    BsshKey("server.timeout", "300", long),
    BsshKey("server.keepalive_interval", "60", long, "BSSH_KEEPALIVE_INTERVAL"),
    BsshKey("server.compression", "false", ["true"], "BSSH_COMPRESSION"),
    BsshKey("server.maximum_packet_size", "65535", word, "BSSH_MAX_PACKET_SIZE"),
    BsshKey("server.window_size", "8388608", word, "BSSH_WINDOW_SIZE"),
    BsshKey("auth.methods", "[publickey]", ["[password]", "[publickey, password]"], "BSSH_AUTH_METHODS"),
    BsshKey("auth.publickey.authorized_keys_dir", "null", ["/keys"], "BSSH_AUTHORIZED_KEYS_DIR"),
    BsshKey("auth.publickey.authorized_keys_pattern", "null", ["/keys/{user}"], "BSSH_AUTHORIZED_KEYS_PATTERN"),
    BsshKey("auth.password.users_file", "null", ["/users.yaml"]),
    BsshKey("auth.password.users", "[]", []),
    BsshKey("shell.default", "/bin/sh", ["/bin/zsh"], "BSSH_SHELL"),
    BsshKey("shell.env", "{}", ["{A: b}"]),
    BsshKey("shell.command_timeout", "3600", long, "BSSH_COMMAND_TIMEOUT"),
    BsshKey("sftp.enabled", "true", ["false"]),
    BsshKey("sftp.root", "null", ["/srv"]),
    BsshKey("scp.enabled", "true", ["false"]),
    BsshKey("scp.root", "null", ["/srv"]),
    BsshKey("filter.enabled", "false", ["true"]),
    BsshKey("filter.default_action", "null", ["deny", "log"]),
    BsshKey("filter.rules", "[]", []),
    BsshKey("audit.enabled", "false", []),
    BsshKey("audit.exporters", "[]", []),
    BsshKey("security.max_auth_attempts", "5", word),
    BsshKey("security.auth_window", "300", long),
    BsshKey("security.ban_time", "300", long),
    BsshKey("security.whitelist_ips", "[]", ["[192.0.2.1]", "[::1]"]),
    BsshKey("security.max_sessions_per_user", "10", long),
    BsshKey("security.idle_timeout", "3600", long),
    BsshKey("security.session_timeout", "0", long),
    BsshKey("security.allowed_ips", "[]", ["[192.0.2.0/24]", "[192.0.2.1]"]),
    BsshKey("security.blocked_ips", "[]", ["[2001:db8::/32]"]),
  ]

  private func node(_ text: String) -> Node {
    let inner = text.dropFirst().dropLast()
    switch text.first {
    case "[": return Node(.sequence(inner.split(separator: ",").map { plain($0.trimmingPrefix(" ").description) }))
    case "{" where inner.isEmpty: return mapping([:])
    case "{": return mapping(["A": plain("b")])
    default: return plain(text)
    }
  }

  /// Loads one value, with a host key from an option unless the value is one.
  private func load(_ path: String, _ node: Node) throws(Rejected) -> Loaded {
    var hostEnvironment = machine(files: ["/users.yaml": .init(bytes: [], isReadableByOthers: false)])
    hostEnvironment.parse = { _, _ in .success(plain("")) }
    let isKeys = path == "server.host_keys" && node != list()
    return try ConfigurationTests.load(tree(path, node), hostKey: isKeys ? nil : "/k/ed25519", on: hostEnvironment)
  }

  @Test(arguments: keys)
  func `every key of bssh exists and accepts the default as bssh writes it`(key: BsshKey) throws {
    #expect(KeyTable.keys.contains { $0.path == key.path })
    #expect(throws: Never.self) { try load(key.path, node(key.standard)) }
  }

  @Test(arguments: keys) func `the values that a key of bssh accepts have an effect`(key: BsshKey) throws {
    let before = try ConfigurationTests.load().choices
    for value in key.others {
      let after = try load(key.path, node(value))
      #expect(after.choices != before, "\(value)")
    }
  }

  @Test(arguments: keys.filter { $0.standard == "null" })
  func `keys that may be null in bssh may be null`(key: BsshKey) throws {
    for null in ["null", "~", ""] { #expect(throws: Never.self) { try load(key.path, plain(null)) } }
  }

  @Test func `the default action null allows files, as in bssh`() throws {
    #expect(try load("filter.default_action", plain("null")).settings.filter.defaultAction == .allow)
    #expect(try load("filter.default_action", plain("~")).settings.filter.defaultAction == .allow)
  }

  @Test(arguments: keys.filter { $0.variable != nil })
  func `a variable of bssh sets the same key`(key: BsshKey) throws {
    let variable = try #require(key.variable)
    #expect(KeyTable.keys.first { $0.path == key.path }?.variables.contains(variable) == true)
  }

  @Test func `each variable of bssh's server is in the table`() {
    let names = Set(Self.keys.compactMap(\.variable))
    #expect(
      names == [
        "BSSH_PORT", "BSSH_BIND_ADDRESS", "BSSH_HOST_KEY", "BSSH_MAX_CONNECTIONS", "BSSH_KEEPALIVE_INTERVAL",
        "BSSH_COMPRESSION", "BSSH_MAX_PACKET_SIZE", "BSSH_WINDOW_SIZE", "BSSH_AUTH_METHODS",
        "BSSH_AUTHORIZED_KEYS_DIR", "BSSH_AUTHORIZED_KEYS_PATTERN", "BSSH_SHELL", "BSSH_COMMAND_TIMEOUT",
      ])
    let loaded = try? ConfigurationTests.load(environment: [
      "BSSH_COMPRESSION": "true", "BSSH_MAX_PACKET_SIZE": "40000", "BSSH_WINDOW_SIZE": "131072",
    ])
    #expect(loaded?.settings.server.compression == true)
    #expect(loaded?.settings.server.maximumPacketSize == 40000)
    #expect(loaded?.settings.server.windowSize == 131_072)
  }

  @Test(arguments: [
    "BSSH_PASSWORD", "BSSH_SUDO_PASSWORD", "BSSH_CONFIG", "BSSH_PDSH_COMPAT", "BSSH_MAX_JUMP_HOSTS",
    "BSSH_CURRENT_CLUSTER", "BSSH_CLUSTER_GROUPS", "BSSH_PARALLEL", "BSSH_CONNECT_TIMEOUT", "BSSH_CACHE_ENABLED",
    "BSSH_CACHE_SIZE", "BSSH_CACHE_TTL", "BSSH_ENV_CACHE_ENABLED", "BSSH_ENV_CACHE_SIZE", "BSSH_ENV_CACHE_TTL",
    "BSSH_FORWARD_BUFFER", "BSSH_FORWARD_RETRIES", "BSSH_FORWARD_TIMEOUT", "BSSH_TUI_LOG_MAX_ENTRIES",
    "BSSH_CERT_AUTHORITY_POLICY",
  ])
  func `a variable of bssh's client is ignored without an error`(name: String) throws {
    #expect(!KeyTable.keys.contains { $0.variables.contains(name) })
    #expect(try ConfigurationTests.load(environment: [name: "x"]).settings == defaults)
    #expect(complaints(environment: [name + "S": "x"]).count == 1)
  }

  // MARK: Values that are clamped

  @Test(arguments: [
    ("server.maximum_packet_size", "0", "4096", "a size from 4KiB to 65535B"),
    ("server.maximum_packet_size", "4095", "4096", "a size from 4KiB to 65535B"),
    ("server.maximum_packet_size", "65536", "65535", "a size from 4KiB to 65535B"),
    ("server.maximum_packet_size", "128KiB", "65535", "a size from 4KiB to 65535B"),
    ("server.window_size", "1", "32768", "a size from 32KiB to 64MiB"),
    ("server.window_size", "4294967295", "67108864", "a size from 32KiB to 64MiB"),
    ("server.max_connections", "1000000", "65536", "a whole number from 1 to 65536"),
    ("server.timeout", "86401", "86400", "a duration from 0 to 1d (0 is no limit)"),
    ("security.max_sessions_per_user", "0", "1", "a whole number from 1 to 65536"),
    ("security.max_auth_attempts", "4294967295", "1000", "a whole number from 0 to 1000"),
    ("security.auth_window", "0", "1", "a duration from 1s to 365d"),
    ("security.ban_time", "0", "1", "a duration from 1s to 365d"),
    ("shell.command_timeout", "99999999999", "31536000", "a duration from 0 to 365d (0 is no limit)"),
  ])
  func `a number that is out of our range is clamped, with a warning that states place and value`(
    path: String, given: String, used: String, form: String
  ) throws {
    let position = Node.Position(line: 4, column: 9)
    let loaded = try load(path, Node(.scalar(given, plain: true), at: position))
    #expect(loaded.settings == (try load(path, plain(used))).settings)
    let warning = try #require(loaded.warnings.first { $0.reason.contains("out of range") })
    #expect(warning.source == .file("f.yaml") && warning.position == position && warning.key == path)
    #expect(warning.reason.hasPrefix("\(given) is out of range, ") && warning.reason.hasSuffix("expected \(form)"))
  }

  @Test func `a variable is clamped too, and text that is not a number is an error`() throws {
    let loaded = try ConfigurationTests.load(environment: ["BSSH_MAX_PACKET_SIZE": "1"])
    #expect(loaded.settings.server.maximumPacketSize == 4096)
    #expect(
      loaded.warnings.map(\.description) == [
        "BSSH_MAX_PACKET_SIZE: server.maximum_packet_size: 1 is out of range, 4KiB is used: expected a size from "
          + "4KiB to 65535B"
      ])
    for value in ["-1", "many", "", "4294967296", "1.5"] {
      #expect(complaints(environment: ["BSSH_MAX_PACKET_SIZE": value]).count == 1, "\(value)")
    }
  }

  @Test func `a window has room for at least one packet`() throws {
    let loaded = try ConfigurationTests.load(
      tree("server", mapping(["maximum_packet_size": plain("65535"), "window_size": plain("40000")])))
    #expect(loaded.settings.server.windowSize == 65535)
    #expect(
      loaded.warnings.map(\.description) == [
        "f.yaml: server.window_size: less than one packet: 65535, as in server.maximum_packet_size, is used"
      ])
  }

  @Test(arguments: ["server.port", "server.max_unauthenticated", "security.ban_factor", "server.spare_transports"])
  func `a key that bssh does not clamp is not clamped`(path: String) {
    #expect(complaints(tree(path, plain("99999999"))).count == 1)
  }

  // MARK: Rules

  private let nulls: [String] = [
    "name", "pattern", "path_prefix", "extensions", "directory", "min_size", "max_size", "composite", "operations",
    "users",
  ]

  @Test func `a key of a rule that is null is ignored`() throws {
    var entries = nulls.map { Node.Entry(key: $0, position: nil, value: plain("null")) }
    entries[1].value = quotedText("*.exe")
    entries.append(.init(key: "action", position: nil, value: plain("deny")))
    let rules = try load("filter.rules", list(Node(.mapping(entries)))).settings.filter.rules
    #expect(
      rules
        == (try load("filter.rules", list(mapping(["pattern": quotedText("*.exe"), "action": plain("deny")])))).settings
        .filter.rules)
    #expect(rules.count == 1)
  }

  @Test func `a rule without conditions or action is an error`() {
    let entries = nulls.map { Node.Entry(key: $0, position: nil, value: plain("null")) }
    let action = Node.Entry(key: "action", position: nil, value: plain("deny"))
    #expect(complaints(tree("filter.rules", list(Node(.mapping(entries + [action]))))).count == 1)
    let none = Node.Entry(key: "action", position: nil, value: plain("null"))
    let pattern = Node.Entry(key: "pattern", position: nil, value: plain("x"))
    #expect(complaints(tree("filter.rules", list(Node(.mapping([pattern, none]))))).count == 1)
    #expect(complaints(tree("filter.rules", list(Node(.mapping([pattern, action, pattern]))))).count == 1)
  }

  @Test func `composites are accepted as bssh writes them`() throws {
    let matcher = mapping([
      "pattern": quotedText("*.env"), "path_prefix": plain("null"), "extensions": plain("null"),
      "directory": plain("null"), "not": plain("null"),
    ])
    let negated = mapping([
      "pattern": plain("null"), "not": mapping(["path_prefix": quotedText("/home"), "not": plain("null")]),
    ])
    let both = mapping(["type": plain("and"), "matchers": list(matcher, negated), "matcher": plain("null")])
    let not = mapping(["type": plain("not"), "matchers": list(), "matcher": matcher])
    for composite in [both, not] {
      let rule = mapping(["pattern": plain("null"), "composite": composite, "action": plain("deny")])
      #expect(try load("filter.rules", list(rule)).settings.filter.rules.first?.matcher.composite != nil)
    }
  }

  @Test(arguments: [
    "upload", "download", "delete", "rename", "createdir", "mkdir", "listdir", "readdir", "stat", "setstat", "symlink",
    "readlink", "Upload",
  ])
  func `every operation of bssh exists`(name: String) {
    #expect(FilterOperation(name: name) != nil)
  }

  @Test func `users and exporters are written as in bssh`() throws {
    let user = mapping([
      "name": plain("a"), "password_hash": quotedText(Sample.hash), "shell": plain("null"), "home": plain("null"),
      "env": mapping([:]),
    ])
    #expect(try load("auth.password.users", list(user)).settings.auth.users.first?.name == "a")
    let exporters = list(
      mapping(["type": plain("file"), "path": plain("/j")]),
      mapping(["type": plain("otel"), "endpoint": quotedText("http://localhost:4317")]),
      mapping(["type": plain("logstash"), "host": plain("localhost"), "port": plain("5044")]))
    #expect(try load("audit.exporters", exporters).settings.audit.exporters.count == 3)
  }
}
