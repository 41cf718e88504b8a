import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import Model
import System
import Testing
import Wire

@testable import Supervisor

/// Connections with all services that they use, on a simulated runtime.
@Suite struct ConnectionServiceTests {
  private let daemon: FakeDaemon
  private let loaded: LoadedSettings

  init() throws {
    daemon = try FakeDaemon { $0.audit.bufferSize = 3 }
    loaded = daemon.loaded
    connections.apply(loaded.settings, hostKeys: [Scenario.hostKey])
    daemon.supervisor.transports.started()
  }

  private var runtime: FakeRuntime { daemon.runtime }
  private var journal: JournalService { daemon.supervisor.journal }
  private var sessions: SessionService { daemon.supervisor.sessions }
  private var connections: ConnectionService { daemon.supervisor.connections }

  private func run() { daemon.run() }

  private func post(_ event: ConnectionMachine.Event, _ number: UInt64) { daemon.post(event, number) }
  private func connect() throws -> UInt64 { try daemon.accept() }
  private func makeTransport() throws { try daemon.makeTransport() }
  private func authenticate(_ number: UInt64) { daemon.authenticate(number) }

  private var transport: Child? { daemon.child(.transport) }
  private var session: Child? { daemon.child(.session) }

  private func told(_ child: Child?) throws -> [SupervisorToTransport] {
    try runtime.messages(SupervisorToTransport.self, to: child)
  }

  private func isSuccess(_ message: SupervisorToTransport) -> Bool {
    if case .authentication(.success) = message { true } else { false }
  }

  private func disconnects(_ message: SupervisorToTransport) -> Bool {
    if case .disconnect = message { true } else { false }
  }

  @Test func `a granted login has a session process, whose socket is sent to the transport`() throws {
    let number = try connect()
    try makeTransport()
    #expect(runtime.sent.last?.descriptors.count == 1, "the client's socket goes to the transport")
    authenticate(number)
    post(.verdict(Verdict(outcome: .accepted)), number)
    let opened = try #require(session)
    #expect(try runtime.messages(SupervisorToSession.self, to: opened).count == 1)
    #expect(try told(transport).filter(isSuccess).count == 1)
    #expect(connections.loginCount == 1 && sessions.processes.map(\.number) == [opened.number])
    post(Scenario.lastWord, number)
    post(.transportEnded(.code(0)), number)
    #expect(connections.count == 0 && runtime.hasTimer(.kill(opened.number)))
    // The login ends after the last message of its process.
    let before = runtime.lines.count
    runtime.end(opened, .code(0))
    run()
    #expect(sessions.processes.isEmpty && runtime.lines.count > before)
  }

  @Test func `after a reload between accept and transport the settings of the transport apply`() throws {
    let (first, second) = (try connect(), try connect())
    let new = try LoadedSettings.sample { $0.auth.methods = [.keyboardInteractive] }
    connections.apply(new.settings, hostKeys: [[9]])
    let made = runtime.started.filter { $0.role == .transport }
    for child in made {
      _ = try runtime.adopt(1, isChild: true, as: child)
      runtime.post(.made(child))
      run()
    }
    #expect(made.map(\.connection) == [first, second])
    post(.transport(.sign(hostKey: [9], algorithm: "ssh-ed25519", hash: Scenario.hash)), second)
    #expect(made[1].sentSignal == nil)
    // The earlier host key is not one of these transports'.
    post(Scenario.sign, first)
    #expect(made[0].sentSignal == SIGKILL)
  }

  @Test func `a session process that dies during the start of the login ends the connection without success`()
    throws
  {
    let number = try connect()
    try makeTransport()
    authenticate(number)
    var isDead = false
    runtime.whenSending = { [runtime] child in
      guard child.role == .session, !isDead else { return }
      isDead = true
      runtime.end(child)
    }
    post(.verdict(Verdict(outcome: .accepted)), number)
    #expect(isDead && sessions.processes.isEmpty)
    #expect(try told(transport).filter(isSuccess).isEmpty && told(transport).filter(disconnects).count == 1)
    #expect(connections.loginCount == 0)
    post(.transportEnded(.code(0)), number)
    #expect(connections.count == 0)
  }

