import Audit
import Glibc
import IPC
import System

/// Sockets for new settings. What a service needs of ``ListenerService`` to prepare them.
protocol SocketSource: AnyObject {
  /// The sockets that these settings need, those that there are and new ones, and the addresses that cannot be had now.
  ///
  /// - Throws: what the system says when there is none at all.
  func prepare(_ new: LoadedSettings) throws(SystemError) -> ListenerService.Prepared
}

/// The first authority of new settings. What a service needs of ``AuthorityService`` to prepare them.
protocol CandidateSource: AnyObject {
  /// Starts it. ``SupervisorEvent/candidateReady(_:_:)`` or ``SupervisorEvent/candidateFailed(_:)`` follows.
  ///
  /// - Throws: what the system says when it cannot be started.
  func startCandidate(_ new: LoadedSettings) throws(SystemError)
  /// The new settings are not wanted any more.
  func dropCandidate()
}

/// Has the configuration loaded again for who asks for it, and prepares new settings until they can apply.
final class ReloadService {
  /// Milliseconds that a loader may take.
  private static let loadTime: Int64 = 60_000

  /// Settings that apply once their first authority is ready.
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
  private let arguments: Arguments
  /// Where the daemon was started, for the loader.
  private let directory: String?
  /// Sends an answer to the process with this number.
  private let reply: (ReloadAnswer, Int32) -> Void
  private var phase = Phase.starting
  /// It has not answered yet.
  private var loader: Child?
  private var candidate: Candidate?
  private var shallReloadAgain = false
  /// Processes that asked for a reload, and wait for what comes of it.
  private var askers: [Int32] = []
  /// Since when the configuration is one that does not apply, for people; nil: the one that was loaded last applies.
  private(set) var refusedSince: String?

  init(
    _ runtime: any Runtime, _ sockets: any SocketSource, _ authorities: any CandidateSource, _ events: any EventLog,
    _ arguments: Arguments, directory: String?, reply: @escaping (ReloadAnswer, Int32) -> Void
  ) {
    self.runtime = runtime
    self.sockets = sockets
    self.authorities = authorities
    self.events = events
    self.arguments = arguments
    self.directory = directory
    self.reply = reply
  }

  /// The start of the daemon is over.
  func started() {
    phase = .running
    reloadIfAsked()
  }

  /// The daemon ends.
  func close() {
    phase = .ending
    answer(.refused(["the server ends"]))
    authorities.dropCandidate()
    candidate = nil
  }

  /// The configuration is to be loaded again, and this process, if there is one, hears what came of it.
  func reload(for asker: Int32? = nil) {
    if let asker, askers.count < 16 { askers.append(asker) }
    guard phase != .ending else { return answer(.refused(["the server ends"])) }
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

  /// What a loader says: one message, which was its work.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard phase == .running, child === loader else { return }
    loader = nil
    do throws(LoadedSettings.Problem) {
      prepare(try LoadedSettings(bytes, descriptors))
    } catch {
      switch error {
      case .rejected(let problems): keep(problems)
      case .malformed(let what): keep([what])
      }
    }
  }

  /// A loader has ended.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard child === loader else { return }
    loader = nil
    if phase == .running { keep(["the loader \(status) without an answer"]) }
  }

  /// Listens where these settings say, and starts their first authority; they apply when it is ready.
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

  /// The new settings, whose first authority is ready: they apply from now on. Nil: they are not wanted any more.
  func takeCandidate() -> Candidate? {
    guard let candidate else { return nil }
    self.candidate = nil
    refusedSince = nil
    return candidate
  }

  /// The new settings apply.
  func applied() { runtime.post(.reloadEnded(.applied)) }

  /// The first authority of new settings has ended before it was ready.
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

  /// New settings are of no use.
  private func keep(_ problems: [String]) {
    for problem in problems { runtime.log(.error, problem) }
    runtime.log(.error, "the new configuration is not used; the one before it still applies")
    var fact = Fact(.configurationRejected, .failure)
    fact.details = (problems.first ?? "") + (problems.count > 1 ? " (and \(problems.count - 1) more)" : "")
    events.record(fact)
    if refusedSince == nil { refusedSince = Clock.timeOfDay }
    runtime.post(.reloadEnded(.refused(problems)))
  }

  /// A reload is over, and the service manager knows.
  func finish(_ result: ReloadAnswer) {
    // Who asked in the meantime hears of the next one.
    if shallReloadAgain { reloadIfAsked() } else { answer(result) }
  }

  private func reloadIfAsked() {
    guard shallReloadAgain else { return }
    shallReloadAgain = false
    reload()
  }

  /// Tells who asked for it what came of a reload.
  private func answer(_ answer: ReloadAnswer) {
    let all = askers
    askers = []
    for asker in all { reply(answer, asker) }
  }
}
