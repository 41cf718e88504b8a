import Configuration
import Filter
import IPC
import Testing
import Wire

@Suite struct AuditSettingsTests {
  /// Settings without any default value.
  static var unusual: Settings.Audit {
    var audit = Settings.Audit()
    audit.enabled = false
    var file = Settings.Audit.File()
    file.path = "/journal"
    file.rotate.maxSize = 1 << 40
    file.rotate.maxBackups = 0
    file.rotate.compress = false
    file.sync = .always
    file.mode = 0o640
    var logstash = LogstashSettings()
    logstash.host = "logs.example.org"
    logstash.port = 65535
    logstash.tls.isEnabled = true
    logstash.tls.authoritiesFile = "/ca"
    logstash.tls.certificateFile = "/c"
    logstash.tls.keyFile = "/k"
    logstash.tls.verifies = false
    logstash.tls.authorities = [1]
    logstash.tls.certificate = []
    logstash.tls.key = [2]
    logstash.timeout = 3600
    var otel = OTelSettings()
    otel.endpoint = "https://collector"
    otel.transport = .httpJSON
    otel.headers = [.init(name: "a", value: [0x62]), .init(name: "c", value: [])]
    otel.tls.authoritiesFile = "/ca"
    otel.compression = .none
    otel.resource = [.init(name: "deployment.environment", value: "test")]
    otel.timeout = 1
    var syslog = SyslogSettings()
    syslog.facility = .local7
    syslog.socket = "/s"
    audit.exporters = [.file(file), .logstash(logstash), .otel(otel), .syslog(syslog)]
    audit.bufferSize = 100
    audit.batchSize = 7
    audit.flushInterval = 8
    audit.onFailure = .refuse
    audit.rescueUsers = ["root"]
    audit.verboseIO = true
    audit.recording.enabled = true
    audit.recording.directory = "/r"
    audit.recording.users = [NamePattern("ops-*")]
    audit.recording.input = true
    audit.loginRecords = false
    return audit
  }

  @Test(arguments: [Settings.Audit(), unusual])
  func `settings survive encoding and decoding, and truncated ones are refused`(audit: Settings.Audit) throws {
    var settings = Settings()
    settings.audit = audit
    #expect(try Settings(wireBytes: settings.wireBytes[...]) == settings)
    let bytes = settings.wireBytes
    for length in bytes.indices {
      #expect(throws: WireError.self) { try Settings(wireBytes: bytes[..<length]) }
    }
  }

  private static let certificate = Array("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".utf8)
  private static let key = Array("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\n".utf8)
  private static let encrypted = Array("-----BEGIN ENCRYPTED PRIVATE KEY-----\r\nAA==\r\n".utf8)

  private var machine: HostEnvironment {
    ConfigurationTests.machine(files: [
      "/ca": .init(bytes: Self.certificate, isReadableByOthers: true),
      "/c": .init(bytes: Self.certificate, isReadableByOthers: true),
      "/k": .init(bytes: Self.key, isReadableByOthers: false),
      "/open": .init(bytes: Self.key, isReadableByOthers: true),
      "/encrypted": .init(bytes: Self.encrypted, isReadableByOthers: false),
    ])
  }

  private func exporters(_ items: Node...) -> Node { tree("audit.exporters", Node(.sequence(items))) }

  @Test func `every key of every exporter is in the settings`() throws {
    let loaded = try load(
      exporters(
        mapping([
          "type": plain("file"), "path": plain("/journal"), "fsync": plain("always"), "mode": plain("0640"),
          "rotate": mapping(["max_size": plain("1TiB"), "max_backups": plain("0"), "compress": plain("false")]),
        ]),
        mapping([
          "host": plain("logs.example.org"), "type": plain("logstash"), "port": plain("65535"), "timeout": plain("1h"),
          "tls": mapping([
            "enabled": plain("true"), "ca": plain("/ca"), "certificate": plain("/c"), "key": plain("/k"),
            "verify": plain("false"),
          ]),
        ]),
        mapping([
          "type": plain("otel"), "endpoint": plain("https://collector"), "protocol": plain("http/json"),
          "headers": mapping(["a": plain("b"), "c": quotedText("")]), "tls": mapping(["ca": plain("/ca")]),
          "compression": plain("none"), "resource": mapping(["deployment.environment": plain("test")]),
          "timeout": plain("1"),
        ]),
        mapping(["type": plain("syslog"), "facility": plain("local7"), "socket": plain("/s")])),
      on: machine)
    var expected = Self.unusual.exporters
    guard case .logstash(var logstash) = expected[1], case .otel(var otel) = expected[2] else { return }
    logstash.tls.authorities = Self.certificate
    logstash.tls.certificate = Self.certificate
    logstash.tls.key = SecretBytes(Self.key)
    otel.tls.authorities = Self.certificate
    expected[1] = .logstash(logstash)
    expected[2] = .otel(otel)
    #expect(loaded.settings.audit.exporters == expected)
    #expect(loaded.warnings.map(\.reason) == ["tls.verify is false: the receiver is not authenticated"])
  }

