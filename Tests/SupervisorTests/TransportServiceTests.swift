import AccessControl
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// Simulated transports and zygotes.
@Suite struct TransportServiceTests {
  private let runtime = FakeRuntime()
  private let zygotes: ZygoteService
  private let service: TransportService
  private let source = ClientSource(IPAddress("203.0.113.7") ?? .unspecified)

  init() {
    zygotes = ZygoteService(runtime, of: .transport, .transportZygote(nil))
    service = TransportService(runtime, zygotes)
  }

  private func settings(_ banner: String) -> TransportSettings {
    var settings = Settings()
    settings.server.banner = banner
    return settings.transport(hostKeys: [[1]], root: "")
  }

  /// Applies new settings.
  private func reload(_ banner: String, spares: Int = 0) {
    zygotes.apply(.transportZygote(nil), settings(banner))
    service.replaceAll(spares: spares)
  }

  private var zygote: Child? { runtime.started.last { $0.role == .transportZygote } }
  private var transport: Child? { runtime.started.last { $0.role == .transport } }

  /// Lets the zygote report that it has created a process.
  private func make(_ child: Child?) {
    guard let child, let zygote = child.maker.flatMap({ runtime.children[$0] }) else { return }
    zygotes.handle(ZygoteToSupervisor.forked(number: child.number, pid: 1).wireBytes, [], from: zygote)
  }

  /// Passes events to the services until there are none; returns descriptions of the others.
  @discardableResult private func run() -> [String] {
    var others: [String] = []
    while let event = runtime.next() {
      switch event {
      case .made(let child): service.made(child)
      case .ended(let child, let status) where child.role == .transportZygote: zygotes.ended(child, status)
      case .ended(let child, let status): service.ended(child, status)
      case .transportAssigned(let child, let connection):
        child.connection = connection
        others.append("\(connection) by \(child.number)")
      case .transportReady: others.append("ready")
      case .failed(let code): others.append("failed \(code)")
      case .connection(let event, let connection): others.append("\(connection): \(event)")
      default: others.append("other")
      }
    }
    return others
  }

  private func told(_ zygote: Child?) throws -> [String] {
    try runtime.messages(SupervisorToZygote.self, to: zygote).compactMap {
      if case .prepare(let settings) = $0 { settings?.banner ?? "" } else { nil }
    }
  }

  @Test func `after a reload between accept and transport the connection gets a transport of the new settings`()
    throws
  {
    reload("old")
    service.serve(7, of: source)
    let (first, firstZygote) = (try #require(transport), try #require(zygote))
    #expect(try told(firstZygote) == ["old"])
    reload("new")
    let (second, secondZygote) = (try #require(transport), try #require(zygote))
    #expect(first !== second && firstZygote !== secondZygote && first.sentSignal == SIGKILL)
    #expect(try told(secondZygote) == ["new"])
    // The old zygote has pending requests.
    #expect(firstZygote.sentSignal == nil)
    make(first)
    #expect(run().isEmpty && firstZygote.sentSignal == SIGKILL)
    make(second)
    #expect(run() == ["7 by \(second.number)", "ready"])
  }

  @Test func `the pending processes of a zygote that dies are created by another one`()
    throws
  {
    service.started()
    reload("a", spares: 2)
    let first = try #require(zygote)
    service.serve(7, of: source)
    #expect(runtime.children.values.count { $0.role == .transport } == 3)
    runtime.end(first)
    #expect(run().isEmpty && runtime.children.isEmpty)
    #expect(runtime.fire(.transportRestart))
    service.restartTime()
    let second = try #require(zygote)
    #expect(first !== second && runtime.children.values.count { $0.maker == second.number } == 3)
    make(transport)
    #expect(run().count == 2)
  }

  @Test func `after a crash of a transport the spares are replaced by copies of another zygote`() throws {
    service.started()
    reload("a", spares: 1)
    let (first, old) = (try #require(transport), try #require(zygote))
    make(first)
    run()
    service.crashed()
    #expect(first.sentSignal == SIGKILL && old.sentSignal == SIGKILL && zygote !== old && transport !== first)
    #expect(try told(zygote) == ["a"])
  }

  @Test func `the start fails with the first transport, and later ones are restarted`() throws {
    reload("a", spares: 1)
    runtime.end(try #require(transport))
    #expect(run() == ["failed \(ExitCode.unavailable)"])
    service.started()
    runtime.canStart = false
    runtime.end(try #require(zygote))
    run()
    #expect(runtime.fire(.transportRestart))
    service.restartTime()
    #expect(run().isEmpty && runtime.hasTimer(.transportRestart))
  }

  @Test func `messages of a transport are events of its connection, and without one it may send none`() throws {
    reload("a", spares: 1)
    let child = try #require(transport)
    let message = TransportToSupervisor.idle(since: 5)
    service.handle(message.wireBytes, [], from: child)
    #expect(child.sentSignal == SIGKILL)
    child.connection = 7
    service.handle(message.wireBytes, [], from: child)
    service.handle([255], [], from: child)
    service.ended(child, .code(0))
    let (transport, misbehaved, ended) = (
      ConnectionMachine.Event.transport(message),
      ConnectionMachine.Event.transportMisbehaved("sent a message that cannot be read"),
      ConnectionMachine.Event.transportEnded(.code(0))
    )
    #expect(run() == ["7: \(transport)", "7: \(misbehaved)", "7: \(ended)"])
  }

  @Test func `a zygote that reports a process without a request is killed`() throws {
    reload("a", spares: 1)
    let zygote = try #require(zygote)
    zygotes.handle(ZygoteToSupervisor.forked(number: 4711, pid: 1).wireBytes, [], from: zygote)
    #expect(zygote.sentSignal == SIGKILL && run().isEmpty)
  }

  @Test func `when the daemon ends spares are ended`() throws {
    service.started()
    reload("a", spares: 1)
    let (child, old) = (try #require(transport), try #require(zygote))
    make(child)
    run()
    service.close()
    zygotes.close()
    #expect(child.sentSignal == SIGKILL && old.sentSignal == SIGKILL)
    service.serve(7, of: source)
    #expect(run().isEmpty && transport === child)
  }
}
