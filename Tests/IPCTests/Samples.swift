import AccessControl
import Audit
import Filter
import IPC
import Testing
import Wire

/// A message, with how to read it again.
struct Sample: Sendable, CustomTestStringConvertible, CustomStringConvertible {
  let type: String
  let bytes: [UInt8]
  let error: @Sendable (ArraySlice<UInt8>) -> WireError?
  let checkRoundTrip: @Sendable () throws -> Void
  let description: String

  init<Message: WireCodable & Equatable>(_ message: Message) {
    type = "\(Message.self)"
    bytes = message.wireBytes
    error = { Samples.error(Message.self, $0) }
    checkRoundTrip = {
      let again = try Message(wireBytes: message.wireBytes[...])
      #expect(again == message)
      // Read from the middle of other bytes, too.
      let around = [7, 7] + message.wireBytes + [7]
      let inside = try Message(wireBytes: around[2..<around.count - 1])
      #expect(inside == message)
    }
    description = "\(Message.self) \(message)"
  }

  var testDescription: String { String(description.prefix(80)) }
}

/// At least one message of every kind, with empty and with full fields.
enum Samples {
  static func error<Message: WireCodable>(_: Message.Type, _ bytes: ArraySlice<UInt8>) -> WireError? {
    do throws(WireError) {
      _ = try Message(wireBytes: bytes)
      return nil
    } catch {
      return error
    }
  }

  static let account = Account(
    name: "anna", uid: 1000, gid: 100, groups: [100, 27, .max - 1], home: "/home/anna", shell: "/bin/sh",
    environment: [EnvironmentVariable(name: "EDITOR", value: "vi"), EnvironmentVariable(name: "", value: "")])
  static let bareAccount = Account(name: "", uid: 0, gid: .max - 1, groups: [], home: "", shell: "")
  static let login = {
    var login = unlimitedLogin
    login.commandTimeout = 3600
    login.commands = commands
    login.keepsRecords = true
    login.awaitsScope = true
    return login
  }()
  static let commands = CommandRules(allowed: ["uptime", "git-*"], blocked: ["*su*"], forced: "internal-sftp -R")
  private static let unlimitedLogin = Login(
    account: account, clientAddress: "2001:db8::1", clientPort: .max, serverAddress: "192.0.2.1", serverPort: 22,
    environment: [EnvironmentVariable(name: "LANG", value: "C")], acceptEnvironment: ["LC_*", "LANG"],
    mayExecute: true, mayHaveTerminal: false, umask: 0o077, motd: "/etc/motd", sftp: transfer, scp: bareTransfer,
    permissions: permissions)
  static let bareLogin = Login(
    account: bareAccount, clientAddress: "", clientPort: 0, serverAddress: "", serverPort: 0, environment: [],
    acceptEnvironment: [], mayExecute: false, mayHaveTerminal: true, umask: 0, motd: "", sftp: nil, scp: nil)
  static let permissions = {
    var permissions = KeyPermissions.restricted
    permissions.terminal = true
    permissions.forcedCommand = [0xff, 1]
    permissions.environment = [EnvironmentVariable(name: "LANG", value: "C")]
    permissions.permitOpen = [ForwardingPlace(host: "localhost", port: .max), ForwardingPlace(host: "*", port: nil)]
    permissions.permitListen = []
    return permissions
  }()
  static let filter = {
    var rule = FilterRule(name: "no programs", action: .deny)
    rule.matcher.extensions = ["exe"]
    rule.operations = [.upload]
    rule.users = ["anna"]
    var filter = TransferFilter()
    filter.isEnabled = true
    filter.defaultAction = .log
    filter.rules = [rule, FilterRule(action: .allow)]
    return filter
  }()
  static let transfer = TransferSettings(
    root: "/srv/files/anna", readOnly: true, umask: 0o027, maxFileSize: .max, maxHandles: .max, user: "anna",
    groups: ["staff", ""], filter: filter)
  static let bareTransfer = TransferSettings(
    root: "", readOnly: false, umask: nil, maxFileSize: nil, maxHandles: 0, user: "", filter: TransferFilter())
  static let recordingSettings = {
    var settings = bareSettings
    settings.mayRecord = true
    return settings
  }()
  static let settings = TransportSettings(
    hostKeys: [[1, 2, 3], []], keyExchanges: ["curve25519-sha256"], hostKeyAlgorithms: ["ssh-ed25519"],
    ciphers: ["a", "b"], macs: ["c"], publicKeyAlgorithms: ["d", "e"], compression: true, rekeyBytes: .max,
    rekeyInterval: 3600, keepaliveInterval: 15, keepaliveCountMax: 3, maximumPacketSize: 32768, windowSize: 2 << 20,
    banner: "Grüße\n", root: "/run/bssh/empty")
  static let bareSettings = TransportSettings(
    hostKeys: [], keyExchanges: [], hostKeyAlgorithms: [], ciphers: [], macs: [], publicKeyAlgorithms: [],
    compression: false, rekeyBytes: 0, rekeyInterval: 0, keepaliveInterval: 0, keepaliveCountMax: 0,
    maximumPacketSize: 0, windowSize: 0, banner: "", root: "")
  static let keyFiles = [
    KeyFile(path: "/home/anna/.ssh/authorized_keys", length: 400, problem: nil),
    KeyFile(path: "", length: .max, problem: "no such file"), KeyFile(path: "a", length: 0, problem: ""),
  ]
  static let question = KeyQuestion(
    sessionID: [3], request: [4], client: IPAddress("2001:db8::1"), files: keyFiles, principals: keyFiles[0])
  static let certificate = CertificateIdentity(keyID: "anna", serial: .max, authority: "SHA256:def")
  static let verdict = Verdict(
    outcome: .acceptable, reason: "no_such_key", fingerprint: "SHA256:abc", certificate: certificate, place: "/k:1",
    warnings: ["line 1", ""], permissions: permissions)
  static let terminal = ChannelRequest.terminal(
    term: Array("xterm".utf8), columns: 80, rows: 24, xPixels: 640, yPixels: .max, modes: [1, 0, 0, 0, 3, 0])

