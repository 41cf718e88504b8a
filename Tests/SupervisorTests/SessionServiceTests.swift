import Audit
import Configuration
import Filter
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct SessionServiceTests {
  /// A simulated journal with budgets.
  private final class Gate: LoginGate, JournalPatience, EventBudget {
    var hasBackpressure = false
    var isOpen = true
    var wait: Int64 = 0
    private(set) var records: [AuditRecord] = []
    private(set) var starts: [String] = []

    func admits(_ user: String) -> Bool { isOpen }
    func isRescueUser(_ name: String) -> Bool { name == "mender" }
    func awaitStart(_ number: UInt64, of session: Child, user: String) { starts.append("\(number) \(user)") }
    func wait(for user: String) -> Int64 { wait }
    func record(_ record: AuditRecord, of subject: Subject, _ connection: UInt64?, logging suffix: String?) {
      records.append(record)
    }
  }

  private let runtime = FakeRuntime()
  private let gate = Gate()
  private let pauses: SessionPauseService
  private let accounts: AccountCheckService
  private let service: SessionService

  init() {
    let zygotes = ZygoteService(runtime, of: .session, .sessionZygote)
    accounts = AccountCheckService(runtime, zygotes)
    pauses = SessionPauseService(runtime, gate, gate)
    service = SessionService(
      runtime, zygotes, ScopeService(runtime, isRoot: false, isService: false), pauses, gate, gate, isRoot: true)
  }

  private var process: Child? { runtime.started.last { $0.role == .session } }

  private func login(uid: UInt32 = 1000) throws -> Login {
    let action = Scenario.atOpening { $0.audit.loginRecords = false }.said.last {
      if case .openSession = $0 { true } else { false }
    }
    guard case .openSession(var login, _)? = action else { throw SystemError("open", code: EINVAL) }
    login.account.uid = uid
    return login
  }

  /// Opens a login of this connection; returns its process.
  private func open(_ connection: UInt64, user: String = "anna", uid: UInt32 = 1000, limit: Int = 9) throws -> Child {
    service.open(try login(uid: uid), promoting: false, user: user, limit: limit, for: connection)
    var subject = Subject()
    subject.user = user
    service.setSubject(subject, of: connection)
    return try #require(process)
  }

  /// Passes ends of processes to the service until there are no events; returns descriptions of the others.
  @discardableResult private func run() -> [String] {
    var others: [String] = []
    while let event = runtime.next() {
      switch event {
      case .ended(let child, let status) where accounts.has(child): accounts.ended(child, status)
      case .ended(let child, let status): service.ended(child, status)
      case .loginOpened(let number, _): others.append("opened \(number)")
      case .announce(_, let number): others.append("announce \(number)")
      case .connection(let event, let number): others.append("\(number): \(event)")
      default: others.append("other")
      }
    }
    return others
  }

  private func say(_ message: SessionToSupervisor, by child: Child) {
    service.handle(message.wireBytes, [], from: child)
  }

  private var start: AuditRecord {
    var record = AuditRecord(.commandStarted, .success, .exec)
    record.command = Array("true".utf8)
    return record
  }

  @Test func `the number of logins of a user is limited, and an end allows another one`() throws {
    let first = try open(1, limit: 1)
    #expect(run() == ["opened 1"])
    service.open(try login(), promoting: false, user: "anna", limit: 1, for: 2)
    #expect(run() == ["2: \(ConnectionMachine.Event.sessionRefused(open: 1))"] && process === first)
    service.forget(2)
    service.forget(1)
    service.open(try login(), promoting: false, user: "anna", limit: 1, for: 3)
    #expect(run() == ["opened 3"] && process !== first)
  }

  @Test func `a login needs the permission of the journal and a process`() throws {
    gate.isOpen = false
    service.open(try login(), promoting: false, user: "anna", limit: 1, for: 1)
    #expect(run() == ["1: \(ConnectionMachine.Event.journalRefused)"])
    gate.isOpen = true
    runtime.canStart = false
    service.open(try login(), promoting: false, user: "anna", limit: 1, for: 1)
    #expect(run().first?.hasPrefix("1: sessionFailed") == true)
    accounts.checkAccount(AccountCheckRequest(name: "anna"), for: 1)
    #expect(run() == ["1: \(ConnectionMachine.Event.accountChecked(nil))"])
  }

  @Test func `the process that read the keys becomes the login only for the same account`() throws {
    service.fetchKeys(of: Scenario.account(), ["/k"], for: 1)
    let lookUp = try #require(process)
    #expect(service.foundKeys(of: 1) != nil)
    service.open(try login(), promoting: true, user: "bob", limit: 1, for: 1)
    #expect(process === lookUp && lookUp.sentSignal == nil)
    service.fetchKeys(of: Scenario.account(), ["/k"], for: 2)
    let other = try #require(process)
    service.open(try login(), promoting: false, user: "eve", limit: 1, for: 2)
    #expect(process !== other && other.sentSignal == SIGKILL)
    // The end of a killed process is not an event of the connection.
    run()
    runtime.end(other)
    #expect(run().isEmpty)
  }

  @Test func `a login whose user causes too many events waits for a limited time`() throws {
    let child = try open(1)
    run()
    gate.wait = 5000
    service.throttle(1, user: "anna")
    service.throttle(1, user: "anna")
    #expect(runtime.paused == [child.number] && runtime.timers[.throttle(child.number)] == runtime.now + 5000)
    #expect(run() == ["announce 1"] && runtime.lines(with: "its logins wait") == 1)
    pauses.hold()
    pauses.throttleEnds(child.number)
    #expect(runtime.paused == [child.number], "the journal is slow as well")
    pauses.release()
    #expect(runtime.paused.isEmpty)
  }

  @Test func `a login that ends while it waits for its budget leaves no timer`() throws {
    let child = try open(1)
    gate.wait = 5000
    service.throttle(1, user: "anna")
    #expect(runtime.hasTimer(.throttle(child.number)))
    runtime.end(child, .code(0))
    run()
    #expect(!runtime.hasTimer(.throttle(child.number)))
  }

  @Test func `root and rescue users wait for the journal but not for a budget`() throws {
    gate.wait = 5000
    gate.hasBackpressure = true
    let (root, mender) = (try open(1, user: "root", uid: 0), try open(2, user: "mender"))
    #expect(runtime.paused == [root.number, mender.number])
    pauses.release()
    service.throttle(1, user: "root")
    service.throttle(2, user: "mender")
    #expect(runtime.paused.isEmpty)
  }

  @Test func `a killed login is reported with its unfinished commands, and a normal end is not reported`() throws {
    let (killed, ended) = (try open(1), try open(2))
    for child in [killed, ended] { say(.starts(number: 4, start), by: child) }
    service.awaitStart(4, of: 1)
    #expect(gate.starts == ["4 anna"])
    var end = start
    end.type = .commandExecuted
    say(.records(AuditBatch([end])), by: ended)
    run()
    runtime.end(killed)
    runtime.end(ended, .code(0))
    let words = run()
    #expect(words.count == 2 && words[0].hasPrefix("1: sessionEnded") && words[1].hasPrefix("2: sessionEnded"))
    #expect(gate.records.map(\.type) == [.sessionLost] && gate.records.first?.reason == Reason(SessionLoss.killed))
    #expect(service.processes.isEmpty)
  }

  @Test func `events of a login after its connection precede its end`() throws {
    let child = try open(1)
    var subject = Subject()
    subject.user = "anna"
    service.recordAtEnd(AuditRecord(.sessionEnd), of: subject, 1)
    service.end(of: 1)
    service.forget(1)
    #expect(gate.records.isEmpty && runtime.hasTimer(.kill(child.number)))
    say(.starts(number: 1, start), by: child)
    #expect(gate.starts == ["1 anna"])
    runtime.end(child, .code(0))
    run()
    #expect(gate.records.map(\.type) == [.commandStarted, .sessionLost, .sessionEnd])
    // Without a process it is reported immediately.
    service.recordAtEnd(AuditRecord(.sessionEnd), of: subject, 2)
    #expect(gate.records.count == 4)
  }

  @Test func `when the daemon ends the last events of logins are reported`() throws {
    let child = try open(1)
    say(.starts(number: 1, start), by: child)
    service.recordAtEnd(AuditRecord(.sessionEnd), of: Subject(), 1)
    service.recordAllEnds()
    service.recordAllEnds()
    #expect(gate.records.map(\.type) == [.sessionLost, .sessionEnd])
    #expect(gate.records.first?.reason == Reason(SessionLoss.shutDown))
  }

  @Test func `the process that reads shadow(5) sends one message, and its end without one is a failure`() throws {
    accounts.checkAccount(AccountCheckRequest(name: "anna"), for: 1)
    let first = try #require(process)
    accounts.handle([255], [], from: first)
    #expect(first.sentSignal == SIGKILL && run() == ["1: \(ConnectionMachine.Event.accountChecked(nil))"])
    accounts.checkAccount(AccountCheckRequest(name: "anna"), for: 1)
    runtime.end(try #require(process))
    #expect(run() == ["1: \(ConnectionMachine.Event.accountChecked(nil))"])
    accounts.checkAccount(AccountCheckRequest(name: "anna"), for: 1)
    let state = Scenario.state(Scenario.known())
    let last = try #require(process)
    accounts.handle(SessionToSupervisor.account(state).wireBytes, [], from: last)
    #expect(run() == ["1: \(ConnectionMachine.Event.accountChecked(state))"] && !accounts.has(last))
    runtime.end(last, .code(0))
    #expect(run().isEmpty, "it has answered")
  }

  @Test func `a violation by a session process is an event of its connection`() throws {
    let child = try open(1)
    run()
    service.handle([255], [], from: child)
    #expect(run().first?.hasPrefix("1: sessionMisbehaved") == true)
    var record = start
    record.type = .commandExecuted
    say(.starts(number: 1, record), by: child)
    #expect(run().first?.contains("told of a start that there cannot be") == true)
    say(.keys([]), by: child)
    #expect(run().first?.contains("answered without a question") == true)
  }
}