  @Test func `a journal that fills during the start of a login pauses the complete login until it keeps up`()
    throws
  {
    try daemon.start()
    try daemon.writeJournal()
    let number = try connect()
    try makeTransport()
    authenticate(number)
    #expect(!journal.hasBackpressure)
    post(.verdict(Verdict(outcome: .accepted)), number)
    let opened = try #require(session)
    // The login's own events have filled the queue.
    #expect(journal.hasBackpressure && runtime.paused == [opened.number])
    #expect(try connections.loginCount == 1 && told(transport).filter(isSuccess).count == 1)
    try daemon.writeJournal()
    #expect(!journal.hasBackpressure && runtime.paused.isEmpty)
  }

  @Test func `all connections disconnect when the daemon ends, and only those without a login at a hand-over`() throws {
    let login = try connect()
    try makeTransport()
    let first = transport
    authenticate(login)
    post(.verdict(Verdict(outcome: .accepted)), login)
    let waiting = try connect()
    connections.end(.abandon, logins: false)
    run()
    #expect(connections.count == 1 && connections.loginCount == 1)
    post(.accepted, waiting)
    #expect(connections.count == 1, "nothing happens to a connection that is over")
    connections.end(.shutDown, logins: true)
    run()
    #expect(try told(first).filter(disconnects).count == 1)
    connections.end(.transportEnded(.unknown), logins: true)
    run()
    #expect(connections.count == 0)
  }
}

/// A connection, and a service that is all that it needs.
@Suite struct ConnectionPeersTests {
  private final class Peers: EventLog, StartControl, TransportSource, AuthorityQuestions, AccountChecks,
    SessionProcesses, RecordingFiles, RecorderDemand, TerminalRecords
  {
    var admits = true
    private(set) var calls: [String] = []
    private(set) var suffixes: [String?] = []

    func record(_ record: AuditRecord, of subject: Subject, _ connection: UInt64?, logging suffix: String?) {
      suffixes.append(suffix)
    }
    func admits(_ client: IPAddress, _ address: SocketAddress, _ number: UInt64) -> Bool { admits }
    func advance(_ number: UInt64, to progress: StartProgress) {}
    func finishStart(_ number: UInt64) { calls.append("finish start") }
    func handle(_ event: AdmissionControl.PenaltyEvent, _ number: UInt64, of client: IPAddress) {
      calls.append("\(event)")
    }
    func countCheck(of address: SocketAddress) { calls.append("check") }
    func suffix(of record: AuditRecord) -> String? { " (flood)" }
    func serve(_ connection: UInt64, of source: ClientSource) { calls.append("serve") }
    func ask(_ question: SupervisorToAuthority, for connection: UInt64, from source: ClientSource, keys: Descriptor?) {
      calls.append("ask")
    }
    func checkAccount(_ question: AccountCheckRequest, for connection: UInt64) { calls.append("check account") }
    func killCheck(of connection: UInt64) { calls.append("kill check") }
    func fetchKeys(of account: Account, _ paths: [String], for connection: UInt64) { calls.append("look up") }
    func foundKeys(of connection: UInt64) -> Descriptor? { nil }
    func open(_ login: Login, promoting: Bool, user: String, limit: Int, for connection: UInt64) {
      calls.append("open \(user) \(limit)")
    }
    func hasProcess(_ connection: UInt64) -> Bool { true }
    func setSubject(_ subject: Subject, of connection: UInt64) { calls.append("subject") }
    func awaitStart(_ number: UInt64, of connection: UInt64) { calls.append("await start \(number)") }
    func enterTerminal(of connection: UInt64) { calls.append("enter terminal") }
    func throttle(_ connection: UInt64, user: String?) { calls.append("throttle") }
    func recordAtEnd(_ record: AuditRecord, of subject: Subject, _ connection: UInt64) { calls.append("record at end") }
    func end(of connection: UInt64) { calls.append("end session") }
    func kill(of connection: UInt64) { calls.append("kill session") }
    func open(in directory: String, user: String, session: String, for connection: UInt64) { calls.append("record") }
    func takeSocket(of connection: UInt64) -> Descriptor? { nil }
    func killRecorder(of connection: UInt64) { calls.append("kill recorder") }
    func setNeeds(_ new: RecordingNeeds?, of connection: UInt64) { if new == nil { calls.append("no needs") } }
    func record(_ entry: LoginEntry, isWanted: Bool, of connection: UInt64) { calls.append("\(entry.kind)") }
    func forget(_ connection: UInt64) { calls.append("forget") }

    /// What was called since the last time.
    func take() -> [String] {
      defer { calls = [] }
      return calls
    }
  }