  @Test func `keys that are not set have their defaults`() throws {
    #expect(try load().settings.audit.journalPath == "/var/log/bssh/audit.log")
    let loaded = try load(exporters(mapping(["type": plain("otel"), "endpoint": plain("http://localhost:4317")])))
    guard case .otel(let otel) = loaded.settings.audit.exporters.first else { return #expect(Bool(false)) }
    #expect(otel.transport == .grpc && otel.compression == .gzip && otel.timeout == 10)
    #expect(loaded.settings.audit.journalPath == "/var/log/bssh/audit.log")
    #expect(loaded.settings.audit.journal.sync == .interval)
  }

  @Test func `the journal of a user is in the state directory`() throws {
    let home = try load(environment: ["HOME": "/home/anna"]).settings.audit
    #expect(home.journalPath == "/home/anna/.local/state/bssh/audit.log")
    #expect(home.recordingDirectory == "/home/anna/.local/state/bssh/recordings")
    let state = try load(
      exporters(), environment: ["HOME": "/home/anna", "XDG_STATE_HOME": "/state"]
    ).settings.audit
    #expect(state.journalPath == "/state/bssh/audit.log")
    var root = ConfigurationTests.machine()
    root.isRoot = true
    #expect(try load(environment: ["HOME": "/root"], on: root).settings.audit.journalPath == "/var/log/bssh/audit.log")
    let given = exporters(mapping(["type": plain("file"), "path": plain("/var/log/bssh/audit.log")]))
    #expect(
      try load(given, environment: ["HOME": "/home/anna"]).settings.audit.journalPath == "/var/log/bssh/audit.log")
  }

