import Audit
import Glibc
import IPC
import System

/// The life of the daemon: starts it, says so, ends it, and hands logins over to a copy of this process so that another
/// daemon can take its place.
final class LifeCycleService {
  private enum Phase: Int, Comparable {
    /// The start is not complete.
    case starting
    /// The start waits for the journal alone.
    case awaitingJournal
    case running
    /// No connections are accepted; ends with the last one.
    case ending
    /// What is left goes to the journal; then this process ends.
    case draining

    static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
  }

  /// The services that start and end with the daemon.
  struct Services {
    let settings: SettingsService
    let reloads: ReloadService
    let listeners: ListenerService
    let admission: AdmissionService
    let bans: BanService
    let connections: ConnectionService
    let sessions: SessionService
    let scopes: ScopeService
    let transports: TransportService
    let transportZygotes: ZygoteService
    let sessionZygotes: ZygoteService
    let journal: JournalService
    let exporters: ExporterService
    let audit: AuditService
    let recorders: RecorderReplyService
  }

  /// Milliseconds that connections have when the daemon ends.
  static let shutDownTime: Int64 = 4500
  /// Milliseconds in which what is left goes to the journal when the daemon ends.
  static let drainTime: Int64 = 3000

  private let runtime: any Runtime
  private let process: any DaemonProcess
  private let services: Services
  private let isRoot: Bool
  /// The configuration's, for people.
  private let configurationName: String
  private var phase = Phase.starting
  /// Logins go to a copy of this process as soon as bans are saved.
  private var isHandingOver = false
  /// True if the end of the service was reported.
  private var hasRecordedStop = false
  /// How the process ends; nil: it goes on.
  private(set) var exitCode: ExitCode?

  init(
    _ runtime: any Runtime, _ process: any DaemonProcess, _ services: Services, isRoot: Bool, configurationName: String
  ) {
    self.runtime = runtime
    self.process = process
    self.services = services
    self.isRoot = isRoot
    self.configurationName = configurationName
  }

  // MARK: Start

  /// Begins; ``started()`` follows when everything works.
  func start() {
    let mode =
      isRoot
      ? "as root"
      : "not as root: every login maps to uid \(Daemon.userID), only who started it and configured users may log in, no login records"
    runtime.log(.info, "bssh-server \(version) starts \(mode)")
    if isRoot {
      for obstacle in process.obstacles { runtime.log(.error, obstacle) }
      do throws(SystemError) { try process.prepareTransportRoot() } catch {
        runtime.log(.error, "\(error)")
        return fail(.systemError)
      }
    }
    services.settings.start()
  }

  /// Everything but perhaps the journal works: says so to those who wait for it. A daemon that has started already goes
  /// on.
  func started() {
    guard phase < .running, exitCode == nil else { return }
    if services.journal.isAwaited {
      phase = .awaitingJournal
      return
    }
    phase = .running
    services.transports.started()
    services.listeners.started()
    do throws(SystemError) { try process.writePidFile() } catch {
      runtime.log(.error, "\(error)")
      return fail(.cannotCreate)
    }
    runtime.log(.info, "ready")
    let status = status
    var record = AuditRecord(.daemonStarted)
    record.details = "bssh-server \(version), \(isRoot ? "as root" : "not as root"), \(status)"
    services.audit.record(record)
    services.settings.started()
    process.notify(.ready(status: status))
    services.reloads.started()
    do throws(SystemError) {
      if let output = try process.reportReady(status) { runtime.logToSystemLog(output) }
    } catch {
      // Standard error is /dev/null now; without /dev/log the log would have no output.
      runtime.log(.warning, "\(error)")
    }
  }

  /// The journal is open, or the start goes on without it.
  func journalOpened() { if phase == .awaitingJournal { started() } }

  /// Ends with this exit code. The log contains the reason.
  func fail(_ code: ExitCode) { if exitCode == nil { exitCode = code } }

  // MARK: State

  /// The status for administrators, in one line: the addresses and any problems. Texts from other processes are escaped.
  private var status: String {
    let (places, absent) = (services.listeners.places, services.listeners.absentPlaces)
    let refused =
      services.reloads.refusedSince.map { "; \(Log.printable(configurationName)) refused since \($0)" } ?? ""
    let failure = services.journal.problem.map { "; EVENTS CANNOT BE WRITTEN: \($0)" } ?? ""
    let late = services.exporters.behind.map { "; \($0.name) is behind: \($0.waiting) events wait" }.joined()
    let place = places.isEmpty ? "listening nowhere" : "listening on " + places
    return Log.printable(place + absent + refused + failure + late)
  }

  /// The status line has changed.
  func statusChanged() { process.notify(.status(status)) }

  /// A reload of the configuration begins.
  func reloadBegins() { process.notify(.reloading) }

  /// A reload has ended with this result.
  func reloadEnded(_ answer: ReloadReply) {
    process.notify(.ready(status: status))
    services.reloads.finish(answer)
  }

  // MARK: Requests