  private let runtime = FakeRuntime()
  private let peers = Peers()
  private let service: ConnectionService

  init() {
    var settings = Settings()
    settings.auth.methods = [.password]
    settings.security.maxSessionsPerUser = 3
    service = ConnectionService(
      runtime,
      ConnectionService.Services(
        events: peers, admission: peers, transports: peers, authorities: peers, accounts: peers, sessions: peers,
        recorders: peers, recordings: peers, logins: peers), settings, singleUser: nil)
    service.apply(settings, hostKeys: [Scenario.hostKey])
  }

  /// A connection comes; returns its number, if it may.
  private func connect() throws -> UInt64? {
    service.open(
      NewConnection(
        descriptor: try Descriptor.streamPair().0, client: SocketAddress(address: "203.0.113.7", port: 50_000),
        server: SocketAddress(address: "192.0.2.1", port: 22)))
    guard case .connection(.accepted, let number)? = runtime.next() else { return nil }
    service.handle(.accepted, of: number)
    return number
  }

  @Test func `who may not start leaves nothing behind`() throws {
    peers.admits = false
    #expect(try connect() == nil && service.count == 0 && peers.calls.isEmpty && runtime.timers.isEmpty)
  }

  @Test func `a login asks one service after the other, and nobody else`() throws {
    let number = try #require(try connect())
    #expect(peers.take() == ["serve"] && peers.suffixes == [" (flood)"])
    func handle(_ event: ConnectionMachine.Event) -> [String] {
      service.handle(event, of: number)
      return peers.take()
    }
    service.assign(try runtime.add(.transport), to: number)
    guard case .connection(let served, number)? = runtime.next() else { throw SystemError("assign", code: EINVAL) }
    #expect(handle(served).isEmpty)
    #expect(handle(Scenario.sign) == ["ask"])
    #expect(handle(.signed([4])).isEmpty && handle(Scenario.negotiated).isEmpty)
    #expect(handle(.transport(.authenticate(SecretBytes(Scenario.passwordRequest())))) == ["ask"])
    #expect(handle(.account(Scenario.known())) == ["check account"])
    #expect(handle(.accountChecked(Scenario.state(Scenario.known()))) == ["ask"])
    runtime.now += 60_000
    #expect(handle(.verdict(Verdict(outcome: .accepted))).last == "open bob 3")
    service.loginOpened(number, try Descriptor.streamPair().0)
    #expect(handle(.sessionOpened(.random())).contains("subject") && service.loginCount == 1)
  }

  @Test func `a connection that is over is forgotten by all services, and its timers are gone`() throws {
    let number = try #require(try connect())
    _ = peers.take()
    service.handle(.transportEnded(.code(0)), of: number)
    let calls = peers.take()
    #expect(calls.filter { $0 == "forget" }.count == 6)
    #expect(calls.contains("kill check") && calls.contains("no needs"))
    #expect(service.count == 0 && runtime.timers.isEmpty)
    service.handle(.accepted, of: number)
    #expect(peers.calls.isEmpty)
  }
}
