import Glibc
import IPC
import System
import Wire

/// Builds the services and hands each event to the service that it concerns.
final class Supervisor {
  let life: LifeCycleService
  let settings: SettingsService
  let reloads: ReloadService
  let listeners: ListenerService
  let admission: AdmissionService
  let bans: BanService
  let connections: ConnectionService
  let transports: TransportService
  let authorities: AuthorityService
  let accounts: AccountCheckService
  let sessions: SessionService
  let pauses: SessionPauseService
  let scopes: ScopeService
  let transportZygotes: ZygoteService
  let sessionZygotes: ZygoteService
  let audit: AuditService
  let journal: JournalService
  let exporters: ExporterService
  let logins: LoginRecordService
  let recorders: RecorderReplyService

  /// - Parameters:
  ///   - directory: where the daemon was started, for the loader.
  ///   - transfer: `bssh-transfer`, for the zygote of session processes.
  init(
    _ arguments: SupervisorArguments, _ loaded: LoadedSettings, _ runtime: any Runtime, _ process: any DaemonProcess,
    isRoot: Bool, directory: String?, transfer: Descriptor
  ) {
    let singleUser = isRoot ? nil : Daemon.userID
    transportZygotes = ZygoteService(runtime, of: .transport, .transportZygote(loaded.accounts))
    sessionZygotes = ZygoteService(runtime, of: .session, .sessionZygote, [transfer])
    transports = TransportService(runtime, transportZygotes)
    scopes = ScopeService(runtime, isRoot: isRoot, isService: process.isService)
    journal = JournalService(runtime, loaded, hostName: ThisProcess.hostName)
    let recorder = RecorderService(runtime)
    let recordings = RecordingService(runtime, recorder)
    logins = LoginRecordService(runtime, recorder)
    recorders = RecorderReplyService(runtime, recorder, recordings, logins)
    audit = AuditService(runtime, journal, logins)
    exporters = ExporterService(runtime, audit, journal)
    admission = AdmissionService(runtime, audit, loaded.settings)
    bans = BanService(runtime, admission, loaded.settings)
    listeners = ListenerService(runtime, admission, journal, loaded.settings)
    authorities = AuthorityService(runtime, singleUser: singleUser)
    accounts = AccountCheckService(runtime, sessionZygotes)
    pauses = SessionPauseService(runtime, journal, audit)
    sessions = SessionService(runtime, sessionZygotes, scopes, pauses, journal, audit, isRoot: isRoot)
    connections = ConnectionService(
      runtime,
      ConnectionService.Services(
        events: audit, admission: admission, transports: transports, authorities: authorities, accounts: accounts,
        sessions: sessions, recorders: recorder, recordings: recordings, logins: logins),
      loaded.settings, singleUser: singleUser)
    reloads = ReloadService(runtime, listeners, authorities, audit, arguments, directory: directory) {
      answer, asker in
      // Only root can create a socket there.
      if isRoot { Self.send(answer, to: asker, runtime) }
    }
    settings = SettingsService(
      runtime,
      SettingsService.Services(
        reloads: reloads, listeners: listeners, admission: admission, bans: bans, connections: connections,
        transports: transports, transportZygotes: transportZygotes, authorities: authorities, journal: journal,
        exporters: exporters, audit: audit, recorders: recorder, logins: logins),
      loaded, arguments)
    life = LifeCycleService(
      runtime, process,
      LifeCycleService.Services(
        settings: settings, reloads: reloads, listeners: listeners, admission: admission, bans: bans,
        connections: connections, sessions: sessions, scopes: scopes, transports: transports,
        transportZygotes: transportZygotes, sessionZygotes: sessionZygotes, journal: journal, exporters: exporters,
        audit: audit, recorders: recorders),
      isRoot: isRoot, configurationName: arguments.configurationName)
  }

  /// Handles an event; false: the daemon ends, and wants no more.
  func handle(_ event: SupervisorEvent) -> Bool {
    dispatch(event)
    return life.exitCode == nil
  }

  private func dispatch(_ event: SupervisorEvent) {
    switch event {
    case .start: life.start()
    case .signal(let signal, let process, let user): life.handle(signal: signal, from: process, of: user)
    case .timer(let key): time(key)
    case .readable(let number): listeners.handle(readable: number)
    case .message(let bytes, let descriptors, let child): handle(bytes, descriptors, from: child)
    case .ended(let child, let status): ended(child, status)
    case .accept(let listener, let left): listeners.accept(listener, left: left)
    case .accepted(let connection): connections.open(connection)
    case .connection(let event, let number): connections.handle(event, of: number)
    case .loginOpened(let number, let socket): connections.loginOpened(number, socket)
    case .announce(let text, let number): connections.announce(text, to: number)
    case .connectionClosed: life.endWhenIdle()
    case .handOver: life.handOverOnceBansAreSaved()
    case .drain: life.drain()
    case .sessionsRead: life.sessionsRead()
    case .made(let child):
      if child.role == .transport { transports.made(child) }
      scopes.made(child)
    case .transportAssigned(let child, let number): connections.assign(child, to: number)
    case .transportReady: life.started()
    case .candidateReady(let authority, let hostKeys): settings.activate(authority, hostKeys)
    case .candidateFailed(let why): reloads.candidateFailed(why)
    case .reloadBegins: life.reloadBegins()
    case .reloadEnded(let answer): life.reloadEnded(answer)
    case .bansChanged: bans.changed()
    case .bansSaved: life.finishHandOver()
    case .audit(let record): audit.record(record)
    case .statusChanged: life.statusChanged()
    case .failed(let code): life.fail(code)
    case .backpressureBegins:
      listeners.pauseAccepting()
      pauses.hold()
    case .backpressureEnds:
      listeners.resumeAccepting()
      pauses.release()
    case .journalOpened: life.journalOpened()
    case .journalNotOpened(let reason): journal.notOpened(reason)
    case .journalDirectoryOpened: settings.journalDirectoryOpened()
    case .journalDrained: life.drained()
    case .terminalEntered(let number): connections.terminalEntered(number)
    }
  }

  /// Tells a `bssh-server reload` what came of it.
  private static func send(_ answer: ReloadReply, to asker: Int32, _ runtime: any Runtime) {
    do throws(SystemError) {
      _ = try Descriptor.datagram(to: ReloadReply.path(for: asker)).sendDatagram(
        MessageVersion.headed(answer.wireBytes))
    } catch {
      runtime.log(.debug, "pid \(asker) does not wait for the end of its reload: \(error)")
    }
  }
}
