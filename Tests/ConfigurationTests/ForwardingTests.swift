import AccessControl
import Filter
import IPC
import Model
import Testing
import Wire

@testable import Configuration

@Suite struct ForwardingTests {
  // MARK: Values

  private static func place(_ text: String) -> ForwardingPlace { try! ForwardingPlace(Array(text.utf8)) }

  @Test(
    arguments: [
      (plain("any"), nil), (plain("none"), []), (list(plain("any")), nil), (list(plain("none")), []),
      (plain("db:5432"), [place("db:5432")]),
      (
        list(plain("DB:5432"), quotedText("[2001:db8::/32]:*"), plain("*:443")),
        [place("db:5432"), place("[2001:db8::/32]:*"), place("*:443")]
      ),
    ] as [(Node, [ForwardingPlace]?)])
  func `permit_open is any, none or a list of places`(node: Node, places: [ForwardingPlace]?) throws {
    let loaded = try load(tree("forwarding.permit_open", node))
    #expect(loaded.settings.forwarding.permitOpen == places)
  }

  @Test(
    arguments: [
      (list(), "expected any, none or a list of host:port, found an empty one"),
      (plain("null"), "expected any, none or a list of host:port, found nothing"),
      (list(plain("any"), plain("a:1")), "'any' is not host:port"),
      (list(plain("a:1"), plain("A:1")), "'A:1' is a duplicate"),
      (list(plain("a:0")), "'a:0' needs a port from 1 to 65535 or *"),
      (list(plain("*.example.com:443")), "'*.example.com:443': there are no patterns of names; * alone is every host"),
      (list(plain("127.1:80")), "'127.1:80': is no address and no name"),
      (list(plain("010.0.0.1:80")), "'010.0.0.1:80': is no address and no name"),
      (
        list(plain("[fe80::1%eth0]:80")), "'[fe80::1%eth0]:80': no address with a zone is connected to"
      ),
      (
        list(plain("a b:80")),
        "'a b:80': a name has letters, digits, '-', '_' and '.'; an IPv6 address needs brackets"
      ),
      (
        list(plain("10.0.0.1/8:80")),
        "'10.0.0.1/8:80' has bits set after its prefix; the range around this address is 10.0.0.0/8"
      ),
    ] as [(Node, String)])
  func `a place that could not mean what it says is refused`(node: Node, reason: String) {
    let found = complaints(tree("forwarding.permit_open", node))
    #expect(found.count == 1 && found.first?.hasSuffix(": \(reason)") == true, "\(found)")
  }

  @Test func `a list of places has at most 1024`() throws {
    let many = { (count: Int) in
      tree("forwarding.permit_open", Node(.sequence((1...count).map { plain("a:\($0)") })))
    }
    #expect(try load(many(1024)).settings.forwarding.permitOpen?.count == 1024)
    #expect(complaints(many(1025)).count == 1)
  }