  static let all: [Sample] =
    toTransport + fromTransport + authority + session + channels + loader + service + zygote + exporter + recorder
    + journal + parts

  static let loginEntry = LoginEntry(
    .began, user: "anna", uid: .max - 1, terminal: "pts/3", process: .max, address: "2001:db8::1", time: .max)

  private static let recorder: [Sample] =
    [
      SupervisorToRecorder.prepare(
        RecorderSettings(directories: [directory, OpenedDirectory(path: "", device: 0, inode: 0)], keepsLogins: true)),
      .prepare(RecorderSettings(directories: [], keepsLogins: false)),
      .open(number: .max, directory: "/r", name: "a.cast"),
      .login(loginEntry, connection: .max),
    ].map(Sample.init)
    + [
      RecorderToSupervisor.opened(number: .max), .failed(number: 0, reason: "No space left"), .note(""),
      .entered(connection: .max), .replaced(loginEntry, connection: .max), .left(connection: .max),
    ].map(Sample.init)
    + LoginEntry.Kind.allCases.map {
      Sample(LoginEntry($0, user: "", uid: 0, terminal: "", process: .min, address: "", time: .min))
    }
    + [
      TerminalUse.began(channel: .max, name: "/dev/pts/3", process: .min), .ended(name: "/dev/pts/3"),
    ].map(Sample.init)

  private static let journalSettings = JournalSettings(
    path: "/var/log/bssh/audit.log", mode: 0o640, maxSize: .max, maxBackups: .max, compress: true, sync: .interval,
    flushInterval: 1)
  private static let findings = {
    var findings = JournalFindings()
    (findings.series, findings.tornBytes, findings.missingLines, findings.isAltered) = (.files, .max, 1, true)
    return findings
  }()

