import Audit
import IPC
import Testing
import Wire

/// A message with one field of a given size, and the error of reading it.
struct Limit: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let limit: Int
  let error: @Sendable (Int) -> WireError?

  init<Message: WireCodable>(_ name: String, _ limit: Int, _ make: @escaping @Sendable (Int) -> Message) {
    testDescription = "\(Message.self): \(name)"
    self.limit = limit
    error = { Samples.error(Message.self, make($0).wireBytes[...]) }
  }
}

private func text(_ count: Int) -> String { String(repeating: "a", count: count) }
private func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 97, count: count) }

@Suite struct LimitTests {
  static let authentication = TransportSettings.authenticationLimit

  static let transport: [Limit] = [
    Limit("reason", 1024) { SupervisorToTransport.disconnect(reason: 1, text: text($0)) },
    Limit("line", 1024) { SupervisorToTransport.announce(text($0)) },
    Limit("line", 1024) { SessionToTransport.announce(channel: 0, text($0)) },
    Limit("continuing", 1024) { AuthenticationReply.failure(continuing: [text($0)], partial: false) },
    Limit("algorithm", 256) { AuthenticationReply.publicKeyAcceptable(algorithm: bytes($0), key: []) },
    Limit("name", 1024) { AuthenticationReply.prompt(name: text($0), instruction: "", prompt: "") },
    Limit("instruction", 4096) { AuthenticationReply.prompt(name: "", instruction: text($0), prompt: "") },
    Limit("prompt", 1024) { AuthenticationReply.prompt(name: "", instruction: "", prompt: text($0)) },
    Limit("host key", 8192) { TransportToSupervisor.sign(hostKey: bytes($0), algorithm: "", hash: []) },
    Limit("algorithm", 64) { TransportToSupervisor.sign(hostKey: [], algorithm: text($0), hash: []) },
    Limit("hash", 64) { TransportToSupervisor.sign(hostKey: [], algorithm: "", hash: bytes($0)) },
    Limit("request", authentication) { TransportToSupervisor.authenticate(SecretBytes(bytes($0))) },
    Limit("response", authentication) { TransportToSupervisor.informationResponse(SecretBytes(bytes($0))) },
    Limit("proofs", authentication) { TransportToSupervisor.proveHostKeys(bytes($0)) },
    Limit("detail", 1024) {
      TransportToSupervisor.closed(reason: .sessionEnded, detail: text($0), bytesIn: 0, bytesOut: 0)
    },
    Limit("client", 256) { Negotiated(client: text($0), keyExchange: "", cipherIn: "", cipherOut: "") },
    Limit("key exchange", 128) { Negotiated(client: "", keyExchange: text($0), cipherIn: "", cipherOut: "") },
    Limit("cipher in", 128) { Negotiated(client: "", keyExchange: "", cipherIn: text($0), cipherOut: "") },
    Limit("cipher out", 128) { Negotiated(client: "", keyExchange: "", cipherIn: "", cipherOut: text($0)) },
  ]

