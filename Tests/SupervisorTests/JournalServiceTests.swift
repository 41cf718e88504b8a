import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// Events for the journal, with a simulated journal process.
@Suite struct JournalServiceTests {
  private let runtime = FakeRuntime()
  private let service: JournalService
  private let loaded: LoadedSettings

  init() throws {
    loaded = try LoadedSettings.sample { settings in
      settings.audit.bufferSize = 4
      settings.audit.batchSize = 2
      settings.audit.onFailure = .refuse
      settings.audit.rescueUsers = ["mender"]
    }
    service = JournalService(runtime, loaded, hostName: "here")
  }

  /// The last started journal process.
  private var journal: Child? { runtime.started.last { $0.role == .journal } }

  /// Passes events to the service until there are none; returns descriptions of the others.
  @discardableResult private func run() -> [String] {
    var others: [String] = []
    while let event = runtime.next() {
      switch event {
      case .ended(let child, let status) where child.role == .journalOpener: service.openerEnded(child, status)
      case .ended(let child, let status): service.ended(child, status)
      case .journalNotOpened(let reason): service.notOpened(reason)
      case .backpressureBegins: others.append("holds")
      case .backpressureEnds: others.append("releases")
      case .journalOpened: others.append("opened")
      case .journalDirectoryOpened: others.append("directory")
      case .journalDrained: others.append("drained")
      case .failed(let code): others.append("failed \(code)")
      case .statusChanged: others.append("status")
      case .audit(let record): others.append("\(record.type.rawValue) \(record.details ?? "")")
      default: others.append("other")
      }
    }
    return others
  }

  private func say(_ message: JournalToSupervisor) {
    if let journal { service.handle(message.wireBytes, [], from: journal) }
  }

  private func add(_ count: Int) { for _ in 0..<count { service.add(AuditRecord(.daemonStarted), of: Subject()) } }

  private func batches() throws -> [JournalBatch] {
    try runtime.messages(SupervisorToJournal.self, to: journal).compactMap {
      if case .append(let batch) = $0 { batch } else { nil }
    }
  }

  private func open() {
    service.apply(loaded)
    say(.opened)
    run()
  }

  @Test func `a journal gets its directory first, then events in order, one batch at a time`() throws {
    open()
    add(3)
    let opening = try #require(runtime.sent.first)
    #expect(opening.descriptors.count == 1 && opening.descriptors.first === loaded.journal?.descriptor)
    #expect(try batches().map(\.events.count) == [1])
    say(.written(batch: 1))
    #expect(try batches().map(\.events.count) == [1, 2])
    #expect(runtime.timers[.journalAnswer] == runtime.now + AuditQueue.timeout)
    say(.written(batch: 2))
    #expect(runtime.timers[.journalAnswer] == nil && run().isEmpty)
  }

  @Test func `the events of a journal that dies are sent once to the next`() throws {
    open()
    // Its end occurs among the actions of the queue, and is handled after them.
    var isDead = false
    runtime.whenSending = { child in
      guard !isDead else { return }
      isDead = true
      runtime.end(child)
    }
    add(1)
    #expect(isDead && runtime.timers[.journalAnswer] != nil, "the list of actions was carried out to its end")
    add(2)
    #expect(run().isEmpty)
    #expect(runtime.timers[.journalAnswer] == nil && runtime.started.count == 1)
    let first = try #require(try batches().first).events
    #expect(runtime.fire(.journalRestart))
    service.handle(.restart)
    #expect(runtime.started.count == 2)
    #expect(try batches().map(\.events.count) == [2] && batches().map(\.isRepeated) == [true])
    #expect(try batches().first?.events.first == first.first)
    say(.written(batch: 2))
    #expect(try batches().map(\.events.count) == [2, 1])
    #expect(try batches().map(\.isRepeated) == [true, false])
  }

  @Test func `a journal that dies during its start is restarted once`() throws {
    runtime.whenSending = { runtime.end($0) }
    service.apply(loaded)
    runtime.whenSending = { _ in }
    run()
    #expect(runtime.started.count == 1)
    #expect(runtime.fire(.journalRestart))
    service.handle(.restart)
    run()
    #expect(runtime.started.count == 2 && !runtime.hasTimer(.journalRestart))
  }

  @Test func `a journal that fills during the start of a login pauses once, and the command starts when it is written`()
    throws
  {
    open()
    let session = try runtime.add(.session)
    // The events of the login and the start of its command, within one event.
    add(4)
    service.awaitStart(7, of: session, user: "anna")
    #expect(service.hasBackpressure)
    #expect(run() == ["holds"])
    #expect(try runtime.messages(SupervisorToSession.self, to: session).isEmpty)
    say(.written(batch: 1))
    #expect(try runtime.messages(SupervisorToSession.self, to: session).isEmpty)
    say(.written(batch: 2))
    #expect(run() == ["releases"] && !service.hasBackpressure)
    #expect(try runtime.messages(SupervisorToSession.self, to: session).isEmpty)
    say(.written(batch: 3))
    #expect(try runtime.messages(SupervisorToSession.self, to: session) == [.mayStart(number: 7, allowed: true)])
  }

