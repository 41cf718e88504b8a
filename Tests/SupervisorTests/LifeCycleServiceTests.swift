import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// The life of the daemon with all of its services, whose processes and times a test plays.
@Suite struct LifeCycleServiceTests {
  private static let requests: [Int32] = [SIGTERM, SIGINT, SIGUSR1]

  // MARK: Start

  @Test func `a start waits for the journal; then the pid file, the service manager and the starter hear of it, once`()
    throws
  {
    let daemon = try FakeDaemon()
    try daemon.begin()
    #expect(daemon.process.acts == ["prepare root"] && daemon.runtime.lines(with: "info: ready") == 0)
    #expect(daemon.runtime.lines(with: "error: an obstacle") == 1)
    daemon.process.systemLog = try Descriptor.open("/dev/null", O_WRONLY)
    try daemon.say(JournalToSupervisor.opened, by: .journal)
    #expect(daemon.process.acts == ["prepare root", "write pid file", "ready", "report"])
    #expect(daemon.runtime.lines.filter { $0.contains("info: ready") }.count == 1 && daemon.runtime.logsToSystem)
    // A transport or a journal that is ready later changes nothing.
    daemon.post(.transportReady)
    daemon.post(.journalOpened)
    #expect(daemon.process.acts.count == 4 && daemon.exitCode == nil)
    try daemon.writeJournal()
    #expect(try records(of: daemon) == [.daemonStarted, .configurationLoaded])
  }

  @Test func `a start without a journal, and one that keeps transports ready, wait for the transports`() throws {
    let daemon = try FakeDaemon(hasJournal: false) { $0.server.spareTransports = 1 }
    try daemon.begin()
    #expect(!daemon.process.acts.contains("ready"))
    let transport = try #require(daemon.child(.transport))
    _ = try daemon.runtime.adopt(1, isChild: true, as: transport)
    daemon.post(.made(transport))
    #expect(daemon.process.acts.suffix(3) == ["write pid file", "ready", "report"] && !daemon.runtime.logsToSystem)
  }

  @Test(arguments: [("prepare root", ExitCode.systemError), ("write pid file", .cannotCreate)])
  func `a start that fails ends with the code of what failed, and nobody hears that it is ready`(
    what: String, code: ExitCode
  ) throws {
    let daemon = try FakeDaemon(hasJournal: false)
    daemon.process.failing = [what]
    daemon.post(.start)
    if daemon.exitCode == nil {
      try daemon.say(
        AuthorityToSupervisor.ready(hostKeys: [OfferedHostKey(blob: Scenario.hostKey, description: "key")]),
        by: .authority)
    }
    #expect(daemon.exitCode == code && !daemon.process.acts.contains("ready"))
    #expect(daemon.runtime.lines(with: "error: \(what)") == 1)
    // The first failure decides.
    daemon.post(.failed(.unavailable))
    #expect(daemon.exitCode == code)
  }

  @Test func `who starts the daemon and is gone, or a missing syslog, is a warning`() throws {
    let daemon = try FakeDaemon(hasJournal: false)
    daemon.process.failing = ["report"]
    try daemon.begin()
    #expect(daemon.exitCode == nil && daemon.runtime.lines(with: "warning: report") == 1)
  }

  // MARK: Signals

  @Test(arguments: requests, [false, true])
  func `a signal before the start is over ends the daemon at once`(signal: Int32, awaitsJournal: Bool) throws {
    let daemon = try FakeDaemon()
    if awaitsJournal { try daemon.begin() } else { daemon.post(.start) }
    daemon.signal(signal)
    #expect(daemon.exitCode == .success && !daemon.process.acts.contains("stopping"))
    if awaitsJournal { try daemon.say(JournalToSupervisor.opened, by: .journal) }
    #expect(!daemon.process.acts.contains("ready"))
  }