  private static let journal: [Sample] =
    [
      SupervisorToJournal.open(journalSettings), .reopen,
      .append(JournalBatch(number: .max, isRepeated: true, events: [[1], []])),
      .append(JournalBatch(number: 0, isRepeated: false, events: [])), .close,
    ].map(Sample.init)
    + [
      JournalToSupervisor.found(findings), .found(JournalFindings()), .written(batch: .max),
      .failed(batch: 0, reason: "No space left"), .opened, .notOpened(reason: "", isPassing: true),
    ].map(Sample.init)

  private static let toTransport: [Sample] =
    [
      SupervisorToTransport.serve(connection: .max), .signature(nil), .signature([]), .signature([1, 2, 3]),
      .authentication(.success), .authentication(.failure(continuing: ["publickey"], partial: true)),
      .hostKeyProofs(nil), .hostKeyProofs([4]), .disconnect(reason: 11, text: "bye"), .disconnect(reason: 0, text: ""),
      .reportIdle, .announce("bssh: this session ends in 60 seconds (idle)"), .announce(""),
      .recordTerminals(input: true), .recording(channel: .max, title: "anna from 192.0.2.1"),
      .recording(channel: 0, title: nil),
    ].map(Sample.init)
    + [
      AuthenticationReply.success, .failure(continuing: [], partial: false),
      .failure(continuing: ["publickey", "keyboard-interactive"], partial: true),
      .publicKeyAcceptable(algorithm: [255], key: []),
      .prompt(name: "", instruction: "Expired", prompt: "Password: "),
    ].map(Sample.init)

  private static let fromTransport: [Sample] =
    [
      TransportToSupervisor.sign(hostKey: [1], algorithm: "ssh-ed25519", hash: [UInt8](repeating: 9, count: 32)),
      .negotiated(negotiated), .authenticate([]), .authenticate([0, 255]), .informationResponse([1]),
      .proveHostKeys([2]), .closed(reason: .sessionEnded, detail: "", bytesIn: .max, bytesOut: 0),
      .idle(since: 0), .idle(since: .max), .idle(since: .min), .record(channel: .max), .recorded(recordingEnd),
      .recorded(
        RecordingEnd(
          channel: 0, bytes: 0, hash: [UInt8](repeating: 0, count: 32), milliseconds: 0, failure: "No space left")),
    ].map(Sample.init)

  static let recordingEnd = RecordingEnd(
    channel: .max, bytes: .max, hash: [UInt8](repeating: 0xff, count: 32), milliseconds: .max, failure: nil)
  static let negotiated = Negotiated(client: "OpenSSH_9.2", keyExchange: "k", cipherIn: "", cipherOut: "c")

  private static let authority: [Sample] =
    [
      SupervisorToAuthority.sign(hostKey: [1], algorithm: "ssh-ed25519", hash: [2]),
      .proveHostKeys(sessionID: [1], keyExchangeAlgorithm: "rsa-sha2-512", keys: [[1], []]),
      .proveHostKeys(sessionID: [], keyExchangeAlgorithm: "", keys: []), .account(user: "anna", address: "192.0.2.7"),
      .publicKey(question),
      .publicKey(KeyQuestion(sessionID: [], request: [], client: nil, groups: ["staff", ""], files: [])),
      .password(user: "anna", password: [0, 255]), .code(user: "anna", code: [0, 255]),
    ].map(Sample.init)
    + [
      AuthorityToSupervisor.ready(hostKeys: []),
      .ready(hostKeys: [OfferedHostKey(blob: [1], description: "ssh-ed25519 SHA256:x")]), .signed(nil), .signed([1]),
      .proved(nil), .proved([]),
      .account(
        AccountAnswer(login: account, refusal: nil, lookUp: account, keyPaths: ["/a", ""], principalsPath: "/p")),
      .account(AccountAnswer(login: nil, refusal: .noSuchUser, lookUp: bareAccount, keyPaths: [])),
      .account(
        AccountAnswer(
          login: account, refusal: nil, lookUp: account, keyPaths: [], groups: ["staff", ""], systemName: "anna",
          noLogins: "")),
      .verdict(verdict), .verdict(Verdict(outcome: .rejected)), .verdict(Verdict(outcome: .accepted)),
      .code(.right(step: .max)), .code(.wrong), .code(.noSecret),
    ].map(Sample.init)
    + [
      AuthorityStart(hostKeyCount: 16, singleUser: nil), AuthorityStart(hostKeyCount: 0, singleUser: .max - 1),
    ].map(Sample.init)

