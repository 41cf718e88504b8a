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
      !children.values.contains(where: { $0.role == .loader && !$0.hasAnswered })
    else {
      shallReloadAgain = true
      return
    }
    service?.reloading()
    log.write(.info, "loading the configuration again")
    do throws(SystemError) {
      let child = try spawn(.loader) { ends in
        programs.loader(arguments.serverArguments, directory: directory, ends: ends)
      }
      timers.set(.kill(child.number), at: Clock.milliseconds + Self.loadTime)
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
    for warning in new.warnings { log.write(.warning, warning) }
    do throws(SystemError) {
      let (opened, absent) = try listen(new)
      let child = try startAuthority(new)
      child.isCandidate = true
      timers.set(.authorityAnswer(child.number), at: Clock.milliseconds + AuthorityPool.patience)
      candidate = Candidate(loaded: new, authority: child.number, listeners: opened, absent: absent)
    } catch {
      if state == .starting {
        log.write(.error, "\(error)")
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
        ListeningSocket(number: newNumber(), configured: nil, listener: try Listener(descriptor))
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
          log.write(.info, "\(error); left out")
          missingFamily = error
        } else {
          absent.append(AbsentAddress(configured: address, error: error))
        }
      }
    }
    if sockets.isEmpty, absent.isEmpty, let missingFamily { throw missingFamily }
    if sockets.isEmpty, let last = absent.popLast() {
      for address in absent { log.write(.error, "\(address.error)") }
      throw last.error
    }
    for address in absent { log.write(.warning, "\(address.error); the other addresses are served") }
    return (sockets, absent)
  }

  private func listen(_ address: Settings.BindAddress) throws(SystemError) -> ListeningSocket {
    let listener = try Listener(SocketAddress(address: address.address, port: address.port))
    return ListeningSocket(number: newNumber(), configured: address, listener: listener)
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
    if !absentAddresses.isEmpty { timers.set(.listenAgain, at: Clock.milliseconds + listenBackoff.fail()) }
  }

  /// The first authority of new settings is ready: they apply from now on.
  func activate(_ authority: Child, _ hostKeys: [OfferedHostKey]) {
    guard let candidate, candidate.authority == authority.number else { return }
    self.candidate = nil
    refusedSince = nil
    let hasOtherFile = loaded.settings.security.banStateFile != candidate.loaded.settings.security.banStateFile
    loaded = candidate.loaded
    log.threshold = arguments.logLevel(loaded.settings)
    if hasOtherFile { bansChanged() }
    if state != .starting { applyAuditSettings() }
    admission.apply(loaded.settings.admissionRules)
    proxies = RangeTrie(loaded.settings.server.trustedProxies)
    transportSettings = loaded.settings.transport(
      hostKeys: hostKeys.map(\.blob), root: loaded.accounts == nil ? "" : Supervisor.emptyRoot)
    absentAddresses = candidate.absent
    listenBackoff.succeed()
    timers.cancel(.listenAgain)
    if !absentAddresses.isEmpty { timers.set(.listenAgain, at: Clock.milliseconds + listenBackoff.fail()) }
    listenOn(candidate.listeners)
    for key in hostKeys { log.write(.info, "host key \(key.description)") }
    perform(authorities.adopt(authority.number))
    retireTransportZygote()
    perform(transports.replaceAll(spares: loaded.settings.server.spareTransports))
    if state == .starting {
      if loaded.settings.server.spareTransports == 0 { started() }
    } else {
      log.write(.info, "the new configuration applies to new connections")
      recordConfiguration()
      finishReload(.applied)
    }
  }

  private func listenOn(_ new: [ListeningSocket]) {
    let old = listeners
    listeners = new
    for socket in old where !new.contains(where: { $0.number == socket.number }) {
      loop.remove(socket.listener.descriptor)
    }
    for socket in new where !old.contains(where: { $0.number == socket.number }) {
      if let address = socket.listener.address { log.write(.info, "listening on \(address)") }
      // As all others, once the journal keeps up again.
      if events.isHolding { continue }
      do throws(SystemError) {
        try loop.add(socket.listener.descriptor, .read, token: Self.token(socket.number))
      } catch {
        log.write(.error, "\(error)")
        if state == .starting { fail(.systemError) }
      }
    }
  }

  /// The first authority of new settings has ended before it was ready.
  func candidateFailed(_ why: String) {
    candidate = nil
    switch state {
    case .starting:
      log.write(.error, "\(why) before it was ready")
      fail(.unavailable)
    case .running: keepConfiguration(["\(why) before it was ready"])
    case .ending: break
    }
  }

  /// New settings are of no use.
  func keepConfiguration(_ problems: [String]) {
    for problem in problems { log.write(.error, problem) }
    log.write(.error, "the new configuration is not used; the one before it still applies")
    var fact = Fact(.configurationRejected, .failure)
    fact.details = (problems.first ?? "") + (problems.count > 1 ? " (and \(problems.count - 1) more)" : "")
    record(fact, of: Subject())
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
        log.write(.debug, "pid \(asker) does not wait for the end of its reload: \(error)")
      }
    }
  }

  /// The settings apply.
  func recordConfiguration() {
    var fact = Fact(.configurationLoaded)
    let words = arguments.serverArguments
    fact.path = words.firstIndex(of: "-c").flatMap { words.dropFirst($0 + 1).first }.map { Array($0.utf8) }
    if !loaded.warnings.isEmpty { fact.details = "with \(loaded.warnings.count) warnings" }
    record(fact, of: Subject())
  }

  private func finishReload(_ answer: ReloadAnswer) {
    service?.ready(status: status)
    // Who asked in the meantime hears of the next one.
    guard shallReloadAgain else { return answerReload(answer) }
    shallReloadAgain = false
    reload()
  }
}
