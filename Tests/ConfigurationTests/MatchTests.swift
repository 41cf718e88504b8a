import AccessControl
import Authentication
import Configuration
import Filter
import Testing
import Wire

/// A login attempt, as match blocks see it.
func attempt(_ user: String, _ groups: String..., from address: String = "192.0.2.7") -> LoginAttempt {
  guard let address = IPAddress(address) else { fatalError("\(address) is no address") }
  return LoginAttempt(user: user, address: address, groups: Set(groups.map { NamePattern($0) }))
}

@Suite struct MatchTests {
  private static func matches(_ blocks: Node...) throws -> Settings {
    try load(mapping(["match": Node(.sequence(blocks))])).settings
  }

  private static let change = mapping(["pty": plain("false")])

  /// A condition, a login attempt, and whether a block with the condition applies to it.
  static let conditions: [(condition: String, node: Node, attempt: LoginAttempt, holds: Bool)] = [
    ("users", list(plain("anna")), attempt("anna"), true),
    ("users", list(plain("anna")), attempt("Anna"), false),
    ("users", list(plain("bert"), plain("an*")), attempt("anna"), true),
    ("users", list(plain("*"), quotedText("!anna")), attempt("anna"), false),
    ("users", list(quotedText("!anna"), plain("*")), attempt("anna"), false),
    ("users", list(plain("*"), quotedText("!anna")), attempt("bert"), true),
    ("users", list(quotedText("!a*"), plain("anna")), attempt("anna"), false),
    ("groups", list(plain("staff")), attempt("anna", "staff"), true),
    ("groups", list(plain("staff")), attempt("anna"), false),
    ("groups", list(plain("staff"), plain("s*")), attempt("anna", "s*"), true),
    ("groups", list(plain("*"), quotedText("!staff")), attempt("anna", "*", "staff"), false),
    ("groups", list(plain("*"), quotedText("!staff")), attempt("anna", "*"), true),
    ("addresses", list(plain("192.0.2.0/24")), attempt("anna"), true),
    ("addresses", list(plain("192.0.2.8")), attempt("anna"), false),
    ("addresses", list(plain("::/0")), attempt("anna"), false),
    ("addresses", list(plain("2001:db8::/32")), attempt("anna", from: "2001:db8::1"), true),
    ("addresses", list(plain("::ffff:192.0.2.7")), attempt("anna"), true),
    ("addresses", list(plain("192.0.2.0/24"), quotedText("!192.0.2.7")), attempt("anna"), false),
    ("addresses", list(plain("192.0.2.0/24"), quotedText("!192.0.2.8")), attempt("anna"), true),
  ]

  @Test func `match conditions select only the logins they name`() throws {
    for (condition, node, attempt, holds) in Self.conditions {
      let settings = try Self.matches(mapping([condition: node, "shell": Self.change]))
      #expect(settings.matching(attempt) == (holds ? [0] : []), "\(condition) \(node) \(attempt)")
      #expect(settings.effective(for: attempt).shell.pty == !holds)
    }
  }

  @Test(arguments: [
    ("anna", ["staff"], "192.0.2.7", true), ("bert", ["staff"], "192.0.2.7", false),
    ("anna", [], "192.0.2.7", false), ("anna", ["staff"], "198.51.100.7", false),
  ])
  func `all conditions of a block must be met`(user: String, groups: [String], address: String, holds: Bool) throws {
    let settings = try Self.matches(
      mapping([
        "users": list(plain("anna")), "groups": list(plain("staff")), "addresses": list(plain("192.0.2.0/24")),
        "shell": Self.change,
      ]))
    var someone = attempt(user, from: address)
    someone.groups = Set(groups.map { NamePattern($0) })
    #expect(settings.effective(for: someone).shell.pty == !holds)
  }

