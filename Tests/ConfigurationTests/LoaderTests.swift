import Configuration
import Testing

/// A configuration and the only error that it causes.
struct Fault: Sendable, CustomTestStringConvertible {
  let path: String
  let node: Node
  let complaint: String

  init(_ path: String, _ node: Node, _ complaint: String) {
    self.path = path
    self.node = node
    self.complaint = complaint
  }

  var testDescription: String { complaint }

  static func user(_ entries: KeyValuePairs<String, Node>) -> Node { list(mapping(entries)) }

  static let all: [Fault] = [
    Fault("server.prot", plain("1"), "server.prot: unknown key; did you mean 'port'?"),
    Fault("sever.port", plain("1"), "sever: unknown key; did you mean 'server'?"),
    Fault("port", plain("22"), "port: unknown key; did you mean 'server.port'?"),
    Fault("audit.enable", plain("true"), "audit.enable: unknown key; did you mean 'enabled'?"),
    Fault("audit.path", plain("/a"), "audit.path: unknown key; did you mean 'audit.exporters[].path'?"),
    Fault(
      "audit.max_size", plain("1"), "audit.max_size: unknown key; did you mean 'audit.exporters[].rotate.max_size'?"),
    Fault("filter.users", list(plain("a")), "filter.users: unknown key; did you mean 'filter.rules[].users'?"),
    Fault("server.bytes", plain("1"), "server.bytes: unknown key; did you mean 'server.rekey.bytes'?"),
    Fault("server.run_as", plain("a"), "server.run_as: unknown key"),
    Fault("zzzzzzzzzz", plain("true"), "zzzzzzzzzz: unknown key"),
    Fault("server.\u{1b}[2J", plain("true"), "server.\\u{1b}[2J: unknown key"),
    Fault("server", plain("1"), "server: expected a section with keys, found '1'"),
    Fault("server", list(), "server: expected a section with keys, found a list"),
    Fault("server.port", plain("0"), "server.port: expected a whole number from 1 to 65535, found '0'"),
    Fault("server.port", plain("65536"), "server.port: expected a whole number from 1 to 65535, found '65536'"),
    Fault("server.port", plain("-1"), "server.port: expected a whole number from 1 to 65535, found '-1'"),
    Fault(
      "server.port", plain("99999999999999999999"),
      "server.port: expected a whole number from 1 to 65535, found '99999999999999999999'"),
    Fault("server.port", quotedText("22"), "server.port: expected a whole number from 1 to 65535, found the text '22'"),
    Fault("server.port", plain(""), "server.port: expected a whole number from 1 to 65535, found nothing"),
    Fault("server.port", list(), "server.port: expected a whole number from 1 to 65535, found a list"),
    Fault("server.port", mapping([:]), "server.port: expected a whole number from 1 to 65535, found a mapping"),
    Fault("server.compression", plain("yes"), "server.compression: expected true or false, found 'yes'"),
    Fault(
      "server.timeout", plain("1w"),
      "server.timeout: expected a duration from 0 to 1d (0 is no limit), found '1w'; write it as 90s, 15m, 2h or 1d"),
    Fault(
      "server.timeout", plain("99999999999999999d"),
      "server.timeout: expected a duration from 0 to 1d (0 is no limit), found '99999999999999999d'; write it as 90s, 15m, 2h or 1d"
    ),
    Fault(
      "server.maximum_packet_size", plain("4GiB"),
      "server.maximum_packet_size: expected a size from 4KiB to 65535B, found '4GiB'"),
    Fault(
      "server.max_connections", plain("0"),
      "server.max_connections: expected a whole number from 1 to 65536, found '0'"),
    Fault(
      "server.window_size", plain("1MB"),
      "server.window_size: expected a size from 32KiB to 64MiB, found '1MB'; did you mean '1MiB'?"),
    Fault(
      "auth.password.minimum_time", plain("11s"),
      "auth.password.minimum_time: expected a duration from 0 to 10s, found '11s'"),
    Fault(
      "server.bind_address", plain("localhost"),
      "server.bind_address[0]: expected an IPv4 or IPv6 address, such as 192.0.2.1, 192.0.2.1:22, [2001:db8::1] or "
        + "[2001:db8::1]:22, found 'localhost'"),
    Fault(
      "server.bind_address", list(plain("::1"), plain("[0:0::1]:2222")),
      "server.bind_address: [0:0::1]:2222 with port 2222 is a duplicate"),
    Fault(
      "server.bind_address", list(plain("fe80::1%eth0"), plain("fe80::1%eth1"), plain("fe80:0::1%eth0")),
      "server.bind_address: [fe80:0::1%eth0] with port 2222 is a duplicate"),
    Fault(
      "server.bind_address", list(),
      "server.bind_address: expected an address, such as 192.0.2.1 or [2001:db8::1]:22, or a list of them, "
        + "found an empty one"),
    Fault("server.banner", plain("/x"), "server.banner: cannot read '/x': No such file or directory"),
    Fault(
      "auth.password.users_file", plain("/x"), "auth.password.users_file: cannot read '/x': No such file or directory"),
    Fault(
      "server.macs", list(plain("hmac-sha1")),
      "server.macs[0]: unknown or unsafe algorithm 'hmac-sha1'; did you mean 'hmac-sha2-512'?; known: "
        + "hmac-sha2-256-etm@openssh.com, hmac-sha2-512-etm@openssh.com, hmac-sha2-256, hmac-sha2-512"),
    Fault(
      "server.macs", list(plain("hmac-sha2-256"), plain("hmac-sha2-256")),
      "server.macs[1]: 'hmac-sha2-256' is a duplicate"),
    Fault(
      "security.blocked_ips", list(plain("192.0.2.1"), plain("192.0.2.1/24")),
      "security.blocked_ips[1]: '192.0.2.1/24' has bits set after its prefix; the range around this address is "
        + "192.0.2.0/24"),
    Fault(
      "security.allowed_ips", list(plain("example.org")),
      "security.allowed_ips[0]: 'example.org' is neither an address nor a range, such as 192.0.2.1, 192.0.2.0/24 or "
        + "2001:db8::/32"),
    Fault(
      "security.allowed_ips", list(plain("10.0.0.0/33")),
      "security.allowed_ips[0]: '10.0.0.0/33' has no prefix length from 0 to 32 after '/'"),
    Fault(
      "security.allowed_ips", list(list()),
      "security.allowed_ips[0]: expected an address or a range of addresses, found a list"),
    Fault(
      "security.whitelist_ips", list(plain("10.0.0.0/8"), plain("::ffff:10.0.0.0/104")),
      "security.whitelist_ips[1]: '::ffff:10.0.0.0/104' is a duplicate"),
    Fault("server.macs", list(), "server.macs: expected a list of algorithms, found an empty one"),
    Fault("server.macs", plain("hmac-sha2-256"), "server.macs: expected a list of algorithms, found 'hmac-sha2-256'"),
    Fault(
      "server.host_key_algorithms", list(plain("rsa-sha2-256")),
      "server.host_key_algorithms: none of these algorithms has a key in server.host_keys"),
    Fault(
      "auth.methods", list(plain("hostbased")),
      "auth.methods[0]: expected one of publickey, password, keyboard-interactive, found 'hostbased'"),
    Fault(
      "auth.methods", list(),
      "auth.methods: expected a list of publickey, password, keyboard-interactive, found an empty one"),
    Fault(
      "auth.required", plain("publickey"),
      "auth.required: expected a list of sequences, such as [[publickey, password]], found 'publickey'"),
    Fault(
      "auth.required", list(plain("publickey")),
      "auth.required[0]: expected a list of 1 to 8 steps, such as [publickey, password], found 'publickey'"),
    Fault(
      "auth.required", list(list()),
      "auth.required[0]: expected a list of 1 to 8 steps, such as [publickey, password], found one of 0"),
    Fault(
      "auth.required", list(list(plain("publickey"), plain("hostbased"))),
      "auth.required[0][1]: expected one of publickey, password, keyboard-interactive, totp, found 'hostbased'"),
    Fault(
      "auth.required", list(list(plain("totp"))),
      "auth.required: a code alone is not sufficient: publickey, password or keyboard-interactive is required too"),
    Fault(
      "auth.required", list(list(plain("publickey"), plain("totp"), plain("totp"))),
      "auth.required[0][2]: the same code twice proves nothing more"),
    Fault(
      "auth.required", list(list(plain("publickey")), list(plain("publickey"))),
      "auth.required[1]: the sequence is a duplicate"),
    Fault(
      "auth.required", Node(.sequence(Array(repeating: plain("publickey"), count: 17))),
      "auth.required: expected at most 16 sequences, found 17"),
    Fault(
      "auth.required", list(list(plain("publickey"), plain("password"))),
      "auth.required: the step password is not possible: auth.methods does not contain it"),
    Fault("auth.permit_root", plain("maybe"), "auth.permit_root: expected one of no, publickey, yes, found 'maybe'"),
    Fault(
      "auth.publickey.authorized_keys_dir", plain("keys"),
      "auth.publickey.authorized_keys_dir: 'keys' is not an absolute path: it must begin with '/'"),
    Fault(
      "auth.publickey.authorized_keys_dir", plain("/a/../b"),
      "auth.publickey.authorized_keys_dir: the path '/a/../b' must not contain '..'"),
    Fault(
      "auth.publickey.authorized_keys_pattern", plain(".ssh/authorized_keys"),
      "auth.publickey.authorized_keys_pattern: '.ssh/authorized_keys' is not absolute: it must begin with '/' or "
        + "'%h/'"),
    Fault(
      "auth.publickey.authorized_keys_pattern", plain("%h/../x"),
      "auth.publickey.authorized_keys_pattern: the path '%h/../x' must not contain '..'"),
    Fault(
      "auth.publickey.authorized_keys_pattern", plain("/x/%k"),
      "auth.publickey.authorized_keys_pattern: unknown '%k': expected %h (home), %u (name) or %% (a percent sign)"),
    Fault(
      "auth.publickey.authorized_keys_pattern", plain("/x%h"),
      "auth.publickey.authorized_keys_pattern: %h is an absolute path and must be at the beginning"),
    Fault("auth.password.users", plain("alice"), "auth.password.users: expected a list of users, found 'alice'"),
    Fault(
      "auth.password.users", list(plain("alice")),
      "auth.password.users[0]: expected a user with a name, found 'alice'"),
    Fault("auth.password.users", list(mapping([:])), "auth.password.users[0]: the user has no name"),
    Fault(
      "auth.password.users", user(["name": plain("a b")]),
      "auth.password.users[0].name: 'a b' is not a valid user name: 1 to 256 bytes without spaces, '/', ':' and "
        + "'\\', no '-' first"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "pasword_hash": plain("x")]),
      "auth.password.users[0].pasword_hash: unknown key; did you mean 'password_hash'?"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "name": plain("b")]),
      "auth.password.users[0].name: given twice"),
    Fault(
      "auth.password.users", list(mapping(["name": plain("a")]), mapping(["name": plain("a")])),
      "auth.password.users[1].name: the user 'a' is defined twice"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "authorized_keys": list(plain("nonsense"))]),
      "auth.password.users[0].authorized_keys[0]: option 1 of the line is unknown"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "authorized_keys": list(plain(Sample.key), plain("# none"))]),
      "auth.password.users[0].authorized_keys[1]: the line contains no key"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "authorized_keys": list(plain("no-such " + Sample.key))]),
      "auth.password.users[0].authorized_keys[0]: option 1 of the line is unknown"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "password_hash": plain("secret")]),
      "auth.password.users[0].password_hash: neither Argon2id ('$argon2id$v=19$…') nor bcrypt ('$2b$…'); "
        + "'bssh-server hash-password' creates one"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "password_hash": plain("$argon2id$v=19$m=8,t=1,p=1$x$y")]),
      "auth.password.users[0].password_hash: the hash is truncated or damaged; "
        + "'bssh-server hash-password' creates one"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "totp_secret": plain("SECRET0SECRET")]),
      "auth.password.users[0].totp_secret: character 7 is not a Base32 digit (A to Z, 2 to 7); "
        + "'bssh-server totp-setup' creates a secret"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "totp_secret": plain("SECRETSECRET2345")]),
      "auth.password.users[0].totp_secret: the secret has 80 bits, not 128 to 1024; 'bssh-server totp-setup' creates one"
    ),
    Fault(
      "auth.password.users", user(["name": plain("a"), "totp_digits": plain("7")]),
      "auth.password.users[0].totp_digits: expected 6 or 8, found '7'"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "totp_algorithm": plain("md5")]),
      "auth.password.users[0].totp_algorithm: expected one of sha1, sha256, sha512, found 'md5'"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "authorized_keys": list(quotedText("ssh-a\nssh-b"))]),
      "auth.password.users[0].authorized_keys[0]: expected one line of authorized_keys, found several"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "shell": plain("bash")]),
      "auth.password.users[0].shell: 'bash' is not an absolute path: it must begin with '/'"),
    Fault(
      "auth.password.users", user(["name": plain("a"), "env": mapping(["A=B": plain("x")])]),
      "auth.password.users[0].env.A=B: not the name of a variable: letters, digits and '_', not beginning with a digit"),
    Fault("shell.default", plain("/bin/missing"), "shell.default: '/bin/missing' is not an executable file"),
    Fault(
      "server.timeout", plain("2 minutes"),
      "server.timeout: expected a duration from 0 to 1d (0 is no limit), found '2 minutes'; did you mean '2m'?"),
    Fault(
      "sftp.max_file_size", plain("5GB"),
      "sftp.max_file_size: expected a size from 1B to 1024TiB, found '5GB'; did you mean '5GiB'?"),
    Fault(
      "sftp.max_file_size", plain("much"),
      "sftp.max_file_size: expected a size from 1B to 1024TiB, found 'much'; write it as 64KiB, 50MiB or 1GiB"),
    Fault(
      "auth.permit_root", plain("prohibit-password"),
      "auth.permit_root: expected one of no, publickey, yes, found 'prohibit-password'; did you mean 'publickey'?"),
    Fault(
      "auth.password.users", list(mapping(["name": plain("anna"), "run_as": plain("bob")])),
      "auth.password.users[0].run_as: not started as root, the daemon cannot become 'bob'; omit run_as"),
    Fault("shell.default", plain("null"), "shell.default: expected a path, found nothing"),
    Fault("shell.env", list(), "shell.env: expected names and values of variables, found a list"),
    Fault("shell.env", mapping(["HOME": plain("/x")]), "shell.env.HOME: set by the login itself"),
    Fault("shell.env", mapping(["SSH_TTY": plain("x")]), "shell.env.SSH_TTY: set by the login itself"),
    Fault("shell.env", mapping(["A": list()]), "shell.env.A: expected the text of a variable, found a list"),
    Fault("shell.env", mapping(["A": plain("1"), "A": plain("2")]), "shell.env: 'A' is given twice"),
    Fault(
      "shell.accept_env", list(plain("A B")),
      "shell.accept_env[0]: 'A B' is not the name of a variable: letters, digits, '_', '*' and '?' are allowed"),
    Fault(
      "shell.umask", plain("089"), "shell.umask: expected permission bits in octal from 000 to 777, found '089'"),
    Fault(
      "shell.umask", plain("1777"), "shell.umask: expected permission bits in octal from 000 to 777, found '1777'"),
    Fault("shell.motd", plain("motd"), "shell.motd: 'motd' is not an absolute path: it must begin with '/'"),
  ]
}

