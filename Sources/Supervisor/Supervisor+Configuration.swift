import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System

extension Supervisor {
  /// The configuration is to be loaded again, and this process, if there is one, hears what came of it.
  func reload(for asker: Int32? = nil) {
    if let asker, reloadAskers.count < 16 { reloadAskers.append(asker) }
    guard state != .ending else { return answerReload(.refused(["the server ends"])) }
    guard state == .running, candidate == nil,
      !runtime.children.values.contains(where: { $0.role == .loader && !$0.hasAnswered })
    else {
      shallReloadAgain = true
      return
    }
    service?.reloading()
    runtime.log(.info, "loading the configuration again")
    do throws(SystemError) {
      let child = try runtime.spawn(.loader(arguments.serverArguments, directory: directory))
      runtime.setTimer(.kill(child.number), after: Self.loadTime)
    } catch {
      keepConfiguration(["\(error)"])
    }
  }

  /// What a loader says.
  func takeFromLoader(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    guard state == .running, !child.hasAnswered else { return }
    // Its one message was its work.
    child.hasAnswered = true
    do throws(LoadedSettings.Problem) {
      prepare(try LoadedSettings(bytes, descriptors))
    } catch {
      switch error {
      case .rejected(let problems): keepConfiguration(problems)
      case .malformed(let what): keepConfiguration([what])
      }
    }
  }

  /// A loader has ended.
  func loaderEnded(_ child: Child, _ status: ExitStatus) {
    guard state == .running, !child.hasAnswered else { return }
    keepConfiguration(["the loader \(status) without an answer"])
  }

  /// Listens where these settings say, and starts their first authority; they apply when it is ready.
  func prepare(_ new: LoadedSettings) {
    for warning in new.warnings { runtime.log(.warning, warning) }
    do throws(SystemError) {
      let (opened, absent) = try listen(new)
      try authorities.startCandidate(new)
      candidate = Candidate(loaded: new, listeners: opened, absent: absent)
    } catch {
      if state == .starting {
        runtime.log(.error, "\(error)")
        fail(.systemError)
      } else {
        keepConfiguration(["\(error)"])
      }
    }
  }

  /// The sockets that these settings need, those that we have and new ones, and the addresses that cannot be had now.
  /// Throws when there is none at all.
  private func listen(_ new: LoadedSettings) throws(SystemError) -> ([ListeningSocket], [AbsentAddress]) {
    if !new.listeners.isEmpty {
      let sockets = try new.listeners.map { (descriptor) throws(SystemError) in
        ListeningSocket(number: runtime.newNumber(), configured: nil, listener: try Listener(descriptor))
      }
      return (sockets, [])
    }
    // Sockets of systemd stay as they are: a loader that we start gets none.
    if let first = listeners.first, first.configured == nil { return (listeners, []) }
    var sockets: [ListeningSocket] = []
    var absent: [AbsentAddress] = []
    var missingFamily: SystemError?
    for address in new.settings.server.bindAddresses {
      if let same = listeners.first(where: { $0.configured == address }) {
        sockets.append(same)
        continue
      }
      do throws(SystemError) { sockets.append(try listen(address)) } catch {
        // Every address of a family that the machine does not have is none.
        if address.isEveryAddress, [EAFNOSUPPORT, EADDRNOTAVAIL].contains(error.code) {
          runtime.log(.info, "\(error); left out")
          missingFamily = error
        } else {
          absent.append(AbsentAddress(configured: address, error: error))
        }
      }
    }
    if sockets.isEmpty, absent.isEmpty, let missingFamily { throw missingFamily }
    if sockets.isEmpty, let last = absent.popLast() {
      for address in absent { runtime.log(.error, "\(address.error)") }
      throw last.error
    }
    for address in absent { runtime.log(.warning, "\(address.error); the other addresses are served") }
    return (sockets, absent)
  }

  private func listen(_ address: Settings.BindAddress) throws(SystemError) -> ListeningSocket {
    let listener = try Listener(SocketAddress(address: address.address, port: address.port))
    return ListeningSocket(number: runtime.newNumber(), configured: address, listener: listener)
  }

  /// An address that was not there may be there now: a network comes up after the server.
  func listenAgain() {
    guard state != .ending else { return }
    var found: [ListeningSocket] = []
    absentAddresses = absentAddresses.compactMap { absent in
      do throws(SystemError) { found.append(try listen(absent.configured)) } catch {
        return AbsentAddress(configured: absent.configured, error: error)
      }
      return nil
    }
    if !found.isEmpty {
      listenOn(listeners + found)
      service?.status(status)
    }
    if !absentAddresses.isEmpty { runtime.setTimer(.listenAgain, after: listenBackoff.fail()) }
  }