  @Test func `of several blocks the later one wins, for each key`() throws {
    let settings = try Self.matches(
      mapping([
        "users": list(plain("*")), "shell": mapping(["umask": plain("077"), "pty": plain("false")]),
        "sftp": mapping(["read_only": plain("true")]),
      ]),
      mapping(["users": list(plain("bert")), "shell": mapping(["enabled": plain("false")])]),
      mapping([
        "users": list(plain("an*")), "shell": mapping(["umask": plain("027"), "pty": plain("true")]),
      ]))
    let anna = settings.effective(for: attempt("anna"))
    #expect(settings.matching(attempt("anna")) == [0, 2])
    #expect(anna.shell.umask == 0o027 && anna.shell.pty && anna.shell.enabled && anna.sftp.readOnly)
    let bert = settings.effective(for: attempt("bert"))
    #expect(bert.shell.umask == 0o077 && !bert.shell.pty && !bert.shell.enabled && bert.sftp.readOnly)
  }

  @Test func `a key that no block sets keeps its value`() throws {
    var expected = try Self.matches(mapping(["users": list(plain("anna")), "shell": Self.change]))
    let someone = expected.effective(for: attempt("anna"))
    expected.shell.pty = false
    #expect(someone == expected)
  }

  @Test(arguments: Sample.all.filter { $0.path != "match" })
  func `a block can set exactly the keys that are allowed in blocks`(sample: Sample) throws {
    let root = mapping([
      "match": list(
        Node(.mapping([.init(key: "users", position: nil, value: list(plain("anna")))] + entries(sample))))
    ])
    let cannot: Set = [
      "auth.password.users", "auth.password.users_file", "auth.password.minimum_time",
    ]
    let isLimit = sample.path.hasPrefix("security.") && !sample.path.hasSuffix("timeout")
    let isAudit = sample.path.hasPrefix("audit.") && !sample.path.hasPrefix("audit.recording.")
    guard !sample.path.hasPrefix("server."), !isLimit, !isAudit, !cannot.contains(sample.path) else {
      let complaints = complaints(root, on: Sample.machine)
      #expect(complaints.count == 1)
      #expect(complaints.first?.hasPrefix("f.yaml: match[0].\(sample.path): is not allowed in a block: it ") == true)
      return
    }
    let settings = try load(root, on: Sample.machine).settings
    var expected = sample.expected
    expected.matches = settings.matches
    #expect(settings.effective(for: attempt("anna")) == expected)
    expected = defaults
    expected.matches = settings.matches
    #expect(settings.effective(for: attempt("bert")) == expected)
    #expect(settings == expected)
    var received = try Settings(wireBytes: settings.wireBytes[...]).effective(for: attempt("anna"))
    // The paths of files are not sent.
    received.matches = settings.matches
    #expect(received == settings.effective(for: attempt("anna")))
  }

  private func entries(_ sample: Sample) -> [Node.Entry] {
    guard case .mapping(let entries) = tree(sample.path, sample.node).content else { return [] }
    return entries
  }

  @Test func `a directory of keys in a block replaces the pattern outside of it`() throws {
    let directory = mapping(["publickey": mapping(["authorized_keys_dir": plain("/keys")])])
    let settings = try Self.matches(mapping(["users": list(plain("anna")), "auth": directory]))
    let auth = settings.effective(for: attempt("anna")).auth
    #expect(auth.authorizedKeysDirectory == "/keys" && auth.authorizedKeysPattern == nil)
  }

  @Test func `the patterns of groups are collected from lists and blocks, each once`() throws {
    let root = mapping([
      "auth": mapping(["allow_groups": list(plain("staff")), "deny_groups": list(plain("bad"))]),
      "match": list(
        mapping([
          "groups": list(plain("*"), quotedText("!staff")),
          "auth": mapping(["deny_groups": list(plain("worse"), plain("bad"))]),
        ])),
    ])
    #expect(try load(root).settings.groupPatterns.map(\.description) == ["bad", "staff", "*", "worse"])
  }

