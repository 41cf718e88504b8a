import AccessControl
import Audit
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// The service with simulated authorities.
@Suite struct AuthorityServiceTests {
  private let runtime = FakeRuntime()
  private let service: AuthorityService
  private let source = ClientSource(IPAddress("203.0.113.7") ?? .unspecified)
  private let ready = AuthorityToSupervisor.ready(hostKeys: [OfferedHostKey(blob: [1], description: "key")])

  init() { service = AuthorityService(runtime, singleUser: nil) }

  private func say(_ message: AuthorityToSupervisor, by child: Child?) {
    if let child { service.handle(message.wireBytes, [], from: child) }
  }

  /// Passes events to the service until there are none; returns descriptions of the others.
  @discardableResult private func run() -> [String] {
    var others: [String] = []
    while let event = runtime.next() {
      switch event {
      case .ended(let child, let status): service.ended(child, status)
      case .candidateReady(let child, let keys): others.append("ready \(child.number) \(keys.map(\.description))")
      case .candidateFailed(let why): others.append(why)
      case .connection(let event, let connection): others.append("\(connection): \(event)")
      default: others.append("other")
      }
    }
    return others
  }

  /// Applies settings, and returns `count` ready authorities.
  private func open(_ count: Int = 3) throws -> [Child] {
    let loaded = try LoadedSettings.sample()
    try service.startCandidate(loaded)
    let first = try #require(runtime.started.last)
    say(ready, by: first)
    run()
    let before = runtime.started.count
    service.adopt(first.number, loaded)
    let others = Array(runtime.started.dropFirst(before))
    for other in others.prefix(count - 1) { say(ready, by: other) }
    return [first] + others
  }

  private func questions(to child: Child) throws -> [SupervisorToAuthority] {
    // The first message starts the authority.
    try runtime.sent.filter { $0.child === child }.dropFirst().map {
      try SupervisorToAuthority(wireBytes: $0.bytes[...])
    }
  }

  private var unanswered: String { "7: \(ConnectionMachine.Event.account(nil))" }

  @Test func `new settings first start one authority and the others when they are applied`() throws {
    let loaded = try LoadedSettings.sample()
    try service.startCandidate(loaded)
    let first = try #require(runtime.started.last)
    #expect(runtime.sent.first?.descriptors.first === loaded.memory)
    #expect(runtime.hasTimer(.authorityAnswer(first.number)))
    say(ready, by: first)
    #expect(run() == ["ready \(first.number) [\"key\"]"] && !runtime.hasTimer(.authorityAnswer(first.number)))
    #expect(runtime.started.count == 1)
    service.adopt(first.number, loaded)
    #expect(runtime.started.count == 3)
  }

  @Test func `new settings fail if the first authority dies, misbehaves or is late`() throws {
    let loaded = try LoadedSettings.sample()
    try service.startCandidate(loaded)
    let first = try #require(runtime.started.last)
    runtime.end(first)
    #expect(run() == ["the authority \(System.ExitStatus.signal(9, coreDumped: false))"])
    try service.startCandidate(loaded)
    let second = try #require(runtime.started.last)
    say(.ready(hostKeys: []), by: second)
    #expect(second.sentSignal == SIGKILL)
    runtime.end(second)
    #expect(run().count == 1)
    try service.startCandidate(loaded)
    let third = try #require(runtime.started.last)
    service.isLate(third.number)
    #expect(third.sentSignal == SIGKILL && runtime.lines(with: "was not ready after 30 s: killed") == 1)
    // None of them handled requests.
    #expect(!runtime.lines.contains { $0.hasPrefix("warning") } && runtime.started.count == 3)
  }