  @Test(arguments: ["remote", "all", "yes"]) func `a direction without an effect is not a value`(word: String) {
    for key in ["forwarding.tcp", "forwarding.unix_sockets"] { #expect(complaints(tree(key, plain(word))).count == 1) }
  }

  // MARK: Rights of a login

  private static func rights(
    blocks: [Match] = [], shell: ShellKind = .listed, _ permissions: KeyPermissions = .everything,
    _ change: (inout Settings) -> Void = { _ in }
  ) -> ForwardingRights {
    var settings = Settings()
    change(&settings)
    settings.matches = blocks
    let numbers = Array(blocks.indices)
    let effective = settings.applying(numbers)
    let account = Account(
      name: "bob", uid: 1, gid: 1, groups: [], home: "/home/bob", shell: "/bin/x", shellKind: shell)
    let transfer = TransferRights(
      effective, user: "bob", home: "/home/bob", shell: shell, blocks: numbers, keyCommand: permissions.forcedCommand)
    return Login(
      effective, transfer, account: account, permissions: permissions, blocks: numbers, client: ("192.0.2.1", 1),
      server: ("192.0.2.2", 22)
    ).forwarding
  }

  private static func block(_ path: String, _ change: (inout Settings) -> Void) -> Match {
    var block = Match()
    block.users = [.init(NamePattern("bob"))]
    block.paths = [path]
    change(&block.values)
    return block
  }

  private static func sftpOnly(_ settings: inout Settings) {
    var user = Settings.User(name: "bob")
    user.sftpOnly = true
    settings.auth.users = [user]
  }

  @Test func `without a word about it, a login forwards to every host, port and socket`() {
    #expect(Self.rights() == ForwardingRights(connectTimeout: 30, maxChannels: 1000))
  }

  @Test func `the limits are those of the configuration`() {
    let rights = Self.rights {
      $0.forwarding.connectTimeout = 7
      $0.forwarding.maxChannels = 8
    }
    #expect(rights.connectTimeout == 7 && rights.maxChannels == 8)
  }

  @Test(
    arguments: [
      (.local, nil, nil, nil), (.no, nil, "forwarding.tcp", "forwarding.tcp"),
      (.local, .no, nil, "forwarding.unix_sockets"), (.no, .local, "forwarding.tcp", nil),
    ] as [(Settings.ForwardingDirection, Settings.ForwardingDirection?, String?, String?)])
  func `tcp and unix_sockets decide, and sockets without a key of their own as tcp`(
    tcp: Settings.ForwardingDirection, sockets: Settings.ForwardingDirection?, byTCP: String?, bySockets: String?
  ) {
    let rights = Self.rights {
      $0.forwarding.tcp = tcp
      $0.forwarding.unixSockets = sockets
    }
    #expect(rights.tcpDeniedBy == byTCP && rights.socketsDeniedBy == bySockets)
  }

  @Test func `lists of the configuration and of keys all apply, the configuration's first`() {
    var key = KeyPermissions.everything
    key.permitOpen = [PlaceList("permitopen= of f:1", [Self.place("a:1")])]
    let rights = Self.rights(key) { $0.forwarding.permitOpen = [Self.place("b:2")] }
    #expect(rights.permitOpen == [PlaceList("forwarding.permit_open", [Self.place("b:2")])] + key.permitOpen)
    #expect(Self.rights(key).permitOpen == key.permitOpen)
    #expect(Self.rights { $0.forwarding.permitOpen = [] }.permitOpen == [PlaceList("forwarding.permit_open", [])])
  }

  @Test func `a list permits no socket, unless unix_sockets permits them; a key's list never does`() {
    var key = KeyPermissions.everything
    key.permitOpen = [PlaceList("permitopen= of f:1", [Self.place("*:*")])]
    #expect(Self.rights { $0.forwarding.permitOpen = [] }.socketsDeniedBy == "forwarding.permit_open")
    let set = { (settings: inout Settings) in
      settings.forwarding.permitOpen = []
      settings.forwarding.unixSockets = .local
    }
    #expect(Self.rights(.everything, set).socketsDeniedBy == nil)
    #expect(Self.rights(key).socketsDeniedBy == "permitopen= of f:1")
    #expect(Self.rights(key, set).socketsDeniedBy == "permitopen= of f:1")
  }

  @Test func `a key without port-forwarding forwards nothing, whatever the configuration says`() {
    var key = KeyPermissions.everything
    key.portForwarding = false
    let blocks = [Self.block("forwarding.tcp") { $0.forwarding.tcp = .local }]
    for rights in [Self.rights(key), Self.rights(blocks: blocks, key) { $0.forwarding.unixSockets = .local }] {
      #expect(rights.tcpDeniedBy == "no-port-forwarding" && rights.socketsDeniedBy == "no-port-forwarding")
    }
  }

  /// Ways to restrict a login to files or to commands.
  private static let restrictions: [(rule: String, shell: ShellKind, change: @Sendable (inout Settings) -> Void)] = [
    ("sftp_only", .listed, { sftpOnly(&$0) }), ("sftp_only", .none, { sftpOnly(&$0) }),
    ("shell.enabled", .listed, { $0.shell.enabled = false }),
    ("shell.forced_command", .listed, { $0.shell.forcedCommand = "internal-sftp" }),
    ("shell.forced_command", .listed, { $0.shell.forcedCommand = "date" }),
    ("shell.allowed_commands", .listed, { $0.shell.allowedCommands = ["git-upload-pack *"] }),
    ("the shell /bin/x", .none, { _ in }),
  ]

  @Test(arguments: restrictions.indices)
  func `a login for files or commands forwards only if a block that holds for it says so`(index: Int) {
    let (rule, shell, change) = Self.restrictions[index]
    // The same outside of blocks is for everyone, and no word about this login.
    for forwarding in [nil, Settings.ForwardingDirection.local] {
      let rights = Self.rights(shell: shell) {
        change(&$0)
        $0.forwarding.unixSockets = forwarding
      }
      #expect(rights.tcpDeniedBy == rule && rights.socketsDeniedBy == rule)
    }
    // Nor is a block about something else of forwarding.
    let others = [Self.block("forwarding.permit_open") { $0.forwarding.permitOpen = nil }]
    #expect(Self.rights(blocks: others, shell: shell, .everything, change).tcpDeniedBy == rule)
    let tcp = [Self.block("forwarding.tcp") { $0.forwarding.tcp = .local }]
    let both = Self.rights(blocks: tcp, shell: shell, .everything, change)
    #expect(both.tcpDeniedBy == nil && both.socketsDeniedBy == nil)
    let no = [Self.block("forwarding.tcp") { $0.forwarding.tcp = .no }]
    #expect(Self.rights(blocks: no, shell: shell, .everything, change).tcpDeniedBy == "forwarding.tcp")
    let sockets = [Self.block("forwarding.unix_sockets") { $0.forwarding.unixSockets = .local }]
    let alone = Self.rights(blocks: sockets, shell: shell, .everything, change)
    #expect(alone.tcpDeniedBy == rule && alone.socketsDeniedBy == nil)
    // A block that denies TCP, or takes a key back, opens no sockets.
    let closing = Self.rights(blocks: no, shell: shell) {
      change(&$0)
      $0.forwarding.unixSockets = .local
    }
    #expect(closing.tcpDeniedBy == "forwarding.tcp" && closing.socketsDeniedBy == rule)
    let reset = [Self.block("forwarding.unix_sockets") { $0.forwarding.unixSockets = nil }]
    let back = Self.rights(blocks: reset, shell: shell, .everything, change)
    #expect(back.tcpDeniedBy == rule && back.socketsDeniedBy == rule)
  }

  @Test func `the command of a key restricts as well, unless the line names forwarding`() {
    var key = KeyPermissions.everything
    key.forcedCommand = Array("date".utf8)
    #expect(Self.rights(key).tcpDeniedBy == nil)
    key.forwardsBesideCommand = false
    #expect(Self.rights(key).tcpDeniedBy == "command=" && Self.rights(key).socketsDeniedBy == "command=")
    let tcp = [Self.block("forwarding.tcp") { $0.forwarding.tcp = .local }]
    #expect(Self.rights(blocks: tcp, key).tcpDeniedBy == nil)
    // A line permits nothing that the configuration denies.
    key.forwardsBesideCommand = true
    #expect(Self.rights(key) { Self.sftpOnly(&$0) }.tcpDeniedBy == "sftp_only")
    #expect(Self.rights(key) { $0.shell.forcedCommand = "date" }.tcpDeniedBy == "shell.forced_command")
  }

  @Test func `the rights with full lists fit into a message`() throws {
    var key = KeyPermissions.everything
    let places = (1...1024).map { ForwardingPlace(.name([UInt8](repeating: 0x61, count: 255)), port: UInt16($0)) }
    for number in 0..<20 {
      var next = KeyPermissions.everything
      next.permitOpen = [PlaceList("\(number)", [Self.place("a:1")])]
      key = try #require(key.merged(with: next))
    }
    let rights = Self.rights(key) { $0.forwarding.permitOpen = places }
    #expect(rights.permitOpen.count == ForwardingRights.listLimit)
    #expect(try ForwardingRights(wireBytes: rights.wireBytes[...]) == rights)
    #expect(rights.wireBytes.count < 1 << 19)
  }

  // MARK: Warnings

  private func warnings(_ forwarding: KeyValuePairs<String, Node>) throws -> [String] {
    try load(tree("forwarding", mapping(forwarding))).warnings.map(\.description)
  }

  @Test func `places that do nothing, or more than they seem to, are warned of`() throws {
    let open = "f.yaml: forwarding.permit_open: "
    #expect(try warnings(["permit_open": list(plain("db:5432"), plain("10.0.0.0/8:*"), plain("0.0.0.0/0:1"))]) == [])
    #expect(
      try warnings(["permit_open": plain("none"), "tcp": plain("no")]) == [open + "has no effect: forwarding.tcp is no"]
    )
    #expect(
      try warnings(["permit_open": list(plain("db:1"), plain("*:1"), plain("db:2"))]) == [
        open + "has no effect: *:1 permits it already"
      ])
    #expect(
      try warnings(["permit_open": list(plain("10.1.0.0/16:1"), plain("10.0.0.0/8:*"), plain("db:*"), plain("db:2"))])
        == [
          open + "has no effect: 10.0.0.0/8:* permits it already", open + "has no effect: db:* permits it already",
        ])
    #expect(
      try warnings(["permit_open": list(plain("db.:1"))]) == [
        open + "matches only a client that asks with the dot at the end: names are not resolved to be compared"
      ])
    #expect(
      try warnings(["permit_open": list(quotedText("[fe80::/10]:1"))]) == [
        open + "can never match: a link-local address needs a zone, and no address with a zone is connected to"
      ])
    #expect(
      try warnings(["permit_open": list(plain("0.0.0.0:1"), quotedText("[::]:1"))]) == [
        open + "can never match: a connection to 0.0.0.0 is one to the loopback address",
        open + "can never match: a connection to :: is one to the loopback address",
      ])
    #expect(
      try warnings(["permit_open": list(plain("db:1")), "unix_sockets": plain("local")]) == [
        "f.yaml: forwarding.unix_sockets: permits every socket of the account's: forwarding.permit_open lists none"
      ])
  }

  @Test func `a block is warned of where it is`() throws {
    let block = mapping(["users": list(plain("alice")), "forwarding": mapping(["permit_open": list(plain("db.:1"))])])
    let found = try load(tree("match", list(block))).warnings.map(\.description)
    #expect(found.count == 1 && found.first?.contains("match[0].forwarding.permit_open") == true, "\(found)")
  }
}