  static let faults: [(node: Node, complaint: String)] = [
    (plain("x"), "match: expected a list of blocks, found 'x'"),
    (list(plain("x")), "match[0]: expected a block with conditions and keys, found 'x'"),
    (
      list(mapping(["shell": change])),
      "match[0]: the block has no condition (users, groups, addresses); keys for all users are set outside of match"
    ),
    (list(mapping(["users": list(plain("a"))])), "match[0]: the block changes nothing: it has only conditions"),
    (
      list(mapping(["user": list(plain("a")), "groups": list(plain("a"))])),
      "match[0].user: unknown key; did you mean 'users'?"
    ),
    (
      list(mapping(["users": list(plain("a")), "shell": mapping(["ptty": plain("false")])])),
      "match[0].shell.ptty: unknown key; did you mean 'pty'?"
    ),
    (
      list(mapping(["users": list(plain("a")), "shell": mapping(["pty": plain("no")])])),
      "match[0].shell.pty: expected true or false, found 'no'"
    ),
    (
      list(mapping(["users": list(plain("a")), "pty": plain("false")])),
      "match[0].pty: unknown key; did you mean 'shell.pty'?"
    ),
    (
      list(mapping(["users": list(plain("a")), "auth": tree("publickey.trusted_user_ca_keys", plain("/missing"))])),
      "match[0].auth.publickey.trusted_user_ca_keys: cannot read '/missing': No such file or directory"
    ),
    (
      list(mapping(["users": list(plain("a")), "match": list()])),
      "match[0].match: is not allowed in a block: it is the same for all connections, and in use before "
        + "the user is known"
    ),
    (
      list(mapping(["users": list(plain("a")), "users": list(plain("b")), "shell": change])),
      "match[0].users: given twice"
    ),
    (
      list(mapping(["users": list(plain("a")), "shell": change, "shell": change])), "match[0].shell: given twice"
    ),
    (
      list(mapping(["users": list(), "shell": change])),
      "match[0].users: expected a list of names and patterns of users, found an empty one"
    ),
    (
      list(mapping(["users": list(quotedText("!a")), "shell": change])),
      "match[0].users: nothing can match: '!' only excludes from other entries, such as '*'"
    ),
    (
      list(mapping(["addresses": list(plain("192.0.2.1/24")), "shell": change])),
      "match[0].addresses[0]: '192.0.2.1/24' has bits set after its prefix; the range around this address is "
        + "192.0.2.0/24"
    ),
    (
      list(mapping(["users": list(plain("a")), "shell": mapping(["default": plain("/bin/missing")])])),
      "match[0].shell.default: '/bin/missing' is not an executable file"
    ),
  ]

  @Test func `a fault in a block is reported with its place`() {
    for (node, complaint) in Self.faults {
      #expect(complaints(mapping(["match": node])) == ["f.yaml: \(complaint)"])
    }
  }

  @Test func `group patterns that do not fit into a message are refused`() {
    let names = (0..<200).map { plain(String(repeating: "g", count: 200) + "\($0)") }
    let complaint = complaints(mapping(["auth": mapping(["deny_groups": Node(.sequence(names))])])).first
    #expect(
      complaint?.hasPrefix("f.yaml: auth.allow_groups: names and patterns of groups in all lists and blocks have ")
        == true)
  }

  @Test func `too many blocks are refused`() {
    let block = mapping(["users": list(plain("a")), "shell": Self.change])
    #expect(
      complaints(mapping(["match": Node(.sequence(Array(repeating: block, count: 257)))]))
        == ["f.yaml: match: expected at most 256 blocks, found 257"])
  }

  @Test func `encoded blocks with unknown or forbidden keys are refused`() throws {
    for path in ["server.port", "no.key", "match"] {
      var settings = Settings()
      settings.matches = [Sample.block]
      settings.matches[0].paths = [path]
      #expect(throws: WireError.malformed) { try Settings(wireBytes: settings.wireBytes[...]) }
    }
  }

  @Test func `what a block can change causes no warning`() throws {
    let root = mapping([
      "auth": mapping([
        "password": mapping(["users": list(mapping(["name": plain("a"), "password_hash": quotedText(Sample.hash)]))])
      ]),
      "match": list(
        mapping(["users": list(plain("a")), "auth": mapping(["methods": list(plain("password"))])])),
    ])
    #expect(try load(root).warnings == [])
  }
}