  /// A signal, which only those may send who may tell the daemon what to do.
  func handle(signal: Int32, from process: UInt32, of user: UInt32) {
    switch signal {
    case SIGTERM, SIGINT:
      record(.shutdown, process, user)
      shutDown()
    case SIGHUP:
      record(.reload, process, user)
      services.reloads.reload(for: user == 0 ? Int32(clamping: process) : nil)
    case SIGUSR1:
      record(.handOver, process, user)
      handOver()
    default: break
    }
  }

  private func record(_ request: AdminRequest, _ process: UInt32, _ user: UInt32) {
    var record = AuditRecord(.adminAction)
    (record.reason, record.details) = (Reason(request), "by pid \(process), uid \(user)")
    services.audit.record(record)
  }

  // MARK: End

  /// Disconnects everyone and ends.
  private func shutDown() {
    guard phase >= .running else { return fail(.success) }
    runtime.log(.info, "shutting down with \(services.connections.count) connections")
    process.notify(.stopping)
    stopAccepting()
    services.connections.end(.shutDown, logins: true)
    services.bans.finish()
    runtime.setTimer(.shutDown, after: Self.shutDownTime)
    endWhenIdle()
  }

  private func stopAccepting() {
    phase = max(phase, .ending)
    services.listeners.close()
    services.reloads.close()
    services.transports.close()
    services.transportZygotes.close()
    services.sessionZygotes.close()
    services.scopes.close()
  }

  /// Connections have had their time to end: their transports are not waited for.
  func shutDownIsLate() {
    services.connections.end(.transportEnded(.unknown), logins: true)
    runtime.post(.drain)
  }

  /// Ends after the last connection and session.
  func endWhenIdle() {
    guard phase == .ending, exitCode == nil, services.connections.count == 0,
      !runtime.children.values.contains(where: { $0.role == .session || $0.role == .banWriter })
    else { return }
    runtime.log(.info, "ended")
    drain()
  }

  /// Has what is left written to the journal; then this process ends.
  func drain() {
    guard exitCode == nil, phase < .draining else { return }
    phase = .draining
    // Messages of paused logins are read too.
    runtime.readRest(of: services.sessions.processes, then: .sessionsRead)
  }

  /// The last messages of logins are handled: records what would have been recorded later.
  func sessionsRead() {
    services.audit.recordAllCounted()
    services.admission.recordAllRefusals()
    services.sessions.recordAllEnds()
    recordStop("shut down")
    runtime.setTimer(.drain, after: Self.drainTime)
    services.journal.drain()
  }

  /// The journal has everything that it can have, or has had its time.
  func drained() { fail(.success) }

  /// The event loop is over: ends all processes. Returns the exit code.
  func end() -> ExitCode {
    services.recorders.end()
    services.journal.end()
    services.exporters.end()
    runtime.killAll()
    process.removePidFile()
    return exitCode ?? .success
  }

  /// Records the end of the service, once.
  private func recordStop(_ details: String) {
    if hasRecordedStop { return }
    hasRecordedStop = true
    services.exporters.recordAllLosses()
    var record = AuditRecord(.daemonStopped)
    record.details = details
    services.audit.record(record)
  }

  // MARK: Hand-over

  /// Ends for whoever started it, while logins go on: a copy of this process serves them until the last one ends.
  private func handOver() {
    // Nobody is logged in yet: there is nothing to hand over.
    if phase < .running { return fail(.success) }
    guard phase == .running else { return }
    process.notify(.stopping)
    stopAccepting()
    services.connections.end(.abandon, logins: false)
    runtime.post(.handOver)
  }

  /// Connections without a login are gone: hands over once bans are saved.
  func handOverOnceBansAreSaved() {
    services.bans.finish()
    isHandingOver = true
    guard services.bans.isDone else {
      // Whoever starts the next daemon waits for this process, and the next daemon reads what is written now.
      return runtime.setTimer(.handOver, after: Self.shutDownTime)
    }
    finishHandOver()
  }

  /// Hands over, bans being saved or late.
  func finishHandOver() {
    guard isHandingOver else { return }
    isHandingOver = false
    services.admission.handOver()
    services.bans.handOver()
    services.sessionZygotes.becomeCopy()
    services.transportZygotes.becomeCopy()
    runtime.cancelTimer(.handOver)
    let logins = services.connections.loginCount
    recordStop(logins > 0 ? "\(logins) logins go on" : "shutting down")
    guard logins > 0 else { return endWhenIdle() }
    runtime.log(.info, "letting go: \(logins) logins go on")
    // The next daemon's exporters send what is written from now on.
    services.exporters.apply(nil)
    do throws(SystemError) {
      let staying = runtime.children.values.filter { !services.scopes.hasMoved($0) }
      try process.continueInCopy(with: staying.compactMap { $0.process?.pid })
      services.scopes.leaveService()
      try runtime.watchSignalsAgain()
    } catch {
      runtime.log(.error, "\(error); serving the logins as this process")
    }
    endWhenIdle()
  }
}