  private static let session: [Sample] =
    [
      SupervisorToSession.lookUp(paths: ["/home/anna/.ssh/authorized_keys", ""], home: "/home/anna"),
      .lookUp(paths: [], home: ""), .login(login), .login(bareLogin), .longLogin,
      .checkAccount(AccountQuestion(name: "anna", groupPatterns: ["staff", "w*"], shells: ["/bin/sh", ""])),
      .terminalEntered,
      .mayStart(number: .max, allowed: true),
      .mayStart(number: 0, allowed: false), .scopeEntered,
    ].map(Sample.init)
    + [
      SessionToSupervisor.keys(keyFiles), .keys([]), .note("shell started on /dev/pts/3"), .note(""),
      .account(AccountState(isLocked: true, isExpired: false, isPasswordExpired: true, isClosed: true)),
      .account(AccountState(account: account, groups: ["staff", "w*"], shellKinds: [.none, .listed, .unlisted])),
      .account(AccountState(isLocked: false, isExpired: true, isPasswordExpired: false)),
      .facts(FactBatch([])), .facts(FactBatch(facts)), .terminal(.ended(name: "")),
      .terminal(.began(channel: 0, name: "/dev/pts/3", process: 1)), .starts(number: .max, Fact(.commandStarted)),
    ].map(Sample.init)
    + [TransferToSession.facts(FactBatch([])), .facts(FactBatch(facts)), .note("the root"), .note("")].map(Sample.init)

  private static let facts = {
    var renamed = Fact(.fileRenamed, .failure, .sftp)
    (renamed.path, renamed.destination) = ([0x2f, 0xff], [0x2f])
    var ended = Fact(.commandExecuted, .success, .exec)
    (ended.channel, ended.command, ended.exitStatus, ended.milliseconds) = (0, Array("ls".utf8), 3, 12)
    return [renamed, ended]
  }()

  private static let channels: [Sample] =
    [
      TransportToSession.request(channel: .max, terminal), .request(channel: 0, .shell),
      .closed(channel: 7, bytesIn: 1, bytesOut: .max),
    ].map(Sample.init)
    + [
      terminal, .environment(name: Array("LANG".utf8), value: []), .shell, .execute([0, 255]), .subsystem([1]),
      .windowChange(columns: 0, rows: .max, xPixels: 1, yPixels: 2), .signal(Array("TERM".utf8)),
      .breakSignal(.max), .overlongCommand(Array("echo".utf8)),
    ].map(Sample.init)
    + [
      SessionToTransport.done(channel: 0), .refused(channel: .max), .started(channel: 1, terminal: true),
      .started(channel: 1, terminal: false), .exited(channel: 2, status: .max),
      .killed(channel: 3, signal: "TERM", coreDumped: true), .killed(channel: 3, signal: "", coreDumped: false),
      .announce(channel: 4, "bssh: the command is ended"), .announce(channel: 0, ""),
    ].map(Sample.init)

  static let serviceAccounts = {
    var accounts = ServiceAccounts(
      transport: ServiceAccount(uid: 1, gid: 2), authority: ServiceAccount(uid: 3, gid: .max - 1),
      audit: ServiceAccount(uid: .max - 1, gid: 1))
    accounts.loginRecords = 43
    return accounts
  }()

  static let directory = OpenedDirectory(path: "/var/log/bssh", device: .max, inode: 2)

  private static let loaded = {
    var loaded = LoadedConfiguration(warnings: [], hostKeyCount: 1, listenerCount: 0, serviceAccounts: nil)
    loaded.journal = directory
    loaded.recordings = Array(repeating: directory, count: OpenedDirectory.most)
    return loaded
  }()

