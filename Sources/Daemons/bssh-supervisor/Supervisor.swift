import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

/// Owns the services, dispatches events to them, and controls the start, the end and hand-overs of the daemon.
final class Supervisor {
  /// The state of the daemon.
  enum State: Equatable {
    /// The start is not complete.
    case starting
    case running
    /// No connections are accepted, and the daemon ends with the last one.
    case ending
  }

  /// Time limit for connections to end when the daemon ends, in milliseconds.
  static let shutDownTime: Int64 = 4500
  let arguments: Arguments
  let programs: Programs
  let isRoot: Bool
  let runtime: ProcessRuntime
  var service: ServiceManager?
  var report: Daemon.Report?
  var hasPidFile = false

  var state: State = .starting
  var exitCode: ExitCode?
  var loaded: LoadedSettings
  let transportZygotes: ZygoteService
  let sessionZygotes: ZygoteService
  let transports: TransportService
  let scopes: ScopeService
  let journal: JournalService
  let recorders: RecorderService
  let recordings: RecordingService
  let logins: LoginRecordService
  let audit: AuditService
  let exporters: ExporterService
  let admission: AdmissionService
  let bans: BanService
  let listeners: ListenerService
  let authorities: AuthorityService
  let sessions: SessionService
  let connections: ConnectionService
  let reloads: ReloadService
  /// True if the start only waits for the journal.
  var isReadyButForJournal = false
  /// True if the end of this process only waits for the journal.
  var isDraining = false
  /// True if the end of the service was reported.
  var hasRecordedStop = false
  /// True if the hand-over only waits for bans to be saved.
  var isLettingGo = false

  init(
    _ arguments: Arguments, _ loaded: LoadedSettings, log: Log, programs: Programs, directory: String?,
    report: Daemon.Report?
  ) throws(SystemError) {
    self.arguments = arguments
    self.loaded = loaded
    self.programs = programs
    self.report = report
    isRoot = Hardening.isRoot
    runtime = try ProcessRuntime(programs, log: log)
    transportZygotes = ZygoteService(runtime, of: .transport, .transportZygote(loaded.accounts))
    sessionZygotes = ZygoteService(
      runtime, of: .session, .sessionZygote, [programs.executables.transfer.descriptor])
    transports = TransportService(runtime, transportZygotes)
    let service = arguments.isForeground ? ServiceManager() : nil
    scopes = ScopeService(runtime, isRoot: isRoot, isService: service?.isPresent ?? false)
    self.service = service
    journal = JournalService(runtime, loaded, hostName: ThisProcess.hostName)
    recorders = RecorderService(runtime)
    recordings = RecordingService(runtime, recorders)
    logins = LoginRecordService(runtime, recorders)
    audit = AuditService(runtime, journal, recorders, recordings, logins)
    exporters = ExporterService(runtime, audit, journal)
    admission = AdmissionService(runtime, audit, loaded.settings)
    bans = BanService(runtime, admission, loaded.settings)
    listeners = ListenerService(runtime, admission, journal, loaded.settings)
    let singleUser = isRoot ? nil : Daemon.userID
    authorities = AuthorityService(runtime, singleUser: singleUser)
    sessions = SessionService(runtime, sessionZygotes, scopes, journal, audit, isRoot: isRoot)
    connections = ConnectionService(
      runtime,
      ConnectionService.Services(
        events: audit, admission: admission, transports: transports, authorities: authorities, sessions: sessions,
        recorders: recorders, recordings: recordings, logins: logins),
      loaded.settings, singleUser: singleUser)
    reloads = ReloadService(runtime, listeners, authorities, audit, arguments, directory: directory) {
      [runtime, isRoot] answer, asker in
      // Only root can create a socket there.
      guard isRoot else { return }
      do throws(SystemError) {
        _ = try Descriptor.datagram(to: ReloadAnswer.path(for: asker)).sendDatagram(
          MessageVersion.headed(answer.wireBytes))
      } catch {
        runtime.log(.debug, "pid \(asker) does not wait for the end of its reload: \(error)")
      }
    }
  }

