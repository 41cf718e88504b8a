import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// Connections with all services that they use, on a simulated runtime.
@Suite struct ConnectionServiceTests {
  private let runtime = FakeRuntime()
  private let loaded: LoadedSettings
  private let journal: JournalService
  private let audit: AuditService
  private let transportZygotes: ZygoteService
  private let sessionZygotes: ZygoteService
  private let transports: TransportService
  private let sessions: SessionService
  private let connections: ConnectionService
  private let closed = Count()

  private final class Count { var count = 0 }

  init() throws {
    loaded = try LoadedSettings.sample {
      $0.auth.methods = [.password]
      $0.audit.bufferSize = 3
      $0.audit.loginRecords = false
    }
    journal = JournalService(runtime, loaded, hostName: "here")
    let recorders = RecorderService(runtime)
    let recordings = RecordingService(runtime, recorders)
    let logins = LoginRecordService(runtime, recorders)
    audit = AuditService(runtime, journal, recorders, recordings, logins)
    transportZygotes = ZygoteService(runtime, of: .transport, .transportZygote(nil))
    sessionZygotes = ZygoteService(runtime, of: .session, .sessionZygote)
    transports = TransportService(runtime, transportZygotes)
    let scopes = ScopeService(runtime, isRoot: false, isService: false)
    sessions = SessionService(runtime, sessionZygotes, scopes, journal, audit, isRoot: true)
    connections = ConnectionService(
      runtime,
      ConnectionService.Services(
        events: audit, admission: AdmissionService(runtime, audit, loaded.settings), transports: transports,
        authorities: AuthorityService(runtime, singleUser: nil), sessions: sessions, recorders: recorders,
        recordings: recordings, logins: logins), loaded.settings, singleUser: nil)
    connections.apply(loaded.settings, hostKeys: [Scenario.hostKey])
    transports.started()
    transports.replaceAll(spares: 0)
  }

  /// Passes events to the services, as the supervisor does, until there are none.
  private func run() {
    while let event = runtime.next() {
      switch event {
      case .connection(let event, let number): connections.handle(event, of: number)
      case .accepted(let connection): connections.open(connection)
      case .transportAssigned(let child, let number): connections.assign(child, to: number)
      case .loginOpened(let number, let socket): connections.loginOpened(number, socket)
      case .made(let child): if child.role == .transport { transports.made(child) }
      case .ended(let child, let status) where child.role == .session: sessions.ended(child, status)
      case .ended(let child, let status) where child.role == .transport: transports.ended(child, status)
      case .ended(let child, let status) where child.role == .journal: journal.ended(child, status)
      case .journalHolds: sessions.hold()
      case .journalReleases: sessions.release()
      case .connectionClosed: closed.count += 1
      default: break
      }
    }
  }

  private func post(_ event: ConnectionMachine.Event, _ number: UInt64) {
    runtime.post(.connection(event, of: number))
    run()
  }

  /// Opens a connection; returns its number.
  private func connect() throws -> UInt64 {
    let before = Set(runtime.timers.keys)
    let (ours, _) = try Descriptor.streamPair()
    runtime.post(
      .accepted(
        NewConnection(
          descriptor: ours, client: SocketAddress(address: "203.0.113.7", port: 50_000),
          server: SocketAddress(address: "192.0.2.1", port: 22))))
    run()
    let new = runtime.timers.keys.first {
      if case .connection(_, .loginGrace) = $0 { !before.contains($0) } else { false }
    }
    guard case .connection(let number, _)? = new else { throw SystemError("connect", code: EINVAL) }
    return number
  }

  private var transport: Child? { runtime.started.last { $0.role == .transport } }
  private var session: Child? { runtime.started.last { $0.role == .session } }

  /// Lets the zygote create the transport.
  private func makeTransport() throws {
    let child = try #require(transport)
    _ = try runtime.adopt(1, isChild: true, as: child)
    runtime.post(.made(child))
    run()
  }

  /// Advances a connection to the verdict on a password.
  private func authenticate(_ number: UInt64) {
    post(Scenario.sign, number)
    post(.signed([4]), number)
    post(Scenario.negotiated, number)
    post(.transport(.authenticate(SecretBytes(Scenario.passwordRequest()))), number)
    post(.account(Scenario.known()), number)
    post(.accountChecked(Scenario.state(Scenario.known())), number)
    runtime.now += 60_000
  }

  private func told(_ child: Child?) throws -> [SupervisorToTransport] {
    try runtime.messages(SupervisorToTransport.self, to: child)
  }

  private func isSuccess(_ message: SupervisorToTransport) -> Bool {
    if case .authentication(.success) = message { true } else { false }
  }

  private func isGoodbye(_ message: SupervisorToTransport) -> Bool {
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
    #expect(connections.count == 0 && closed.count == 1 && runtime.hasTimer(.kill(opened.number)))
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
    #expect(try told(transport).filter(isSuccess).isEmpty && told(transport).filter(isGoodbye).count == 1)
    #expect(connections.loginCount == 0)
    post(.transportEnded(.code(0)), number)
    #expect(connections.count == 0)
  }

  @Test func `a journal that fills during the start of a login pauses the complete login until it keeps up`()
    throws
  {
    journal.apply(loaded)
    let writer = try #require(runtime.started.last { $0.role == .journal })
    journal.handle(JournalToSupervisor.opened.wireBytes, [], from: writer)
    run()
    let number = try connect()
    try makeTransport()
    authenticate(number)
    #expect(!journal.isHolding)
    post(.verdict(Verdict(outcome: .accepted)), number)
    let opened = try #require(session)
    // The login's own events have filled the queue.
    #expect(journal.isHolding && runtime.paused == [opened.number])
    #expect(try connections.loginCount == 1 && told(transport).filter(isSuccess).count == 1)
    for batch in UInt64(1)...2 { journal.handle(JournalToSupervisor.written(batch: batch).wireBytes, [], from: writer) }
    run()
    #expect(!journal.isHolding && runtime.paused.isEmpty)
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
    #expect(try told(first).filter(isGoodbye).count == 1)
    connections.end(.transportEnded(.unknown), logins: true)
    run()
    #expect(connections.count == 0)
  }
}