  @Test(arguments: requests)
  func `a signal to a daemon without connections ends it once the journal has everything`(signal: Int32) throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    daemon.signal(signal, user: 5)
    #expect(daemon.process.acts.last == "stopping" && daemon.runtime.lines(with: "info: ended") == 1)
    #expect(daemon.exitCode == nil && daemon.runtime.timers[.drain] == daemon.runtime.now + LifeCycleService.drainTime)
    #expect(daemon.runtime.watched.isEmpty, "nobody is let in")
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success)
    #expect(
      try records(of: daemon) == [.daemonStarted, .configurationLoaded, .adminAction, .daemonStopped])
    #expect(try details(of: daemon, .adminAction) == ["by pid 7, uid 5"])
  }

  @Test func `a journal that does not write is not waited for longer than the time to drain`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    daemon.signal(SIGTERM)
    #expect(daemon.exitCode == nil)
    daemon.fire(.drain)
    #expect(daemon.exitCode == .success)
  }

  @Test func `a login hears of the end, and the daemon ends with it`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    let login = try daemon.logIn()
    daemon.signal(SIGTERM)
    #expect(daemon.runtime.lines(with: "shutting down with 1 connections") == 1)
    let transport = try #require(daemon.child(.transport))
    let told = try daemon.runtime.messages(SupervisorToTransport.self, to: transport)
    #expect(told.contains { if case .disconnect = $0 { true } else { false } })
    #expect(daemon.runtime.lines(with: "info: ended") == 0)
    daemon.runtime.end(transport, .code(0))
    daemon.run()
    #expect(daemon.runtime.lines(with: "info: ended") == 0, "its session process has more to tell")
    daemon.end(login)
    #expect(daemon.runtime.lines(with: "info: ended") == 1 && daemon.exitCode == nil)
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success)
    #expect(try records(of: daemon).contains(.sessionEnd) && records(of: daemon).last == .daemonStopped)
  }

  @Test func `a second SIGTERM gives connections their time again, and the end of it ends the daemon`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    _ = try daemon.logIn()
    daemon.signal(SIGTERM)
    daemon.runtime.now += 1000
    daemon.signal(SIGTERM)
    #expect(daemon.runtime.timers[.shutDown] == daemon.runtime.now + LifeCycleService.shutDownTime)
    #expect(daemon.runtime.lines(with: "shutting down with 1 connections") == 2)
    daemon.fire(.shutDown)
    // The session process goes on, and is killed with the daemon.
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success && daemon.runtime.lines(with: "info: ended") == 0)
    #expect(try records(of: daemon).filter { $0 == .adminAction }.count == 2)
    #expect(try records(of: daemon).filter { $0 == .daemonStopped }.count == 1)
  }

  @Test(arguments: requests)
  func `a signal while the journal gets what is left does not begin the end anew`(signal: Int32) throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    daemon.signal(SIGTERM)
    let drainTime = daemon.runtime.timers[.drain]
    daemon.runtime.now += 1000
    daemon.signal(signal)
    daemon.fire(.shutDown)
    #expect(daemon.runtime.timers[.drain] == drainTime && daemon.runtime.lines(with: "info: ended") == 1)
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success)
    #expect(try records(of: daemon).filter { $0 == .daemonStopped }.count == 1)
  }

  @Test func `SIGHUP loads the configuration, and while the daemon ends it is refused and loads nothing`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    daemon.signal(SIGHUP)
    #expect(daemon.process.acts.last == "reloading" && daemon.child(.loader) != nil)
    try daemon.say(LoaderResult.rejected(["bad"]), by: .loader)
    #expect(daemon.process.acts.last == "ready")
    _ = try daemon.logIn()
    daemon.signal(SIGTERM)
    let before = daemon.runtime.started.count
    daemon.signal(SIGHUP)
    #expect(daemon.runtime.started.count == before && daemon.process.acts.last == "stopping")
    // Two answers: nobody listens at the socket of pid 7.
    #expect(daemon.runtime.lines(with: "pid 7 does not wait for the end of its reload") == 2)
  }

  @Test func `new settings apply, and are reported`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    daemon.supervisor.reloads.prepare(try .sample { $0.server.bindAddresses = [] })
    try daemon.say(
      AuthorityToSupervisor.ready(hostKeys: [OfferedHostKey(blob: [9], description: "other key")]), by: .authority)
    #expect(daemon.runtime.lines(with: "info: host key other key") == 1)
    #expect(daemon.runtime.lines(with: "the new configuration applies to new connections") == 1)
    #expect(daemon.process.acts.last == "ready" && daemon.process.acts.filter { $0 == "write pid file" }.count == 1)
  }

  // MARK: Hand-over

  @Test func `logins go on in a copy, which ends with the last of them`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    let login = try daemon.logIn()
    let waiting = try daemon.connect()
    daemon.signal(SIGUSR1)
    #expect(daemon.process.acts.suffix(2) == ["stopping", "copy"] && daemon.runtime.signalsWatched == 1)
    #expect(daemon.runtime.lines(with: "letting go: 1 logins go on") == 1)
    #expect(daemon.child(.transport)?.sentSignal == SIGKILL, "a connection without a login has no place in the copy")
    daemon.end(waiting)
    // Another request changes nothing.
    daemon.signal(SIGUSR1)
    #expect(daemon.process.acts.filter { $0 == "copy" }.count == 1 && daemon.exitCode == nil)
    daemon.end(login)
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success && daemon.runtime.lines(with: "info: ended") == 1)
    #expect(try details(of: daemon, .daemonStopped) == ["1 logins go on"])
  }

  @Test func `when there can be no copy this process serves the logins`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    let login = try daemon.logIn()
    daemon.process.failing = ["copy"]
    daemon.signal(SIGUSR1)
    #expect(daemon.runtime.lines(with: "; serving the logins as this process") == 1)
    #expect(daemon.runtime.signalsWatched == 0 && daemon.exitCode == nil)
    daemon.end(login)
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success)
  }

  /// A daemon with a login that is to hand over, and that has to save bans before.
  private func daemonThatSavesBans() throws -> (daemon: FakeDaemon, login: UInt64) {
    let daemon = try FakeDaemon { $0.security.banStateFile = "/bans" }
    try daemon.start()
    let login = try daemon.logIn()
    daemon.post(.bansChanged)
    daemon.signal(SIGUSR1)
    #expect(!daemon.process.acts.contains("copy") && daemon.child(.banWriter) != nil)
    #expect(daemon.runtime.hasTimer(.handOver))
    return (daemon, login)
  }

  @Test func `a hand-over waits until bans are saved, and later bans are the next daemon's to save`() throws {
    let (daemon, _) = try daemonThatSavesBans()
    daemon.runtime.end(try #require(daemon.child(.banWriter)), .code(0))
    daemon.run()
    #expect(daemon.process.acts.contains("copy") && !daemon.runtime.hasTimer(.handOver))
    let before = daemon.runtime.started.count
    daemon.post(.bansChanged)
    #expect(daemon.runtime.started.count == before)
  }

  @Test func `a hand-over does not wait for bans that are late`() throws {
    let (daemon, _) = try daemonThatSavesBans()
    daemon.fire(.handOver)
    #expect(daemon.process.acts.contains("copy"))
    daemon.runtime.end(try #require(daemon.child(.banWriter)), .code(0))
    daemon.run()
    #expect(daemon.process.acts.filter { $0 == "copy" }.count == 1)
  }

  @Test func `when the last login ends while bans are saved there is no copy, and the daemon ends`() throws {
    let (daemon, login) = try daemonThatSavesBans()
    daemon.end(login)
    #expect(daemon.runtime.lines(with: "info: ended") == 0, "bans are being saved")
    daemon.runtime.end(try #require(daemon.child(.banWriter)), .code(0))
    daemon.run()
    try daemon.writeJournal()
    #expect(!daemon.process.acts.contains("copy") && daemon.exitCode == .success)
    #expect(daemon.runtime.lines(with: "info: ended") == 1)
    #expect(try records(of: daemon).filter { $0 == .daemonStopped }.count == 1)
  }

  @Test func `SIGTERM while bans are saved ends the logins, and there is no copy`() throws {
    let (daemon, login) = try daemonThatSavesBans()
    daemon.signal(SIGTERM)
    daemon.runtime.end(try #require(daemon.child(.banWriter)), .code(0))
    daemon.run()
    #expect(!daemon.process.acts.contains("copy") && daemon.runtime.hasTimer(.shutDown))
    daemon.end(login)
    try daemon.writeJournal()
    #expect(daemon.exitCode == .success)
  }

  // MARK: The last moment

  @Test func `at the end all processes are ended and the pid file is removed`() throws {
    let daemon = try FakeDaemon()
    try daemon.start()
    _ = try daemon.logIn()
    daemon.signal(SIGTERM)
    daemon.fire(.shutDown)
    daemon.fire(.drain)
    #expect(daemon.supervisor.life.end() == .success)
    #expect(daemon.runtime.children.isEmpty && daemon.process.acts.last == "remove pid file")
    #expect(
      try daemon.runtime.messages(SupervisorToJournal.self, to: daemon.child(.journal)).last == .close,
      "the journal writes to the disk before it is killed")
  }

  // MARK: What the journal has

  private func events(of daemon: FakeDaemon) throws -> [AuditRecord] {
    try daemon.batches().flatMap(\.events).map { try AuditEvent(wireBytes: $0[...]).record }
  }

  private func records(of daemon: FakeDaemon) throws -> [EventType] { try events(of: daemon).map(\.type) }

  private func details(of daemon: FakeDaemon, _ type: EventType) throws -> [String?] {
    try events(of: daemon).filter { $0.type == type }.map(\.details)
  }
}