  private static let loader: [Sample] =
    [JournalOpening.opened(directory), .failed("'/var/log' belongs to root"), .failed("")].map(Sample.init)
    + [Sample(LoaderResult.loaded(loaded))]
    + [
      LoaderResult.loaded(
        LoadedConfiguration(warnings: ["w", ""], hostKeyCount: 16, listenerCount: 16, serviceAccounts: serviceAccounts)),
      .loaded(
        LoadedConfiguration(warnings: [], hostKeyCount: 0, listenerCount: 0, hasBans: true, serviceAccounts: nil)),
      .rejected(["/etc/bssh/server.yaml:1:1: x: unknown key"]), .rejected([]),
    ].map(Sample.init)

  static let identity = ForkIdentity(uid: 1000, gid: .max - 1, groups: [4, 0])

  static let move = SupervisorToScopes.move(
    number: .max, process: 2, scope: "bssh-login-1.scope", slice: "user-1000.slice", description: "")

  private static let service: [Sample] =
    [move].map(Sample.init)
    + [ScopesToSupervisor.moved(number: 1), .notMoved(number: .max, reason: "no"), .notMoved(number: 0, reason: "")]
    .map(Sample.init)
    + [ReloadAnswer.applied, .refused(["a", ""]), .refused([])].map(Sample.init)

  private static let zygote: [Sample] =
    [
      SupervisorToZygote.prepare(nil), .prepare(settings), .fork(number: .max, identity: nil),
      .fork(number: 0, identity: identity),
    ].map(Sample.init)
    + [
      ZygoteToSupervisor.ready(weaknesses: []), .ready(weaknesses: ["the kernel has no Landlock"]),
      .forked(number: 1, pid: .max), .forked(number: 1, pid: -1), .failed(number: .max, reason: "clone: no memory"),
    ].map(Sample.init)

  static let tls = TLSSettings(authorities: [1, 2], certificate: [3], key: [4, 5], verifies: false)

  private static let exporter: [Sample] =
    [
      ExporterToSupervisor.progress(ExporterProgress(shipped: nil, waiting: 0, isBehind: false)),
      .progress(ExporterProgress(shipped: .max, waiting: .max, isBehind: true)),
      .note(isProblem: true, text: "logs.example.org does not answer"), .note(isProblem: false, text: ""),
      .lost(.files, first: 1, count: .max, reason: .noLongerInJournal),
    ].map(Sample.init)
    + [
      .logstash(LogstashSettings(host: "2001:db8::1", port: .max, tls: tls, timeout: 10)),
      .logstash(LogstashSettings(host: "", port: 0, tls: nil, timeout: 0)),
      .otel(
        OTelSettings(
          endpoint: "https://collector:4317", transport: .grpc, headers: [.init(name: "authorization", value: [1, 2])],
          resource: [.init(name: "deployment.environment", value: "test")], compression: true, timeout: .max)),
      .otel(
        OTelSettings(endpoint: "", transport: .httpJSON, tls: tls, compression: false, timeout: 0)),
      .syslog(SyslogSettings(facility: 23, journalSocket: "/run/systemd/journal/socket", socket: "/dev/log")),
      .syslog(SyslogSettings(facility: 0, socket: "")),
    ].map { (receiver: ExporterSettings.Receiver) -> Sample in
      var settings = ExporterSettings(name: "n", journal: "/var/log/bssh/audit.log", batchSize: 100, receiver: receiver)
      if case .syslog = receiver { settings.place = directory }
      return Sample(settings)
    }

  /// Values that are parts of messages.
  private static let parts: [Sample] =
    [account, bareAccount].map(Sample.init) + [login, bareLogin].map(Sample.init)
    + [transfer, bareTransfer].map(Sample.init) + [settings, bareSettings, recordingSettings].map(Sample.init)
    + keyFiles.map(Sample.init)
    + [Verdict(outcome: .rejected), verdict, Verdict(outcome: .accepted)].map(Sample.init)
    + [CodeAnswer.right(step: 0), .wrong, .noSecret].map(Sample.init)
    + [permissions, .everything, .restricted].map(Sample.init)
    + [commands, CommandRules()].map(Sample.init) + [Sample(question), Sample(certificate)]
    + [Sample(negotiated), Sample(serviceAccounts), Sample(identity), Sample(directory)]
}