@Suite struct LoaderTests {
  @Test(arguments: Fault.all)
  func `an error names the key`(fault: Fault) {
    #expect(complaints(tree(fault.path, fault.node)) == ["f.yaml: " + fault.complaint])
  }

  @Test func `an error has line and column`() {
    let port = Node(.scalar("x", plain: true), at: .init(line: 14, column: 9))
    #expect(
      complaints(tree("server.port", port)) == [
        "f.yaml:14:9: server.port: expected a whole number from 1 to 65535, found 'x'"
      ])
  }

  @Test func `an unknown key is reported at its position`() {
    let server = Node(.mapping([.init(key: "prot", position: .init(line: 2, column: 3), value: plain("1"))]))
    #expect(
      complaints(mapping(["server": server])) == ["f.yaml:2:3: server.prot: unknown key; did you mean 'port'?"])
  }

  @Test func `all errors are reported together`() {
    let root = mapping([
      "server": mapping(["port": plain("x"), "timeout": plain("y")]), "nonsense": plain(""),
      "shell": mapping(["pty": plain("z")]),
    ])
    #expect(complaints(root, environment: ["BSSH_SHELL": "sh"]).count == 5)
  }

  @Test(arguments: [["publickey", "keyboard-interactive"], ["keyboard-interactive"]])
  func `a sequence that no client can choose is refused`(first: [String]) {
    let second = first.dropLast() + ["totp", "publickey", "publickey"]
    let sequences = [first, Array(second)].map { Node(.sequence($0.map(plain))) }
    let auth = mapping([
      "methods": list(plain("publickey"), plain("keyboard-interactive")), "required": Node(.sequence(sequences)),
    ])
    #expect(
      complaints(tree("auth", auth)).contains(
        "f.yaml: auth.required: after the same steps [0] asks for keyboard-interactive and this for totp, and clients "
          + "cannot choose one; use password instead of keyboard-interactive"))
  }

  @Test(arguments: ["password", "keyboard-interactive"], ["password", "keyboard-interactive"])
  func `a sequence that asks for the same password twice is refused`(first: String, second: String) {
    let auth = mapping([
      "methods": list(plain("password"), plain("keyboard-interactive")),
      "required": list(list(plain(first), plain(second))),
    ])
    #expect(
      complaints(tree("auth", auth)).contains(
        "f.yaml: auth.required[0][1]: the same password twice proves nothing more; keyboard-interactive also asks for it"
      ))
  }

  @Test func `a duplicate key is refused`() {
    let twice = mapping(["port": plain("1"), "port": plain("1")])
    #expect(complaints(mapping(["server": twice])) == ["f.yaml: server.port: given twice"])
    let sections = mapping(["server": mapping([:]), "server": mapping([:])])
    #expect(complaints(sections) == ["f.yaml: server: given twice"])
  }

  @Test func `a file must be a mapping`() {
    #expect(
      complaints(list()) == [
        "f.yaml: expected the sections server, auth, shell, sftp, scp, filter, forwarding, audit, security, match, "
          + "found a list"
      ])
  }

  @Test func `an empty file and empty sections are the defaults`() throws {
    #expect(try load(plain("")).settings == defaults)
    #expect(try load(mapping(["server": plain(""), "auth": tree("password", plain("~"))])).settings == defaults)
  }

  @Test func `errors of variables name the variable`() {
    #expect(
      complaints(environment: ["BSSH_PORT": "x"]) == [
        "BSSH_PORT: server.port: expected a whole number from 1 to 65535, found 'x'"
      ])
    #expect(
      complaints(environment: ["BSSH_PROT": "1"]) == ["BSSH_PROT: unknown variable; did you mean 'BSSH_PORT'?"])
    #expect(complaints(environment: ["BSSHX": "1", "PATH": "1"]) == [])
    #expect(
      complaints(environment: ["BSSH_PORT": "1", "BSSH_SERVER_PORT": "2"]) == [
        "BSSH_SERVER_PORT: server.port: also set by BSSH_PORT; unset one of them"
      ])
  }

  @Test func `errors of options name the option`() {
    #expect(
      complaints(options: [("-p", ["x"])]) == ["-p: server.port: expected a whole number from 1 to 65535, found 'x'"])
  }

  @Test func `the command line overrides the environment, the file and the default, in this order`() throws {
    func port(_ loaded: Loaded) -> UInt16? { loaded.settings.server.bindAddresses.first?.port }
    let file = tree("server.port", plain("1"))
    #expect(port(try load()) == 2222)
    #expect(port(try load(file)) == 1)
    #expect(port(try load(file, environment: ["BSSH_PORT": "2"])) == 2)
    #expect(port(try load(file, environment: ["BSSH_PORT": "2"], options: [("-p", ["3"])])) == 3)
    #expect(port(try load(options: [("-p", ["3"])])) == 3)
  }

  @Test func `an invalid value that is overridden is no error`() throws {
    #expect(try load(tree("server.port", plain("x")), options: [("-p", ["2222"])]).settings == defaults)
  }

  @Test func `a directory of keys replaces the pattern unless both have the same source`() throws {
    let directory = "auth.publickey.authorized_keys_dir"
    #expect(try load(tree(directory, plain("/k"))).settings.auth.authorizedKeysPattern == nil)
    let both = tree(
      "auth.publickey", mapping(["authorized_keys_dir": plain("/k"), "authorized_keys_pattern": plain("/p/%u")]))
    #expect(try load(both).settings.auth.authorizedKeysPattern == "/p/%u")
    #expect(try load(both).settings.auth.authorizedKeysDirectory == "/k")
    let over = try load(both, environment: ["BSSH_AUTHORIZED_KEYS_PATTERN": "/q/%u"])
    #expect(over.settings.auth.authorizedKeysDirectory == nil)
    #expect(over.settings.auth.authorizedKeysPattern == "/q/%u")
  }

  @Test(
    arguments: [
      ([:], ["/h/.ssh/authorized_keys"]), (["authorized_keys_pattern": "null"], ["/h/.ssh/authorized_keys"]),
      (["authorized_keys_dir": "null", "authorized_keys_pattern": "null"], ["/h/.ssh/authorized_keys"]),
      (["authorized_keys_dir": "/k"], ["/k/anna/authorized_keys"]),
      (["authorized_keys_dir": "/k", "authorized_keys_pattern": "null"], ["/k/anna/authorized_keys"]),
      (["authorized_keys_dir": "/k", "authorized_keys_pattern": "none"], ["/k/anna/authorized_keys"]),
      (["authorized_keys_dir": "null", "authorized_keys_pattern": "none"], []),
      (["authorized_keys_pattern": "none"], []),
    ] as [(KeyValuePairs<String, String>, [String])])
  func `the default pattern applies if both are null, as in bssh, and no pattern with none`(
    given: KeyValuePairs<String, String>, expected: [String]
  ) throws {
    let publickey = Node(.mapping(given.map { .init(key: $0.key, position: nil, value: plain($0.value)) }))
    let settings = try load(tree("auth.publickey", publickey)).settings
    #expect(KeyPaths(settings.auth).paths(user: "anna", home: "/h") == expected)
    // The same in a match block.
    if given.isEmpty { return }
    let block = mapping(["users": list(plain("anna")), "auth": tree("publickey", publickey)])
    let blocks = try load(tree("match", list(block))).settings.applying([0])
    #expect(KeyPaths(blocks.auth).paths(user: "anna", home: "/h") == expected)
  }

  @Test func `a configuration without a host key is refused`() {
    let message = "server.host_keys: no host key; 'bssh-server gen-host-key -t ed25519 -o FILE' creates one"
    #expect(complaints(hostKey: nil) == [message])
    #expect(complaints(tree("server.host_keys", list()), hostKey: nil) == ["f.yaml: " + message])
  }

  @Test func `host keys that cannot be used are refused, each with its reason`() {
    let keys = list(plain("/k/bad"), plain("/k/a"), plain("/k/none"))
    #expect(
      complaints(tree("server.host_keys", keys), hostKey: nil) == [
        "f.yaml: server.host_keys: '/k/bad' can be read by others; 'chmod 600 /k/bad' prevents that",
        "f.yaml: server.host_keys: '/k/none' does not exist",
      ])
  }

  @Test func `two host keys of one type are refused`() {
    #expect(
      complaints(tree("server.host_keys", list(plain("/k/a"), plain("/k/b"))), hostKey: nil) == [
        "f.yaml: server.host_keys: '/k/b' is a second key for ssh-ed25519"
      ])
  }

  @Test func `as root a user needs an account of that name or run_as`() {
    var root = machine()
    root.isRoot = true
    func users(_ entries: KeyValuePairs<String, Node>) -> Node { tree("auth.password.users", list(mapping(entries))) }
    #expect(complaints(users(["name": plain("alice")]), on: root) == [])
    #expect(complaints(users(["name": plain("bob"), "run_as": plain("alice")]), on: root) == [])
    #expect(
      complaints(users(["name": plain("bob")]), on: root) == [
        "f.yaml: auth.password.users[0]: the system has no account 'bob'; set run_as to the account for this user"
      ])
    #expect(
      complaints(users(["name": plain("alice"), "run_as": plain("bob")]), on: root) == [
        "f.yaml: auth.password.users[0].run_as: the system has no account 'bob'"
      ])
    #expect(complaints(users(["name": plain("bob")])) == [])
  }

  @Test func `errors in the file of users name that file`() {
    func complaint(_ tree: Node) -> [String] {
      var hostEnvironment = Sample.machine
      hostEnvironment.parse = { _, _ in .success(tree) }
      return complaints(ConfigurationTests.tree("auth.password.users_file", plain("/users.yaml")), on: hostEnvironment)
    }
    #expect(complaint(tree("users", list(mapping([:])))) == ["/users.yaml: users[0]: the user has no name"])
    #expect(complaint(tree("user", list())) == ["/users.yaml: user: unknown key; this file has only the key 'users'"])
    #expect(complaint(list()) == ["/users.yaml: expected the key 'users', found a list"])
    #expect(
      complaint(tree("users", list(mapping(["name": plain("a"), "authorized_keys": list(plain("x"))])))) == [
        "/users.yaml: users[0].authorized_keys[0]: option 1 of the line is unknown"
      ])
    #expect(complaint(plain("")) == [])
  }

  @Test func `a user in the configuration and in the file of users is refused`() {
    let both = tree(
      "auth.password",
      mapping(["users": list(mapping(["name": plain("carol")])), "users_file": plain("/users.yaml")]))
    #expect(
      complaints(both, on: Sample.machine) == [
        "/users.yaml: users: the user 'carol' is defined in auth.password.users as well"
      ])
  }

  @Test func `a banner must be text of limited size`() {
    func complaint(_ bytes: [UInt8]) -> [String] {
      complaints(
        tree("server.banner", plain("/b")), on: machine(files: ["/b": .init(bytes: bytes, isReadableByOthers: true)]))
    }
    #expect(complaint([0xff]) == ["f.yaml: server.banner: '/b' is not UTF-8 text"])
    #expect(complaint(Array(repeating: 65, count: 131_073)) == ["f.yaml: server.banner: cannot read '/b': too long"])
    #expect(complaint(Array(repeating: 65, count: 131_072)) == [])
  }
}
