import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// The daemon's own process, which only notes what is done to it.
final class FakeDaemonProcess: DaemonProcess {
  var isService = true
  var obstacles = ["an obstacle"]
  private(set) var acts: [String] = []
  /// What fails.
  var failing: Set<String> = []
  /// Where the log goes once the daemon has detached; nil: it runs in the foreground.
  var systemLog: Descriptor?

  private func act(_ what: String) throws(SystemError) {
    if failing.contains(what) { throw SystemError(what, code: EPERM) }
    acts.append(what)
  }

  func prepareTransportRoot() throws(SystemError) { try act("prepare root") }
  func writePidFile() throws(SystemError) { try act("write pid file") }
  func removePidFile() { acts.append("remove pid file") }

  func notify(_ state: ServiceState) {
    switch state {
    case .ready: acts.append("ready")
    case .status: acts.append("status")
    case .reloading: acts.append("reloading")
    case .stopping: acts.append("stopping")
    }
  }

  func reportReady(_ status: String) throws(SystemError) -> Descriptor? {
    try act("report")
    return systemLog
  }

  func continueInCopy(with staying: [Int32]) throws(SystemError) { try act("copy") }
}

/// All services of the daemon, on a runtime and a process that a test plays.
final class FakeDaemon {
  let runtime = FakeRuntime()
  let process = FakeDaemonProcess()
  let loaded: LoadedSettings
  let supervisor: Supervisor
  /// Batches that the journal has written.
  private var written = 0

  init(hasJournal: Bool = true, _ change: (inout Settings) -> Void = { _ in }) throws {
    loaded = try LoadedSettings.sample(hasJournal: hasJournal) {
      $0.server.bindAddresses = [Settings.BindAddress(address: "127.0.0.1", port: 0)]
      $0.server.spareTransports = 0
      $0.auth.methods = [.password]
      $0.audit.loginRecords = false
      change(&$0)
    }
    supervisor = Supervisor(
      try #require(SupervisorArguments(["--foreground", "--", "/s", "-c", "x"])), loaded, runtime, process,
      isRoot: true,
      directory: nil, transfer: try Descriptor.open("/dev/null", O_RDONLY))
  }

  var exitCode: ExitCode? { supervisor.life.exitCode }
  func child(_ role: Child.Role) -> Child? { runtime.started.last { $0.role == role } }

  /// Handles events until there are none.
  func run() { while let event = runtime.next() { _ = supervisor.handle(event) } }

  func post(_ event: SupervisorEvent) {
    runtime.post(event)
    run()
  }

  func post(_ event: ConnectionMachine.Event, _ number: UInt64) { post(.connection(event, of: number)) }

  /// A process of this role says something.
  func say(_ message: some WireCodable, by role: Child.Role) throws {
    post(.message(message.wireBytes, [], from: try #require(child(role))))
  }

  func signal(_ number: Int32, user: UInt32 = 0) { post(.signal(number, process: 7, user: user)) }

  /// The time of a timer comes.
  func fire(_ key: TimerKey) {
    #expect(runtime.fire(key), "\(key)")
    post(.timer(key))
  }

  /// Everything works but the journal, whose file is not open yet.
  func begin() throws {
    post(.start)
    try say(
      AuthorityToSupervisor.ready(hostKeys: [OfferedHostKey(blob: Scenario.hostKey, description: "key")]),
      by: .authority)
  }

  /// The daemon has started.
  func start() throws {
    try begin()
    try say(JournalToSupervisor.opened, by: .journal)
  }

  /// The batches of events that the journal was told to write.
  func batches() throws -> [JournalBatch] {
    try runtime.messages(SupervisorToJournal.self, to: child(.journal)).compactMap {
      if case .append(let batch) = $0 { batch } else { nil }
    }
  }

  /// The journal writes what it is told, until there is no more.
  func writeJournal() throws {
    while let batch = try batches().dropFirst(written).first {
      written += 1
      try say(JournalToSupervisor.written(batch: batch.number), by: .journal)
    }
  }

  /// A connection comes, and gets a transport; returns its number.
  func connect() throws -> UInt64 {
    let number = try accept()
    try makeTransport()
    return number
  }

  /// Opens a connection; returns its number.
  func accept() throws -> UInt64 {
    let before = Set(runtime.timers.keys)
    post(
      .accepted(
        NewConnection(
          descriptor: try Descriptor.streamPair().0, client: SocketAddress(address: "203.0.113.7", port: 50_000),
          server: SocketAddress(address: "192.0.2.1", port: 22))))
    let new = runtime.timers.keys.first {
      if case .connection(_, .loginGrace) = $0 { !before.contains($0) } else { false }
    }
    guard case .connection(let number, _)? = new else { throw SystemError("connect", code: EINVAL) }
    return number
  }

  /// Lets the zygote create the transport.
  func makeTransport() throws {
    let transport = try #require(child(.transport))
    _ = try runtime.adopt(1, isChild: true, as: transport)
    post(.made(transport))
  }

  /// Advances a connection to the verdict on a password.
  func authenticate(_ number: UInt64) {
    post(Scenario.sign, number)
    post(.signed([4]), number)
    post(Scenario.negotiated, number)
    post(.transport(.authenticate(SecretBytes(Scenario.passwordRequest()))), number)
    post(.account(Scenario.known()), number)
    post(.accountChecked(Scenario.state(Scenario.known())), number)
    runtime.now += 60_000
  }

  /// A connection logs in; returns its number.
  func logIn() throws -> UInt64 {
    let number = try connect()
    authenticate(number)
    post(.verdict(Verdict(outcome: .accepted)), number)
    return number
  }

  /// The transport of a connection and its session process end.
  func end(_ number: UInt64) {
    for child in runtime.children.values where child.connection == number { runtime.end(child, .code(0)) }
    run()
  }
}
