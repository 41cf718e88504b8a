import Audit
import Glibc
import IPC
import System

extension Supervisor {
  /// The root directory of transports.
  static let emptyRoot = EmptyDirectory.ofTransports

  /// The status for administrators, in one line: the addresses and any problems. Texts from other processes are escaped.
  var status: String {
    let (places, absent) = (listeners.places, listeners.absentPlaces)
    let refused =
      reloads.refusedSince.map { "; \(Log.printable(arguments.configurationName)) refused since \($0)" } ?? ""
    let failure = journal.problem.map { "; EVENTS CANNOT BE WRITTEN: \($0)" } ?? ""
    let late = exporters.behind.map { "; \($0.name) is behind: \($0.waiting) events wait" }.joined()
    let place = places.isEmpty ? "listening nowhere" : "listening on " + places
    return Log.printable(place + absent + refused + failure + late)
  }

  /// Starts the daemon; ``started()`` completes that.
  func start() {
    let mode =
      isRoot
      ? "as root"
      : "not as root: every login maps to uid \(Daemon.userID), only who started it and configured users may log in, no login records"
    runtime.log(.info, "bssh-server \(version) starts \(mode)")
    if isRoot { for obstacle in programs.obstacles { runtime.log(.error, obstacle) } }
    if loaded.accounts != nil {
      do throws(SystemError) { try EmptyDirectory.prepare(Supervisor.emptyRoot) } catch {
        runtime.log(.error, "\(error)")
        return fail(.systemError)
      }
    }
    admission.restore(loaded.bans)
    applyAuditSettings()
    reloads.prepare(loaded)
  }

  /// Completes the start, and notifies the service manager and the parent process.
  func started() {
    guard state == .starting, exitCode == nil else { return }
    if journal.isAwaited {
      isReadyButForJournal = true
      return
    }
    state = .running
    transports.started()
    listeners.started()
    if let path = arguments.pidFile {
      do throws(SystemError) {
        try Daemon.writePidFile(path)
        hasPidFile = true
      } catch {
        runtime.log(.error, "\(error)")
        return fail(.cannotCreate)
      }
    }
    runtime.log(.info, "ready")
    var fact = Fact(.daemonStarted)
    fact.details = "bssh-server \(version), \(isRoot ? "as root" : "not as root"), \(status)"
    audit.record(fact)
    recordConfiguration()
    service?.ready(status: status)
    reloads.started()
    guard let report else { return }
    self.report = nil
    do throws(SystemError) {
      try report.succeed("bssh-server: \(status), pid \(Daemon.processID)")
      let output = try Descriptor.datagram(to: "/dev/log")
      runtime.logToSystemLog(output)
    } catch {
      // Standard error is /dev/null now; without /dev/log the log would have no output.
      runtime.log(.warning, "\(error)")
    }
  }

  /// Handles that the journal is open, which may complete the start.
  func journalOpened() {
    guard isReadyButForJournal else { return }
    isReadyButForJournal = false
    started()
  }

  /// Ends with this exit code. The log contains the reason.
  func fail(_ code: ExitCode) { if exitCode == nil { exitCode = code } }

  /// Disconnects all connections and ends.
  func shutDown() {
    guard state != .starting else { return fail(.success) }
    runtime.log(.info, "shutting down with \(connections.count) connections")
    service?.stopping()
    stopAccepting()
    connections.end(.shutDown, logins: true)
    bans.finish()
    runtime.setTimer(.shutDown, after: Self.shutDownTime)
    endWhenIdle()
  }

  /// Begins a hand-over: this process ends, and a copy serves the existing logins until the last one ends.
  func letGo() {
    // There are no logins yet.
    if state == .starting { return fail(.success) }
    guard state == .running else { return }
    service?.stopping()
    stopAccepting()
    connections.end(.abandon, logins: false)
    runtime.post(.letGo)
  }

  /// Waits until bans are saved, after connections without a login are gone.
  func letGoOnceBansAreSaved() {
    bans.finish()
    isLettingGo = true
    guard bans.isDone else {
      // The next daemon is started after this process has ended, and reads the file that is being written.
      return runtime.setTimer(.letGo, after: Self.shutDownTime)
    }
    finishLettingGo()
  }

  /// Hands over, after bans are saved or the time limit.
  func finishLettingGo() {
    guard isLettingGo else { return }
    isLettingGo = false
    admission.handOver()
    bans.handOver()
    sessionZygotes.becomeCopy()
    transportZygotes.becomeCopy()
    runtime.cancelTimer(.letGo)
    let logins = connections.loginCount
    recordStop(logins > 0 ? "\(logins) logins go on" : "shutting down")
    guard logins > 0 else { return endWhenIdle() }
    runtime.log(.info, "letting go: \(logins) logins go on")
    // The exporters of the next daemon send further events.
    exporters.apply(nil)
    do throws(SystemError) {
      switch try Daemon.fork() {
      case .parent(let copy):
        if hasPidFile, let path = arguments.pidFile { Daemon.removePidFile(path) }
        leave(to: copy)
      case .child:
        hasPidFile = false
        service = nil
        scopes.leaveService()
        try runtime.watchSignalsAgain()
      }
    } catch {
      runtime.log(.error, "\(error); serving the logins as this process")
    }
    endWhenIdle()
  }

  /// Reports the end of the service, once.
  func recordStop(_ details: String) {
    if hasRecordedStop { return }
    hasRecordedStop = true
    exporters.recordAllLosses()
    var fact = Fact(.daemonStopped)
    fact.details = details
    audit.record(fact)
  }

  private func stopAccepting() {
    state = .ending
    listeners.close()
    reloads.close()
    transports.close()
    transportZygotes.close()
    sessionZygotes.close()
    scopes.close()
  }

  /// Ends after the last connection and session.
  func endWhenIdle() {
    guard state == .ending, connections.count == 0,
      !runtime.children.values.contains(where: { $0.role == .session || $0.role == .banWriter })
    else { return }
    guard exitCode == nil, !isDraining else { return }
    runtime.log(.info, "ended")
    drain()
  }

  /// Time limit for writing the remaining events when the daemon ends, in milliseconds.
  private static let drainTime: Int64 = 3000

  /// Writes the remaining events to the journal, and then ends this process.
  func drain() {
    guard exitCode == nil, !isDraining else { return }
    isDraining = true
    // Messages of paused logins are read too.
    runtime.readRest(of: sessions.processes, then: .sessionsRead)
  }

  /// Reports all counted and deferred events, after the messages of logins are read.
  func sessionsRead() {
    audit.recordAllCounted()
    admission.recordAllRefusals()
    sessions.recordAllEnds()
    recordStop("shut down")
    runtime.setTimer(.drain, after: Self.drainTime)
    journal.drain()
  }

  /// Ends this process after a hand-over to `copy`. It executes a program that first moves the copy, and all other processes
  /// of the service, to their own scope, so that the service is empty for the next daemon.
  private func leave(to copy: pid_t) -> Never {
    guard isRoot else { _exit(0) }
    let staying = runtime.children.values.filter { !scopes.hasMoved($0) }.compactMap { $0.process?.pid }
    let words = ["bssh-session", "hand-over"] + ([copy] + staying).map(String.init)
    _ = ThisProcess.become(programs.executables.session, arguments: words.map { Array($0.utf8) })
    _exit(0)
  }
}