  /// The first authority of new settings is ready: they apply from now on.
  func activate(_ authority: Child, _ hostKeys: [OfferedHostKey]) {
    guard let candidate else { return }
    self.candidate = nil
    refusedSince = nil
    loaded = candidate.loaded
    runtime.setLogThreshold(arguments.logLevel(loaded.settings))
    bans.apply(loaded.settings)
    if state != .starting { applyAuditSettings() }
    admission.apply(loaded.settings)
    proxies = RangeTrie(loaded.settings.server.trustedProxies)
    let settings = loaded.settings.transport(
      hostKeys: hostKeys.map(\.blob), root: loaded.accounts == nil ? "" : Supervisor.emptyRoot)
    transportSettings = settings
    transportZygotes.apply(.transportZygote(loaded.accounts), settings)
    absentAddresses = candidate.absent
    listenBackoff.succeed()
    runtime.cancelTimer(.listenAgain)
    if !absentAddresses.isEmpty { runtime.setTimer(.listenAgain, after: listenBackoff.fail()) }
    listenOn(candidate.listeners)
    for key in hostKeys { runtime.log(.info, "host key \(key.description)") }
    authorities.adopt(authority.number, loaded)
    transports.replaceAll(spares: loaded.settings.server.spareTransports)
    if state == .starting {
      if loaded.settings.server.spareTransports == 0 { started() }
    } else {
      runtime.log(.info, "the new configuration applies to new connections")
      recordConfiguration()
      finishReload(.applied)
    }
  }

  private func listenOn(_ new: [ListeningSocket]) {
    let old = listeners
    listeners = new
    for socket in old where !new.contains(where: { $0.number == socket.number }) {
      runtime.unwatch(socket.listener.descriptor)
    }
    for socket in new where !old.contains(where: { $0.number == socket.number }) {
      if let address = socket.listener.address { runtime.log(.info, "listening on \(address)") }
      // As all others, once the journal keeps up again.
      if journal.isHolding { continue }
      do throws(SystemError) {
        try runtime.watch(socket.listener.descriptor, socket.number)
      } catch {
        runtime.log(.error, "\(error)")
        if state == .starting { fail(.systemError) }
      }
    }
  }

  /// The first authority of new settings has ended before it was ready.
  func candidateFailed(_ why: String) {
    candidate = nil
    switch state {
    case .starting:
      runtime.log(.error, "\(why) before it was ready")
      fail(.unavailable)
    case .running: keepConfiguration(["\(why) before it was ready"])
    case .ending: break
    }
  }

  /// New settings are of no use.
  func keepConfiguration(_ problems: [String]) {
    for problem in problems { runtime.log(.error, problem) }
    runtime.log(.error, "the new configuration is not used; the one before it still applies")
    var fact = Fact(.configurationRejected, .failure)
    fact.details = (problems.first ?? "") + (problems.count > 1 ? " (and \(problems.count - 1) more)" : "")
    audit.record(fact)
    if refusedSince == nil { refusedSince = Clock.timeOfDay }
    finishReload(.refused(problems))
  }

  /// Tells who asked for it what came of a reload.
  func answerReload(_ answer: ReloadAnswer) {
    let askers = reloadAskers
    reloadAskers = []
    // Only root can have a socket there.
    for asker in askers where isRoot {
      do throws(SystemError) {
        _ = try Descriptor.datagram(to: ReloadAnswer.path(for: asker)).sendDatagram(answer.wireBytes)
      } catch {
        runtime.log(.debug, "pid \(asker) does not wait for the end of its reload: \(error)")
      }
    }
  }

  /// The settings apply.
  func recordConfiguration() {
    var fact = Fact(.configurationLoaded)
    let words = arguments.serverArguments
    fact.path = words.firstIndex(of: "-c").flatMap { words.dropFirst($0 + 1).first }.map { Array($0.utf8) }
    if !loaded.warnings.isEmpty { fact.details = "with \(loaded.warnings.count) warnings" }
    audit.record(fact)
  }

  private func finishReload(_ answer: ReloadAnswer) {
    service?.ready(status: status)
    // Who asked in the meantime hears of the next one.
    guard shallReloadAgain else { return answerReload(answer) }
    shallReloadAgain = false
    reload()
  }
}