  static let authority: [Limit] = [
    Limit("algorithm", 64) { SupervisorToAuthority.sign(hostKey: [], algorithm: text($0), hash: []) },
    Limit("hash", 64) { SupervisorToAuthority.sign(hostKey: [], algorithm: "", hash: bytes($0)) },
    Limit("session id", 64) {
      SupervisorToAuthority.proveHostKeys(sessionID: bytes($0), keyExchangeAlgorithm: "", keys: [])
    },
    Limit("algorithm", 64) {
      SupervisorToAuthority.proveHostKeys(sessionID: [], keyExchangeAlgorithm: text($0), keys: [])
    },
    Limit("user", 256) { SupervisorToAuthority.account(user: text($0), address: "") },
    Limit("address", 64) { SupervisorToAuthority.account(user: "", address: text($0)) },
    Limit("group", 256) { KeyQuestion(sessionID: [], request: [], client: nil, groups: [text($0)], files: []) },
    Limit("session id", 64) { KeyQuestion(sessionID: bytes($0), request: [], client: nil, files: []) },
    Limit("key id", 256) { CertificateIdentity(keyID: text($0), serial: 0, authority: "") },
    Limit("authority", 128) { CertificateIdentity(keyID: "", serial: 0, authority: text($0)) },
    Limit("user", 256) { SupervisorToAuthority.password(user: text($0), password: []) },
    Limit("password", 4096) { SupervisorToAuthority.password(user: "", password: SecretBytes(bytes($0))) },
    Limit("user", 256) { SupervisorToAuthority.code(user: text($0), code: SecretBytes([])) },
    Limit("code", 4096) { SupervisorToAuthority.code(user: "", code: SecretBytes(bytes($0))) },
    Limit("group", 256) {
      AccountAnswer(login: nil, refusal: nil, lookUp: Samples.bareAccount, keyPaths: [], groups: [text($0)])
    },
    Limit("system name", 256) {
      AccountAnswer(login: nil, refusal: nil, lookUp: Samples.bareAccount, keyPaths: [], systemName: text($0))
    },
    Limit("nologin", 4096) {
      AccountAnswer(login: nil, refusal: nil, lookUp: Samples.bareAccount, keyPaths: [], noLogins: text($0))
    },
    Limit("scope", 256) { SupervisorToScopes.move(number: 0, process: 2, scope: text($0), slice: "", description: "") },
    Limit("slice", 256) { SupervisorToScopes.move(number: 0, process: 2, scope: "", slice: text($0), description: "") },
    Limit("description", 1024) {
      SupervisorToScopes.move(number: 0, process: 2, scope: "", slice: "", description: text($0))
    },
    Limit("reason", 4096) { ScopesToSupervisor.notMoved(number: 0, reason: text($0)) },
    Limit("name", 256) { AccountQuestion(name: text($0)) },
    Limit("pattern", 256) { AccountQuestion(name: "", groupPatterns: [text($0)]) },
    Limit("group", 256) { AccountState(groups: [text($0)]) },
    Limit("key path", 4096) {
      AccountAnswer(login: nil, refusal: nil, lookUp: Samples.bareAccount, keyPaths: [text($0)])
    },
    Limit("principals path", 4096) {
      AccountAnswer(login: nil, refusal: nil, lookUp: Samples.bareAccount, keyPaths: [], principalsPath: text($0))
    },
    Limit("path", 4096) { KeyFile(path: text($0), length: 0, problem: nil) },
    Limit("problem", 8192) { KeyFile(path: "", length: 0, problem: text($0)) },
    Limit("fingerprint", 128) { Verdict(outcome: .rejected, fingerprint: text($0)) },
    Limit("place", 8192) { Verdict(outcome: .rejected, place: text($0)) },
    Limit("warning", 8192) { Verdict(outcome: .rejected, warnings: [text($0)]) },
    Limit("forced command", 16 << 10) { KeyPermissions(forcedCommand: bytes($0)) },
    Limit("environment", 1024) {
      KeyPermissions(environment: Array(repeating: EnvironmentVariable(name: "", value: ""), count: $0))
    },
    Limit("permitopen", 1024) {
      KeyPermissions(permitOpen: Array(repeating: ForwardingPlace(host: "", port: nil), count: $0))
    },
    Limit("permitlisten", 1024) {
      KeyPermissions(permitListen: Array(repeating: ForwardingPlace(host: "", port: nil), count: $0))
    },
    Limit("host", 1024) { ForwardingPlace(host: text($0), port: nil) },
    Limit("blob", 8192) { OfferedHostKey(blob: bytes($0), description: "") },
    Limit("description", 256) { OfferedHostKey(blob: [], description: text($0)) },
  ]