  /// Serves until the daemon ends; returns the exit code.
  ///
  /// - Throws: `SystemError` when the event loop fails.
  func run() throws(SystemError) -> ExitCode {
    try runtime.run { event in
      handle(event)
      return exitCode == nil
    }
    audit.endRecorders()
    journal.end()
    exporters.end()
    runtime.killAll()
    if hasPidFile, let path = arguments.pidFile { Daemon.removePidFile(path) }
    return exitCode ?? .success
  }

  private func handle(_ event: SupervisorEvent) {
    switch event {
    case .start: start()
    case .signal(let signal, let process, let user): take(signal, process, user)
    case .timer(let key): time(key)
    case .readable(let number): listeners.handle(readable: number)
    case .message(let bytes, let descriptors, let child): take(bytes, descriptors, from: child)
    case .ended(let child, let status): ended(child, status)
    case .accept(let listener, let left): listeners.accept(listener, left: left)
    case .accepted(let connection): connections.open(connection)
    case .connection(let event, let number): connections.handle(event, of: number)
    case .loginOpened(let number, let socket): connections.loginOpened(number, socket)
    case .announce(let text, let number): connections.announce(text, to: number)
    case .connectionClosed: endWhenIdle()
    case .letGo: letGoOnceBansAreSaved()
    case .drain: drain()
    case .sessionsRead: sessionsRead()
    case .made(let child):
      if child.role == .transport { transports.made(child) }
      scopes.made(child)
    case .transportAssigned(let child, let number): connections.assign(child, to: number)
    case .transportReady: if state == .starting { started() }
    case .candidateReady(let authority, let hostKeys): activate(authority, hostKeys)
    case .candidateFailed(let why): reloads.candidateFailed(why)
    case .reloadBegins: service?.reloading()
    case .reloadEnded(let answer):
      service?.ready(status: status)
      reloads.finish(answer)
    case .bansChanged: bans.changed()
    case .bansSaved: finishLettingGo()
    case .audit(let fact): audit.record(fact)
    case .statusChanged: service?.status(status)
    case .failed(let code): fail(code)
    case .journalHolds:
      listeners.hold()
      sessions.hold()
    case .journalReleases:
      listeners.acceptAgain()
      sessions.release()
    case .journalOpened: journalOpened()
    case .journalNotOpened(let reason): journal.notOpened(reason)
    case .journalDirectoryOpened: exporters.apply(loaded)
    case .journalDrained: exitCode = exitCode ?? .success
    case .terminalEntered(let number): connections.terminalEntered(number)
    }
  }

  private func take(_ signal: Int32, _ process: UInt32, _ user: UInt32) {
    let sender = "by pid \(process), uid \(user)"
    switch signal {
    case SIGTERM, SIGINT:
      asked(.shutdown, sender)
      shutDown()
    case SIGHUP:
      asked(.reload, sender)
      reloads.reload(for: user == 0 ? Int32(clamping: process) : nil)
    case SIGUSR1:
      asked(.letGo, sender)
      letGo()
    default: break
    }
  }

  private func time(_ key: TimerKey) {
    switch key {
    case .connection(let number, let timer): connections.handle(.timer(timer), of: number)
    case .authorityAnswer(let number): authorities.isLate(number)
    case .authorityRestart: authorities.restartTime()
    case .transportRestart: transports.restartTime()
    // Handled by the runtime.
    case .errors, .made, .kill: break
    case .acceptAgain: listeners.acceptAgain()
    case .listenAgain: listeners.listenAgain()
    case .banEnd(let source): admission.banEnds(source)
    case .proxyHeader(let number): listeners.proxyHeaderIsLate(number)
    case .saveBans: bans.time()
    case .letGo: finishLettingGo()
    case .journalAnswer: journal.handle(.answer)
    case .journalRestart: journal.handle(.restart)
    case .journalRetry: journal.handle(.retry)
    case .loginRecords: logins.tellRecorder()
    case .exporterRestart(let name): exporters.restartTime(name)
    case .exporterLoss(let name): exporters.lossTime(name)
    case .drain: exitCode = exitCode ?? .success
    case .refusals: admission.recordRefusals()
    case .countedEvents: audit.recordCounted()
    case .throttle(let number): sessions.throttleEnds(number)
    case .shutDown:
      connections.end(.transportEnded(.unknown), logins: true)
      runtime.post(.drain)
    }
  }
}
