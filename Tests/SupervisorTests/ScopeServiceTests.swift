import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct ScopeServiceTests {
  private let runtime = FakeRuntime()
  private let service: ScopeService

  init() { service = ScopeService(runtime, isRoot: true, isService: true) }

  /// A login; `isMade`: its zygote has created the process.
  private func login(isMade: Bool = true) throws -> Child {
    let session = try runtime.add(.session)
    session.connection = 7
    if isMade { _ = try runtime.adopt(1, isChild: true, as: session) }
    return session
  }

  private var process: Child? { runtime.started.last { $0.role == .scopes } }

  private func say(_ message: ScopesToSupervisor) {
    if let process { service.handle(message.wireBytes, [], from: process) }
  }

  private func answers(to session: Child) throws -> Int {
    try runtime.messages(SupervisorToSession.self, to: session).count { $0 == .scopeEntered }
  }

  @Test func `a login waits until it is moved or cannot be moved`() throws {
    let (moved, kept) = (try login(), try login())
    #expect(service.wants(moved, Scenario.account()) && service.wants(kept, Scenario.account()))
    #expect(runtime.started.count { $0.role == .scopes } == 1)
    #expect(try answers(to: moved) == 0)
    say(.moved(number: moved.number))
    say(.notMoved(number: kept.number, reason: "no bus"))
    #expect(try answers(to: moved) == 1 && answers(to: kept) == 1)
    #expect(service.hasMoved(moved) && !service.hasMoved(kept))
    #expect(runtime.lines == ["warning: logins stay in the service's control group: no bus"])
    // An unexpected reply is ignored.
    say(.moved(number: kept.number))
    #expect(try answers(to: kept) == 1 && !service.hasMoved(kept))
    #expect(runtime.lines.last == "info: logins get scopes of their own again")
  }

  @Test func `a process is moved as soon as it is created`() throws {
    let session = try login(isMade: false)
    #expect(service.wants(session, Scenario.account()))
    #expect(runtime.sent.isEmpty)
    _ = try runtime.adopt(1, isChild: true, as: session)
    service.made(session)
    service.made(session)
    #expect(runtime.sent.count == 1 && runtime.sent.first?.descriptors.count == 1)
  }

  @Test func `if the process that moves logins dies, they continue without a scope`() throws {
    let session = try login()
    runtime.whenSending = { if $0.role == .scopes { runtime.end($0) } }
    #expect(service.wants(session, Scenario.account()))
    #expect(try answers(to: session) == 0)
    guard case .ended(let child, let status)? = runtime.next() else {
      Issue.record("it goes on")
      return
    }
    service.ended(child, status)
    #expect(try answers(to: session) == 1)
    // No other process is started during the pause, and logins do not wait for it.
    #expect(!service.wants(session, Scenario.account()))
    runtime.now += ScopeService.pause
    #expect(service.wants(session, Scenario.account()) && runtime.started.count { $0.role == .scopes } == 2)
  }

  @Test func `without root or the process a login is not moved`() throws {
    let session = try runtime.add(.session)
    #expect(!ScopeService(runtime, isRoot: false, isService: true).wants(session, Scenario.account()))
    runtime.canStart = false
    #expect(!service.wants(session, Scenario.account()) && runtime.lines(with: "error: ") == 1)
  }

  @Test func `an invalid message ends the process`() throws {
    let session = try login(isMade: false)
    _ = service.wants(session, Scenario.account())
    let process = try #require(process)
    service.handle([255], [], from: process)
    #expect(process.sentSignal == SIGKILL)
  }
}
