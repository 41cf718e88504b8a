import Audit
import Glibc
import IPC
import System

extension Supervisor {
  /// The directory that transports have as root.
  static let emptyRoot = EmptyDirectory.ofTransports

  /// Where it listens, and what does not go well, for people: one line, whatever processes said of it.
  var status: String {
    let places = listeners.compactMap { $0.listener.address?.description }.joined(separator: ", ")
    let absent = absentAddresses.map { "; not on \($0.address): \(SystemError.message($0.error.code))" }.joined()
    let refused = refusedSince.map { "; \(Log.printable(arguments.configurationName)) refused since \($0)" } ?? ""
    let failure = journalProblem.map { "; EVENTS CANNOT BE WRITTEN: \($0)" } ?? ""
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
    log.write(.info, "bssh-server \(version) starts \(mode)")
    if isRoot { for obstacle in programs.obstacles { log.write(.error, obstacle) } }
    if loaded.accounts != nil {
      do throws(SystemError) { try EmptyDirectory.prepare(Supervisor.emptyRoot) } catch {
        log.write(.error, "\(error)")
        return fail(.systemError)
      }
    }
    restoreBans()
    awaitsJournal = loaded.journal != nil
    applyAuditSettings()
    prepare(loaded)
  }

  /// Everything works: says so to whoever waits for it.
  func started() {
    guard state == .starting, exitCode == nil else { return }
    if awaitsJournal {
      isReadyButForJournal = true
      return
    }
    state = .running
    if let path = arguments.pidFile {
      do throws(SystemError) {
        try Daemon.writePidFile(path)
        hasPidFile = true
      } catch {
        log.write(.error, "\(error)")
        return fail(.cannotCreate)
      }
    }
    log.write(.info, "ready")
    var fact = Fact(.daemonStarted)
    fact.details = "bssh-server \(version), \(isRoot ? "as root" : "not as root"), \(status)"
    record(fact, of: Subject())
    recordConfiguration()
    service?.ready(status: status)
    if shallReloadAgain {
      shallReloadAgain = false
      reload()
    }
    guard let report else { return }
    self.report = nil
    do throws(SystemError) {
      try report.succeed("bssh-server: \(status), pid \(Daemon.processID)")
      let output = try Descriptor.datagram(to: "/dev/log")
      log = Log(threshold: log.threshold, style: .syslog(program: "bssh-supervisor", facility: 4), output: output)
    } catch {
      // Standard error is /dev/null now; without /dev/log there is no place left to write to.
      log.write(.warning, "\(error)")
    }
  }

  /// The start failed, and the log says why.
  func fail(_ code: ExitCode) { if exitCode == nil { exitCode = code } }

  /// Says goodbye to everyone and ends.
  func shutDown() {
    guard state != .starting else { return fail(.success) }
    log.write(.info, "shutting down with \(connections.count) connections")
    service?.stopping()
    stopAccepting()
    for number in Array(connections.keys) { deliver(.shutDown, to: number) }
    if !hasLetGo { perform(banSaver.finish(at: Clock.milliseconds)) }
    timers.set(.shutDown, at: Clock.milliseconds + Self.shutDownTime)
    endWhenIdle()
  }

  /// Ends for whoever started it, while logins go on: a child serves them until the last one ends.
  func letGo() {
    // Nobody is logged in yet: there is nothing to let go of.
    if state == .starting { return fail(.success) }
    guard state == .running else { return }
    service?.stopping()
    stopAccepting()
    for number in Array(connections.keys) where connections[number]?.machine.isLoggedIn == false {
      deliver(.abandon, to: number)
    }
    perform(banSaver.finish(at: Clock.milliseconds))
    isLettingGo = true
    guard banSaver.isDone else {
      // Who starts the next daemon waits for this process, and that one reads what is written now.
      return timers.set(.letGo, at: Clock.milliseconds + Self.shutDownTime)
    }
    finishLettingGo()
  }

  /// Lets go, bans being saved or late.
  func finishLettingGo() {
    guard isLettingGo else { return }
    isLettingGo = false
    hasLetGo = true
    timers.cancel(.letGo)
    let logins = connections.values.count { $0.machine.isLoggedIn }
    recordStop(logins > 0 ? "\(logins) logins go on" : "shutting down")
    guard logins > 0 else { return endWhenIdle() }
    log.write(.info, "letting go: \(logins) logins go on")
    // The next daemon's send what is written from now on.
    perform(exporters.apply([]))
    do throws(SystemError) {
      switch try Daemon.fork() {
      case .parent(let copy):
        if hasPidFile, let path = arguments.pidFile { Daemon.removePidFile(path) }
        leave(to: copy)
      case .child:
        hasPidFile = false
        service = nil
        // A signalfd wakes an epoll only for signals of the process that added it.
        loop.remove(signals.descriptor)
        try loop.add(signals.descriptor, .read, token: Self.signalToken)
      }
    } catch {
      log.write(.error, "\(error); serving the logins as this process")
    }
    endWhenIdle()
  }

  /// The end of the service, once.
  func recordStop(_ details: String) {
    if hasRecordedStop { return }
    hasRecordedStop = true
    tellExporterLosses()
    var fact = Fact(.daemonStopped)
    fact.details = details
    record(fact, of: Subject())
  }

  private func stopAccepting() {
    state = .ending
    timers.cancel(.acceptAgain)
    timers.cancel(.listenAgain)
    answerReload(.refused(["the server ends"]))
    for socket in listeners { loop.remove(socket.listener.descriptor) }
    listeners = []
    forgetAllProxied()
    if let candidate { children[candidate.authority]?.signal(SIGKILL) }
    candidate = nil
    perform(transports.close())
    retireTransportZygote()
    retireSessionZygote()
  }

  /// Ends with the last connection and session.
  func endWhenIdle() {
    guard state == .ending, connections.isEmpty,
      !children.values.contains(where: { $0.role == .session || $0.role == .banWriter })
    else { return }
    guard exitCode == nil, !isDraining else { return }
    log.write(.info, "ended")
    drain()
  }
}