  static let session: [Limit] = [
    Limit("path", 4096) { SupervisorToSession.lookUp(paths: [text($0)], home: "") },
    Limit("home", 4096) { SupervisorToSession.lookUp(paths: [], home: text($0)) },
    Limit("note", 1024) { SessionToSupervisor.note(text($0)) },
    Limit("note", 1024) { TransferToSession.note(text($0)) },
    Limit("facts", FactBatch.countLimit) {
      SessionToSupervisor.facts(FactBatch([Fact](repeating: Fact(.fileRead), count: $0)))
    },
    Limit("terminal", 64) { SessionToSupervisor.terminal(.ended(name: text($0))) },
    Limit("user", 1024) {
      LoginEntry(.began, user: text($0), uid: 0, terminal: "", process: 0, address: "")
    },
    Limit("name of a recording", 255) { SupervisorToRecorder.open(number: 0, directory: "", name: text($0)) },
    Limit("directories", RecorderSettings.mostDirectories) {
      RecorderSettings(
        directories: Array(repeating: OpenedDirectory(path: "", device: 0, inode: 0), count: $0), keepsLogins: true)
    },
    Limit("why a recording failed", 256) {
      TransportToSupervisor.recorded(
        RecordingEnd(
          channel: 0, bytes: 0, hash: [UInt8](repeating: 0, count: 32), milliseconds: 0, failure: text($0)))
    },
    Limit("signal", 64) { SessionToTransport.killed(channel: 0, signal: text($0), coreDumped: false) },
    Limit("name", 256) { Account(name: text($0), uid: 0, gid: 0, groups: [], home: "", shell: "") },
    Limit("home", 4096) { Account(name: "", uid: 0, gid: 0, groups: [], home: text($0), shell: "") },
    Limit("shell", 4096) { Account(name: "", uid: 0, gid: 0, groups: [], home: "", shell: text($0)) },
    Limit("name", 1024) { EnvironmentVariable(name: text($0), value: "") },
    Limit("value", 128 << 10) { EnvironmentVariable(name: "", value: text($0)) },
    Limit("client address", 64) { login { $0.clientAddress = text($1) }($0) },
    Limit("server address", 64) { login { $0.serverAddress = text($1) }($0) },
    Limit("accepted variable", 1024) { login { $0.acceptEnvironment = [text($1)] }($0) },
    Limit("motd", 4096) { login { $0.motd = text($1) }($0) },
    Limit("pattern", 1024) { CommandRules(allowed: [text($0)]) },
    Limit("pattern", 1024) { CommandRules(blocked: [text($0)]) },
    Limit("patterns", 256) { CommandRules(allowed: Array(repeating: "a", count: $0)) },
    Limit("patterns", 256) { CommandRules(blocked: Array(repeating: "a", count: $0)) },
    Limit("forced command", 16 << 10) { CommandRules(forced: text($0)) },
  ]

  static let others: [Limit] = [
    Limit("path of a directory", 4096) { OpenedDirectory(path: text($0), device: 0, inode: 0) },
    Limit("why a directory cannot be opened", 8192) { JournalOpening.failed(text($0)) },
    Limit("why the journal cannot be opened", 1024) {
      JournalToSupervisor.notOpened(reason: text($0), isPassing: false)
    },
    Limit("directories of recordings", OpenedDirectory.most) {
      var loaded = LoadedConfiguration(warnings: [], hostKeyCount: 0, listenerCount: 0, serviceAccounts: nil)
      loaded.recordings = Array(repeating: OpenedDirectory(path: "", device: 0, inode: 0), count: $0)
      return loaded
    },
    Limit("problem", 8192) { LoaderResult.rejected([text($0)]) },
    Limit("place", 8192) { Verdict(outcome: .rejected, place: text($0)) },
    Limit("warning", 8192) {
      LoadedConfiguration(warnings: [text($0)], hostKeyCount: 0, listenerCount: 0, serviceAccounts: nil)
    },
    Limit("weakness", 256) { ZygoteToSupervisor.ready(weaknesses: [text($0)]) },
    Limit("reason", 1024) { ZygoteToSupervisor.failed(number: 0, reason: text($0)) },
    Limit("note", 2048) { ExporterToSupervisor.note(isProblem: false, text: text($0)) },
    Limit("endpoint", 4096) {
      OTelSettings(endpoint: text($0), transport: .grpc, compression: false, timeout: 0)
    },
    Limit("header", 8192) {
      OTelSettings(
        endpoint: "", transport: .grpc, headers: [.init(name: "", value: SecretBytes(bytes($0)))],
        compression: false, timeout: 0)
    },
    Limit("host", 1024) { LogstashSettings(host: text($0), port: 0, tls: nil, timeout: 0) },
    Limit("journal", 4096) {
      ExporterSettings(
        name: "", journal: text($0), batchSize: 1, receiver: .syslog(SyslogSettings(facility: 0, socket: "")))
    },
    Limit("certificate", 1 << 20) { TLSSettings(certificate: bytes($0)) },
  ]