  @Test
  func `while events cannot be written audit.on_failure decides about commands, and a dead session gets no message`()
    throws
  {
    open()
    let (anna, mender, dead) = (try runtime.add(.session), try runtime.add(.session), try runtime.add(.session))
    add(1)
    service.awaitStart(1, of: anna, user: "anna")
    service.awaitStart(2, of: mender, user: "mender")
    service.awaitStart(3, of: dead, user: "mender")
    runtime.end(dead)
    run()
    say(.failed(batch: 1, reason: "disk full"))
    #expect(run() == ["status"] && service.problem == "disk full")
    #expect(try runtime.messages(SupervisorToSession.self, to: anna) == [.mayStart(number: 1, allowed: false)])
    #expect(try runtime.messages(SupervisorToSession.self, to: mender) == [.mayStart(number: 2, allowed: true)])
    #expect(runtime.sent.allSatisfy { $0.child !== dead })
    #expect(!service.admits("anna") && service.admits("mender"))
  }

  @Test func `lost events are reported when the journal writes again`() throws {
    open()
    add(1)
    say(.failed(batch: 1, reason: "disk full"))
    add(5)
    run()
    #expect(runtime.fire(.journalRetry))
    service.handle(.retry)
    say(.written(batch: 2))
    #expect(run() == ["status", "audit_gap 2 events could not be written, and are lost"])
    #expect(service.problem == nil && service.admits("anna"))
  }

  @Test func `the start of the daemon waits for the journal and fails with it`() {
    service.apply(loaded)
    #expect(service.isAwaited && run().isEmpty)
    say(.notOpened(reason: "no space", isPassing: false))
    #expect(run() == ["failed \(ExitCode.cannotCreate)"])
    #expect(runtime.lines(with: "events cannot be written: no space; not started") == 1)
  }

  @Test func `with a full disk the start continues and the failure is reported after it`() {
    service.apply(loaded)
    say(.notOpened(reason: "no space", isPassing: true))
    #expect(!service.isAwaited && service.problem == nil, "the start comes first")
    #expect(run() == ["opened", "status"] && service.problem == "no space")
  }

  @Test func `an unexpected message ends a journal, and messages of other processes are ignored`() throws {
    open()
    add(1)
    let other = try runtime.add(.journal)
    service.handle(JournalToSupervisor.written(batch: 1).wireBytes, [], from: try #require(runtime.started.first))
    service.handle(JournalToSupervisor.written(batch: 9).wireBytes, [], from: other)
    #expect(other.sentSignal == nil)
    let journal = try #require(runtime.started.first)
    service.handle(JournalToSupervisor.written(batch: 1).wireBytes, [], from: journal)
    #expect(journal.sentSignal == SIGKILL)
  }

  @Test func `a removed directory is opened again before the next journal starts`() throws {
    open()
    runtime.end(try #require(journal), .code(ExitCode.noInput.rawValue))
    run()
    #expect(service.directory == nil)
    #expect(runtime.fire(.journalRestart))
    service.handle(.restart)
    let opener = try #require(runtime.started.last)
    #expect(opener.role == .journalOpener && runtime.hasTimer(.kill(opener.number)))
    let directory = OpenedDirectory(path: "/log", device: 1, inode: 9)
    let descriptor = try Descriptor.open("/dev/null", O_RDWR)
    service.handle(JournalOpening.opened(directory).wireBytes, [descriptor], fromOpener: opener)
    #expect(service.directory?.directory == directory && journal !== runtime.started.first)
    #expect(runtime.sent.last?.descriptors.first === descriptor)
    // Its end has no further effect.
    runtime.end(opener, .code(0))
    #expect(run() == ["directory"] && !runtime.hasTimer(.journalRestart))
  }

  @Test func `a reload reopens the same file, and another file is opened by a new journal`() throws {
    open()
    let first = try #require(journal)
    service.apply(loaded)
    #expect(try runtime.messages(SupervisorToJournal.self, to: first).last == .reopen)
    let moved = try LoadedSettings.sample { $0.audit.bufferSize = 8 }
    service.apply(moved)
    #expect(journal === first)
    service.apply(try LoadedSettings.sample { $0.audit.flushInterval = 77 })
    #expect(journal !== first && runtime.hasTimer(.kill(first.number)))
    #expect(try runtime.messages(SupervisorToJournal.self, to: first).last == .close)
    service.apply(try LoadedSettings.sample(hasJournal: false))
    #expect(!service.isOn && service.directory == nil)
  }

  @Test func `the daemon ends when everything is written or nothing can be`() {
    open()
    add(3)
    service.drain()
    #expect(run().isEmpty)
    say(.written(batch: 1))
    #expect(run().isEmpty)
    say(.written(batch: 2))
    #expect(run() == ["drained"])
  }
}
