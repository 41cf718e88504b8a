import Audit
import Glibc
import IPC
import System

extension Supervisor {
  /// The directory that transports have as root.
  static let emptyRoot = EmptyDirectory.ofTransports

  /// Where it listens, and what does not go well, for people: one line, whatever processes said of it.
  var status: String {
    let (places, absent) = (listeners.places, listeners.absentPlaces)
    let refused =
      reloads.refusedSince.map { "; \(Log.printable(arguments.configurationName)) refused since \($0)" } ?? ""
    let failure = journal.problem.map { "; EVENTS CANNOT BE WRITTEN: \($0)" } ?? ""
    let late = exporters.behind.map { "; \($0.name) is behind: \($0.waiting) events wait" }.joined()
    let place = places.isEmpty ? "listening nowhere" : "listening on " + places
    return Log.printable(place + absent + refused + failure + late)
  }

  /// Begins; `started` is the other end of it.
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

  /// Everything works: says so to whoever waits for it.
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
      // Standard error is /dev/null now; without /dev/log there is no place left to write to.
      runtime.log(.warning, "\(error)")
    }
  }

  /// The start may wait for nothing else.
  func journalOpened() {
    guard isReadyButForJournal else { return }
    isReadyButForJournal = false
    started()
  }

  /// The start failed, and the log says why.
  func fail(_ code: ExitCode) { if exitCode == nil { exitCode = code } }

  /// Says goodbye to everyone and ends.
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

  /// Ends for whoever started it, while logins go on: a child serves them until the last one ends.
  func letGo() {
    // Nobody is logged in yet: there is nothing to let go of.
    if state == .starting { return fail(.success) }
    guard state == .running else { return }
    service?.stopping()
    stopAccepting()
    connections.end(.abandon, logins: false)
    runtime.post(.letGo)
  }

  /// Connections without a login are gone.
  func letGoOnceBansAreSaved() {
    bans.finish()
    isLettingGo = true
    guard bans.isDone else {
      // Who starts the next daemon waits for this process, and that one reads what is written now.
      return runtime.setTimer(.letGo, after: Self.shutDownTime)
    }
    finishLettingGo()
  }

  /// Lets go, bans being saved or late.
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
    // The next daemon's send what is written from now on.
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

  /// The end of the service, once.
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

  /// Ends with the last connection and session.
  func endWhenIdle() {
    guard state == .ending, connections.count == 0,
      !runtime.children.values.contains(where: { $0.role == .session || $0.role == .banWriter })
    else { return }
    guard exitCode == nil, !isDraining else { return }
    runtime.log(.info, "ended")
    drain()
  }

  /// Milliseconds in which what is left goes to the journal when the server ends.
  private static let drainTime: Int64 = 3000

  /// What is left goes to the journal, and then this process ends.
  func drain() {
    guard exitCode == nil, !isDraining else { return }
    isDraining = true
    // What logins have said by now is heard, also of those that are held.
    runtime.readRest(of: sessions.processes, then: .sessionsRead)
  }

  /// Everything is heard that logins have said: records what would have been recorded later, for there is no more time.
  func sessionsRead() {
    audit.recordAllCounted()
    admission.recordAllRefusals()
    sessions.recordAllEnds()
    recordStop("shut down")
    runtime.setTimer(.drain, after: Self.drainTime)
    journal.drain()
  }

  /// Ends this process, which a copy goes on in place of. It becomes a program that first moves the copy, and whatever else
  /// is still in the service, into a scope of their own, so that the next daemon finds the service empty.
  private func leave(to copy: pid_t) -> Never {
    guard isRoot else { _exit(0) }
    let staying = runtime.children.values.filter { !scopes.hasMoved($0) }.compactMap { $0.process?.pid }
    let words = ["bssh-session", "hand-over"] + ([copy] + staying).map(String.init)
    _ = ThisProcess.become(programs.executables.session, arguments: words.map { Array($0.utf8) })
    _exit(0)
  }
}