  @Test func `an authority that dies fails its request once and is restarted`() throws {
    let authorities = try open()
    var isDead = false
    runtime.whenSending = { child in
      guard !isDead else { return }
      isDead = true
      runtime.end(child)
    }
    service.ask(.account(user: "anna", address: ""), for: 7, from: source, keys: nil)
    #expect(isDead, "what the pool wants was done to the end")
    #expect(run() == [unanswered])
    let dead = authorities.filter { runtime.children[$0.number] == nil }
    #expect(dead.count == 1 && !runtime.hasTimer(.authorityAnswer(dead[0].number)))
    let restarts = runtime.timers.keys.filter { if case .authorityRestart = $0 { true } else { false } }
    #expect(restarts.count == 1 && runtime.started.count == 3)
    service.restartTime()
    #expect(runtime.started.count == 4)
  }

  @Test func `the user's files are sent only with a request about a key`() throws {
    let authorities = try open()
    let memory = try Descriptor.sealedMemory(name: "keys", [1])
    let file = KeyFile(path: "/home/bob/.ssh/authorized_keys", length: 1, problem: nil)
    let question = KeyVerificationRequest(
      sessionID: [1], request: [2], client: nil, groups: [], files: [file], principals: nil)
    service.ask(.publicKey(question), for: 7, from: source, keys: memory)
    #expect(runtime.sent.last?.descriptors.first === memory)
    let asked = try #require(authorities.first { runtime.hasTimer(.authorityAnswer($0.number)) })
    say(.verdict(.rejected(LoginFailure.notSigned)), by: asked)
    run()
    service.ask(.account(user: "anna", address: ""), for: 7, from: source, keys: memory)
    #expect(runtime.sent.last?.descriptors.isEmpty == true)
  }

  @Test func `a one-time code is accepted once, from any connection`() throws {
    let authorities = try open()
    func verdict(_ connection: UInt64) throws -> Verdict? {
      service.ask(.code(user: "anna", code: SecretBytes([1])), for: connection, from: source, keys: nil)
      let asked = try #require(authorities.first { runtime.hasTimer(.authorityAnswer($0.number)) })
      say(.code(.right(step: 5)), by: asked)
      guard case .connection(.verdict(let verdict), connection)? = runtime.next() else { return nil }
      return verdict
    }
    #expect(try verdict(7)?.outcome == .accepted)
    #expect(try verdict(8)?.outcome == .rejected)
    // A request of an ended connection does not use up a code.
    service.ask(.code(user: "bob", code: SecretBytes([1])), for: 9, from: source, keys: nil)
    service.forget(9)
    let asked = try #require(authorities.first { runtime.hasTimer(.authorityAnswer($0.number)) })
    say(.code(.right(step: 5)), by: asked)
    #expect(run() == ["9: \(ConnectionMachine.Event.verdict(nil))"])
  }

  @Test func `after a reload the earlier authorities reply to their requests and end`() throws {
    let old = try open()
    service.ask(.account(user: "anna", address: ""), for: 7, from: source, keys: nil)
    let busy = try #require(old.first { runtime.hasTimer(.authorityAnswer($0.number)) })
    let new = try open()
    #expect(old.filter { $0.sentSignal == SIGTERM }.count == 2 && busy.sentSignal == nil && new.count == 3)
    say(.account(Scenario.known()), by: busy)
    #expect(run() == ["7: \(ConnectionMachine.Event.account(Scenario.known()))"] && busy.sentSignal == SIGTERM)
    for child in old { runtime.end(child, .signal(SIGTERM, coreDumped: false)) }
    #expect(run().isEmpty && !runtime.lines.contains { $0.hasPrefix("warning") })
  }

  @Test func `an unexpected message ends an authority`() throws {
    let authorities = try open()
    say(.signed([1]), by: authorities[0])
    service.handle([255], [], from: authorities[1])
    #expect(authorities.prefix(2).allSatisfy { $0.sentSignal == SIGKILL })
    #expect(runtime.lines(with: "answered without a question: killed") == 1)
    #expect(runtime.lines(with: "sent a message that cannot be read: killed") == 1)
  }
}