  @Test(arguments: [
    (plain("file"), "audit.exporters: expected a list of exporters, found 'file'"),
    (
      list(plain("file")),
      "audit.exporters[0]: expected an exporter with a type (file, logstash, otel, syslog), found 'file'"
    ),
    (
      list(mapping(["path": plain("/a")])),
      "audit.exporters[0]: the exporter has no type: one of file, logstash, otel, syslog"
    ),
    (
      list(mapping(["type": plain("files")])),
      "audit.exporters[0].type: expected one of file, logstash, otel, syslog, found 'files'; did you mean 'file'?"
    ),
    (
      list(mapping(["type": plain("file"), "paht": plain("/a")])),
      "audit.exporters[0].paht: unknown key; did you mean 'path'?"
    ),
    (
      list(mapping(["type": plain("file"), "port": plain("1")])),
      "audit.exporters[0].port: unknown key; expected one of path, rotate, fsync, mode, type"
    ),
    (
      list(mapping(["type": plain("file"), "path": plain("a")])),
      "audit.exporters[0].path: 'a' is not an absolute path: it must begin with '/'"
    ),
    (
      list(mapping(["type": plain("file"), "path": plain("/a"), "path": plain("/b")])),
      "audit.exporters[0].path: given twice"
    ),
    (
      list(mapping(["type": plain("file"), "mode": plain("0644")])),
      "audit.exporters[0].mode: expected \"0600\" or \"0640\", found '0644'"
    ),
    (
      list(mapping(["type": plain("file"), "fsync": plain("yes")])),
      "audit.exporters[0].fsync: expected one of always, interval, never, found 'yes'"
    ),
    (
      list(mapping(["type": plain("file"), "rotate": plain("daily")])),
      "audit.exporters[0].rotate: expected a mapping of max_size, max_backups, compress, found 'daily'"
    ),
    (
      list(mapping(["type": plain("file"), "rotate": mapping(["size": plain("1")])])),
      "audit.exporters[0].rotate.size: unknown key; expected one of max_size, max_backups, compress"
    ),
    (
      list(mapping(["type": plain("file"), "rotate": mapping(["max_size": plain("1KiB")])])),
      "audit.exporters[0].rotate.max_size: expected a size from 4KiB to 1024TiB, found '1KiB'"
    ),
    (
      list(mapping(["type": plain("file")]), mapping(["type": plain("file"), "path": plain("/b")])),
      "audit.exporters: a second file; there is only one journal"
    ),
    (list(mapping(["type": plain("logstash")])), "audit.exporters[0]: the exporter has no host"),
    (
      list(mapping(["type": plain("logstash"), "host": plain("[::1]")])),
      "audit.exporters[0].host: '[::1]' is neither a host name nor an address; IPv6 addresses must be without brackets"
    ),
    (
      list(mapping(["type": plain("logstash"), "host": plain("a"), "port": plain("0")])),
      "audit.exporters[0].port: expected a whole number from 1 to 65535, found '0'"
    ),
    (list(mapping(["type": plain("otel")])), "audit.exporters[0]: the exporter has no endpoint"),
    (
      list(mapping(["type": plain("otel"), "endpoint": plain("localhost:4317")])),
      "audit.exporters[0].endpoint: 'localhost:4317' is not an endpoint: expected http:// or https://, a host, and optionally a port and a path"
    ),
    (
      list(mapping(["type": plain("otel"), "endpoint": plain("http://u:p@c")])),
      "audit.exporters[0].endpoint: 'http://u:p@c' is not an endpoint: expected http:// or https://, a host, and optionally a port and a path"
    ),
    (
      list(
        mapping(["type": plain("otel"), "endpoint": plain("http://c"), "tls": mapping(["enabled": plain("true")])])),
      "audit.exporters[0].tls.enabled: unknown key; expected one of ca, certificate, key, verify"
    ),
    (
      list(mapping(["type": plain("otel"), "endpoint": plain("http://c"), "headers": mapping(["a b": plain("x")])])),
      "audit.exporters[0].headers.a b: 'a b' is not the name of a header"
    ),
    (
      list(
        mapping(["type": plain("otel"), "endpoint": plain("http://c"), "headers": mapping(["a": plain("hunter2\n")])])),
      "audit.exporters[0].headers.a: expected a text of at most 8192 bytes without control characters"
    ),
    (
      list(
        mapping([
          "type": plain("otel"), "endpoint": plain("http://c"), "headers": mapping(["a": plain("x"), "A": plain("y")]),
        ])), "audit.exporters[0].headers.A: given twice"
    ),
    (
      list(mapping(["type": plain("syslog"), "facility": plain("kern")])),
      "audit.exporters[0].facility: expected one of auth, authpriv, daemon, user, local0, local1, local2, local3, local4, local5, local6, local7, found 'kern'"
    ),
  ])
  func `a fault of an exporter is reported with its place`(exporters: Node, complaint: String) {
    #expect(complaints(tree("audit.exporters", exporters)).map { $0.replacing("f.yaml: ", with: "") } == [complaint])
  }

  @Test(
    arguments: [
      (["ca": plain("/none")], "cannot read '/none': No such file or directory"),
      (["ca": plain("/k")], "'/k' contains no CERTIFICATE in PEM"),
      (["certificate": plain("/c")], "tls needs both certificate and key"),
      (["certificate": plain("/c"), "key": plain("/c")], "'/c' contains no PRIVATE KEY in PEM"),
      (
        ["certificate": plain("/c"), "key": plain("/open")],
        "'/open' is accessible to others; 'chmod 600 /open' makes it private"
      ),
      (
        ["certificate": plain("/c"), "key": plain("/encrypted")],
        "'/encrypted' is encrypted, and its passphrase cannot be entered"
      ),
    ] as [(KeyValuePairs<String, Node>, String)])
  func `files that an exporter cannot use are reported`(tls: KeyValuePairs<String, Node>, complaint: String) {
    let exporter = mapping(["type": plain("otel"), "endpoint": plain("https://c"), "tls": mapping(tls)])
    #expect(complaints(exporters(exporter), on: machine).contains("f.yaml: audit.exporters: " + complaint))
  }

