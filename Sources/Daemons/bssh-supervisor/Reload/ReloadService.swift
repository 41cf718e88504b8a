import Audit
import Glibc
import IPC
import System

/// The part of ``ListenerService`` that a service needs to prepare sockets for new settings.
protocol SocketSource: AnyObject {
  /// The existing and new sockets for these settings, and the addresses on which listening is not possible at the moment.
  ///
  /// - Throws: `SystemError` when listening is not possible on any address.
  func prepare(_ new: LoadedSettings) throws(SystemError) -> ListenerService.Prepared
}

/// The part of ``AuthorityService`` that a service needs to prepare the first authority of new settings.
protocol CandidateSource: AnyObject {
  /// Starts the authority. ``SupervisorEvent/candidateReady(_:_:)`` or ``SupervisorEvent/candidateFailed(_:)`` follows.
  ///
  /// - Throws: `SystemError` when it cannot be started.
  func startCandidate(_ new: LoadedSettings) throws(SystemError)
  /// Ends the authority, because the new settings are no longer needed.
  func dropCandidate()
}

/// Loads the configuration again on request, and prepares new settings until they can be applied.
final class ReloadService {
  /// Time limit for the loader, in milliseconds.
  private static let loadTime: Int64 = 60_000

  /// New settings, which are applied when their first authority is ready.
  struct Candidate {
    let loaded: LoadedSettings
    let sockets: ListenerService.Prepared
  }

  private enum Phase {
    case starting, running, ending
  }

  private let runtime: any Runtime
  private let sockets: any SocketSource
  private let authorities: any CandidateSource
  private let events: any EventLog
  private let arguments: SupervisorArguments
  /// The working directory at the start of the daemon, for the loader.
  private let directory: String?
  /// Sends a reply to the process with this id.
  private let reply: (ReloadReply, Int32) -> Void
  private var phase = Phase.starting
  /// The loader that has not replied yet; nil: none.
  private var loader: Child?
  private var candidate: Candidate?
  private var shallReloadAgain = false
  /// The ids of processes that requested a reload and wait for the result.
  private var askers: [Int32] = []
  /// The time since which the configuration file was refused, for the status; nil: the last one was accepted.
  private(set) var refusedSince: String?

  init(
    _ runtime: any Runtime, _ sockets: any SocketSource, _ authorities: any CandidateSource, _ events: any EventLog,
    _ arguments: SupervisorArguments, directory: String?, reply: @escaping (ReloadReply, Int32) -> Void
  ) {
    self.runtime = runtime
    self.sockets = sockets
    self.authorities = authorities
    self.events = events
    self.arguments = arguments
    self.directory = directory
    self.reply = reply
  }

  /// Handles the end of the start of the daemon.
  func started() {
    phase = .running
    reloadIfAsked()
  }

  /// Stops reloads, because the daemon ends.
  func close() {
    phase = .ending
    replyToAll(.refused(["the server ends"]))
    authorities.dropCandidate()
    candidate = nil
  }

  /// Loads the configuration again, and sends the result to this process; nil: to none.
  func reload(for asker: Int32? = nil) {
    if let asker, askers.count < 16 { askers.append(asker) }
    guard phase != .ending else { return replyToAll(.refused(["the server ends"])) }
    guard phase == .running, candidate == nil, loader == nil else {
      shallReloadAgain = true
      return
    }
    runtime.post(.reloadBegins)
    runtime.log(.info, "loading the configuration again")
    do throws(SystemError) {
      let child = try runtime.spawn(.loader(arguments.serverArguments, directory: directory))
      loader = child
      runtime.setTimer(.kill(child.number), after: Self.loadTime)
    } catch {
      keep(["\(error)"])
    }
  }

  /// Handles the only message of a loader.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard phase == .running, child === loader else { return }
    loader = nil
    do throws(LoadedSettings.LoadError) {
      prepare(try LoadedSettings(bytes, descriptors))
    } catch {
      switch error {
      case .rejected(let problems): keep(problems)
      case .malformed(let what): keep([what])
      }
    }
  }

  /// Handles the end of a loader.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard child === loader else { return }
    loader = nil
    if phase == .running { keep(["the loader \(status) without an answer"]) }
  }

  /// Prepares the sockets of these settings, and starts their first authority. They are applied when it is ready.
  func prepare(_ new: LoadedSettings) {
    for warning in new.warnings { runtime.log(.warning, warning) }
    do throws(SystemError) {
      let prepared = try sockets.prepare(new)
      try authorities.startCandidate(new)
      candidate = Candidate(loaded: new, sockets: prepared)
    } catch {
      if phase == .starting {
        runtime.log(.error, "\(error)")
        runtime.post(.failed(.systemError))
      } else {
        keep(["\(error)"])
      }
    }
  }

  /// Removes and returns the new settings, whose first authority is ready; nil: they are no longer needed.
  func takeCandidate() -> Candidate? {
    guard let candidate else { return nil }
    self.candidate = nil
    refusedSince = nil
    return candidate
  }

  /// Reports that the new settings are applied.
  func applied() { runtime.post(.reloadEnded(.applied)) }

  /// Handles that the first authority of new settings ended before it was ready.
  func candidateFailed(_ why: String) {
    candidate = nil
    switch phase {
    case .starting:
      runtime.log(.error, "\(why) before it was ready")
      runtime.post(.failed(.unavailable))
    case .running: keep(["\(why) before it was ready"])
    case .ending: break
    }
  }

  /// Refuses new settings, and keeps the current ones.
  private func keep(_ problems: [String]) {
    for problem in problems { runtime.log(.error, problem) }
    runtime.log(.error, "the new configuration is not used; the previous one still applies")
    var record = AuditRecord(.configurationRejected, .failure)
    record.details = (problems.first ?? "") + (problems.count > 1 ? " (and \(problems.count - 1) more)" : "")
    events.record(record)
    if refusedSince == nil { refusedSince = Clock.timeOfDay }
    runtime.post(.reloadEnded(.refused(problems)))
  }

  /// Completes a reload after the service manager was notified.
  func finish(_ result: ReloadReply) {
    // Processes that requested a reload in the meantime get the result of the next one.
    if shallReloadAgain { reloadIfAsked() } else { replyToAll(result) }
  }

  private func reloadIfAsked() {
    guard shallReloadAgain else { return }
    shallReloadAgain = false
    reload()
  }

  /// Sends the result of a reload to the processes that requested it.
  private func replyToAll(_ answer: ReloadReply) {
    let all = askers
    askers = []
    for asker in all { reply(answer, asker) }
  }
}