  private static func login(_ change: @escaping (inout Login, Int) -> Void) -> (Int) -> Login {
    { count in
      var login = Samples.bareLogin
      change(&login, count)
      return login
    }
  }

  @Test(arguments: transport + authority + session + others) func `a field may be as long as its limit and no longer`(
    _ limit: Limit
  ) {
    #expect(limit.error(limit.limit - 1) == nil)
    #expect(limit.error(limit.limit) == nil)
    #expect(limit.error(limit.limit + 1) == .tooLong)
  }

  @Test func `at most 16 host keys and 16 sockets come with a message`() {
    for count: UInt32 in [0, 16, 17, .max] {
      let wanted: WireError? = count > 16 ? .malformed : nil
      #expect(read(AuthorityStart(hostKeyCount: count, singleUser: nil)) == wanted)
      for (keys, sockets) in [(count, 0), (0, count)] {
        let loaded = LoadedConfiguration(
          warnings: [], hostKeyCount: keys, listenerCount: sockets, serviceAccounts: nil)
        #expect(read(loaded) == wanted)
      }
    }
  }

  @Test func `a reason that there is not is malformed`() {
    let ends: [(String, WireError?)] =
      TransportEnd.allCases.map { ($0.rawValue, nil) } + ["server_shutdown", "banned", ""].map { ($0, .malformed) }
    for (reason, error) in ends {
      var writer = WireWriter()
      writer.byte(7)
      writer.text(reason)
      writer.text("")
      for _ in 0..<2 { writer.uint64(0) }
      #expect(Samples.error(TransportToSupervisor.self, writer.bytes[...]) == error, "\(reason)")
    }
    #expect(read(Verdict(outcome: .rejected, reason: "no_such_reason")) == .malformed)
    #expect(read(Verdict.rejected(ProofRefusal.wrongPassword)) == nil)
  }

  @Test func `no service account is root`() {
    #expect(read(ServiceAccount(uid: 1, gid: 1)) == nil)
    #expect(read(ServiceAccount(uid: 0, gid: 1)) == .malformed)
    #expect(read(ServiceAccount(uid: 1, gid: 0)) == .malformed)
  }

  @Test(arguments: [UInt32(65536), 65558, .max]) func `a port over 65,535 is refused, not cut`(port: UInt32) {
    for place in [Samples.bareLogin.portOffset, Samples.bareLogin.portOffset + 8] {
      var bytes = Samples.bareLogin.wireBytes
      for i in 0..<4 { bytes[place + i] = UInt8(truncatingIfNeeded: port >> (24 - 8 * i)) }
      #expect(Samples.error(Login.self, bytes[...]) == .malformed)
    }
  }

  @Test func `a message with a count that lies is refused before anything is made room for`() {
    for count: UInt32 in [1000, 0x7fff_ffff, .max] {
      var writer = WireWriter()
      writer.byte(1)
      writer.uint32(count)
      for bytes in [writer.bytes, writer.bytes + bytes(64)] {
        #expect(Samples.error(SessionToSupervisor.self, bytes[...]) == .tooLong)
        #expect(Samples.error(AuthorityToSupervisor.self, bytes[...]) == .tooLong)
        #expect(Samples.error(ZygoteToSupervisor.self, bytes[...]) == .tooLong)
        #expect(Samples.error(SupervisorToSession.self, bytes[...]) == .tooLong)
      }
    }
  }

  private func read<Message: WireCodable>(_ message: Message) -> WireError? {
    Samples.error(Message.self, message.wireBytes[...])
  }
}

extension Login {
  /// Where the client's port stands when both addresses are empty.
  fileprivate var portOffset: Int { account.wireBytes.count + 4 }
}

extension KeyPermissions {
  fileprivate init(
    forcedCommand: [UInt8]? = nil, environment: [EnvironmentVariable] = [], permitOpen: [ForwardingPlace]? = nil,
    permitListen: [ForwardingPlace]? = nil
  ) {
    self = .everything
    self.forcedCommand = forcedCommand
    self.environment = environment
    self.permitOpen = permitOpen
    self.permitListen = permitListen
  }
}