  @Test func `settings without effect, or with an unintended one, cause warnings`() throws {
    func warnings(_ root: Node, readableByOthers: Bool = false) throws -> [String] {
      try load(root, readableByOthers: readableByOthers).warnings.map(\.description)
    }
    #expect(
      try warnings(tree("audit.on_failure", plain("refuse"))) == [
        "f.yaml: audit.on_failure: when events cannot be written, nobody can log in to repair the server: see audit.rescue_users"
      ])
    #expect(
      try warnings(tree("audit.rescue_users", list(plain("alice")))) == [
        "f.yaml: audit.rescue_users: has no effect: audit.on_failure is continue"
      ])
    let tls = mapping(["verify": plain("false")])
    #expect(
      try warnings(
        exporters(
          mapping(["type": plain("logstash"), "host": plain("a"), "tls": tls]),
          mapping(["type": plain("otel"), "endpoint": plain("http://c"), "tls": tls]))) == [
          "f.yaml: audit.exporters: tls has no effect: enabled is false",
          "f.yaml: audit.exporters: tls has no effect: the endpoint does not begin with https://",
        ])
    let headers = exporters(
      mapping(["type": plain("otel"), "endpoint": plain("http://c"), "headers": mapping(["a": plain("b")])]))
    #expect(try warnings(headers).isEmpty)
    #expect(
      try warnings(headers, readableByOthers: true) == [
        "f.yaml: audit.exporters: 'f.yaml' contains headers and can be read by others; 'chmod 600 f.yaml' prevents that"
      ])
  }

  @Test func `a batch is not larger than the buffer`() {
    let root = mapping(["audit": mapping(["buffer_size": plain("100"), "batch_size": plain("101")])])
    #expect(complaints(root) == ["f.yaml: audit.batch_size: 101 is more than audit.buffer_size, which is 100"])
  }

  @Test func `a match block can set recording and nothing else of audit`() throws {
    let block = mapping([
      "users": list(plain("anna")), "audit": mapping(["recording": mapping(["enabled": plain("true")])]),
    ])
    let loaded = try load(tree("match", list(block)))
    #expect(loaded.settings.applying([0]).audit.recording.enabled)
    #expect(!loaded.settings.audit.recording.enabled)
    let other = mapping(["users": list(plain("anna")), "audit": mapping(["enabled": plain("false")])])
    #expect(complaints(tree("match", list(other))).count == 1)
  }

  // MARK: Recordings

  @Test func `recordings are beside the journal unless they have their own directory`() {
    var settings = Settings()
    #expect(settings.recordingDirectories == [])
    settings.audit.recording.enabled = true
    #expect(settings.recordingDirectories == ["/var/log/bssh/recordings"])
    settings.audit.recording.directory = "/srv/r"
    #expect(settings.recordingDirectories == ["/srv/r"])
  }

  @Test func `the directories of match blocks are included`() {
    func block(_ enabled: Bool?, _ directory: String?) -> Match {
      var block = Match()
      if let enabled {
        block.paths.append("audit.recording.enabled")
        block.values.audit.recording.enabled = enabled
      }
      if let directory {
        block.paths.append("audit.recording.directory")
        block.values.audit.recording.directory = directory
      }
      return block
    }
    func directories(_ blocks: Match...) -> [String] {
      var settings = Settings()
      settings.audit.recording.directory = "/z"
      settings.matches = blocks
      return settings.recordingDirectories
    }
    #expect(directories() == [])
    #expect(directories(block(nil, "/a")) == [])
    #expect(directories(block(false, "/a")) == [])
    #expect(directories(block(true, nil)) == ["/z"])
    #expect(directories(block(true, "/a"), block(nil, "/z"), block(nil, "/b")) == ["/z", "/a", "/b"])
  }

  @Test func `users select who is recorded, and rescue users need no recording`() {
    var audit = Settings.Audit()
    #expect(!audit.records("anna"))
    audit.recording.enabled = true
    #expect(audit.records("anna"))
    audit.recording.users = [NamePattern("ops-*"), NamePattern("root")]
    #expect(!audit.records("anna") && audit.records("ops-1") && audit.records("root"))
    #expect(!audit.insists(onRecording: "root"))
    audit.onFailure = .refuse
    audit.rescueUsers = ["root"]
    #expect(audit.insists(onRecording: "anna") && !audit.insists(onRecording: "root"))
  }
}
