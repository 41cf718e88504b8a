import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

/// Where events go. What a service needs of ``JournalService`` to write one.
protocol EventJournal: AnyObject {
  /// There is to be a journal.
  var isOn: Bool { get }
  /// Sends an event to the journal, if there is to be one.
  func add(_ fact: Fact, of subject: Subject, in series: JournalSeries?)
}

/// The journal's directory, for those who read what is in it.
protocol JournalPlace: AnyObject {
  /// nil: it has to be opened again first.
  var directory: LoadedSettings.OpenDirectory? { get }
}

/// Sends events to `bssh-journal`, keeps that process running, and knows who has to wait for it.
///
/// The directory of the journal comes from the loader, which may open it where `bssh-audit` may not even look. When it was
/// removed, a process like the loader opens it again, and makes it if need be.
final class JournalService: EventJournal, JournalPlace, LoginGate {
  /// Milliseconds that a journal may take to end, once it is told to.
  private static let endTime: Int64 = 30_000
  /// Milliseconds that a journal has to end with the daemon.
  private static let lastEndTime: Int64 = 3000
  /// Milliseconds that opening the directory may take.
  private static let openTime: Int64 = 10_000

  /// A program that may start once its event is in the journal.
  private struct AwaitedStart {
    /// Of its event in the queue.
    let position: UInt64
    let session: Child
    /// As the session process numbers it.
    let number: UInt64
    let user: String
  }

  private let runtime: any Runtime
  /// The name of this machine, for events.
  private let hostName: String
  private var queue: AuditQueue
  private var audit: Settings.Audit
  private var accounts: ServiceAccounts?
  /// What the journal is told; nil: there is to be none.
  private var settings: JournalSettings?
  private(set) var directory: LoadedSettings.OpenDirectory?
  /// nil: none runs.
  private var journal: Child?
  /// Opens the directory, and has not answered yet.
  private var opener: Child?
  /// In the order of their events.
  private var starts = FIFO<AwaitedStart>()
  /// Why events cannot be written now.
  private(set) var problem: String?
  /// The start of the daemon waits until the journal is open.
  private(set) var isAwaited: Bool
  /// The daemon ends as soon as everything is written.
  private var isDraining = false

  /// - Parameter loaded: these settings do not apply before ``apply(_:)``.
  init(_ runtime: any Runtime, _ loaded: LoadedSettings, hostName: String) {
    self.runtime = runtime
    self.hostName = hostName
    audit = loaded.settings.audit
    queue = AuditQueue(audit.queueLimits)
    isAwaited = loaded.journal != nil
  }

  var isOn: Bool { settings != nil }
  /// Those who make events have to wait now.
  var isHolding: Bool { queue.isHolding }

  // MARK: Settings

  /// These settings apply from now on.
  func apply(_ loaded: LoadedSettings) {
    audit = loaded.settings.audit
    accounts = loaded.accounts
    let new = loaded.journal == nil ? nil : audit.journalSettings
    let isSamePlace = directory?.directory == loaded.journal?.directory
    directory = loaded.journal
    perform(queue.apply(audit.queueLimits))
    if let new, new == settings, isSamePlace {
      // The same file; but somebody may have moved it, and wants a new one.
      if let journal { runtime.send(SupervisorToJournal.reopen, to: journal) }
      return
    }
    settings = new
    if new == nil { problem = nil }
    perform(new == nil ? queue.close() : queue.replace())
  }

  /// True when the journal that there is ends with these settings, and no other follows.
  func isEnding(with loaded: LoadedSettings) -> Bool { settings != nil && loaded.journal == nil }

  /// Whether this user may log in or start a program now, as far as the journal is concerned.
  func admits(_ user: String) -> Bool {
    guard audit.onFailure == .refuse, queue.isFailing, isOn else { return true }
    return isRescueUser(user)
  }

  /// True for those whom `audit.rescue_users` lets in to mend the server. It has no effect with `continue`.
  func isRescueUser(_ name: String) -> Bool {
    audit.onFailure == .refuse && audit.rescueUsers.contains { $0.utf8.elementsEqual(name.utf8) }
  }

  // MARK: Events

  func add(_ fact: Fact, of subject: Subject, in series: JournalSeries? = nil) {
    guard isOn else { return }
    let event = AuditEvent(
      id: .random(), time: runtime.time, host: hostName, subject: subject, fact: fact, series: series)
    perform(queue.add(event.wireBytes))
  }

  /// Lets a session process start a program once what was added last is in the journal. When events cannot be written,
  /// `audit.on_failure` decides.
  func awaitStart(_ number: UInt64, of session: Child, user: String) {
    starts.append(AwaitedStart(position: queue.position, session: session, number: number, user: user))
    answerStarts()
  }

  private func answerStarts() {
    while let start = starts.first, queue.isSettled(start.position) {
      _ = starts.popFirst()
      guard runtime.children[start.session.number] != nil else { continue }
      runtime.send(SupervisorToSession.mayStart(number: start.number, allowed: admits(start.user)), to: start.session)
    }
  }

  /// Posts ``SupervisorEvent/journalDrained`` when everything is written that can be.
  func drain() {
    isDraining = true
    perform([])
  }

  /// The daemon ends now: waits a moment until the journal has written everything to the disk.
  func end() {
    guard let journal else { return }
    runtime.send(SupervisorToJournal.close, to: journal)
    if !runtime.waitForEnd(of: journal, until: runtime.now + Self.lastEndTime) { journal.signal(SIGKILL) }
  }

  // MARK: The process

  /// Does what the queue says, and what it says to that.
  private func perform(_ actions: [AuditQueue.Action]) {
    var left = FIFO(actions)
    while let action = left.popFirst() {
      switch action {
      case .start: for next in start() { left.append(next) }
      case .restartAfter(let milliseconds): runtime.setTimer(.journalRestart, after: milliseconds)
      case .retryAfter(let milliseconds): runtime.setTimer(.journalRetry, after: milliseconds)
      case .send(let batch): if let journal { runtime.send(SupervisorToJournal.append(batch), to: journal) }
      case .watch: runtime.setTimer(.journalAnswer, after: AuditQueue.patience)
      case .stopWatching: runtime.cancelTimer(.journalAnswer)
      case .stop: stop()
      case .hold:
        runtime.log(.warning, "the journal is slow: \(queue.count) events wait, and so does what makes more")
        runtime.post(.journalHolds)
      case .release:
        runtime.log(.info, "the journal keeps up again")
        runtime.post(.journalReleases)
      case .failing(let reason): fails(reason)
      case .recovered(let lost): recovered(lost)
      }
    }
    answerStarts()
    if isDraining, queue.count == 0 || queue.isFailing { runtime.post(.journalDrained) }
  }

  private func start() -> [AuditQueue.Action] {
    guard let settings else { return [] }
    guard let directory else { return openDirectory(settings) }
    do throws(SystemError) {
      let child = try runtime.spawn(.journal(accounts))
      journal = child
      runtime.send(SupervisorToJournal.open(settings), [directory.descriptor], to: child)
      return queue.started()
    } catch {
      return queue.startFailed("the journal could not be started: \(error)")
    }
  }

  private func stop() {
    guard let journal else { return }
    self.journal = nil
    runtime.send(SupervisorToJournal.close, to: journal)
    runtime.setTimer(.kill(journal.number), after: Self.endTime)
  }

  private func openDirectory(_ settings: JournalSettings) -> [AuditQueue.Action] {
    guard opener == nil else { return [] }
    do throws(SystemError) {
      let child = try runtime.spawn(.journalOpener(settings))
      opener = child
      runtime.setTimer(.kill(child.number), after: Self.openTime)
      return []
    } catch {
      return queue.startFailed("the journal's directory could not be opened: \(error)")
    }
  }

  /// The time of one of the journal's timers has come.
  func handle(_ timer: JournalTimer) {
    switch timer {
    case .answer: perform(queue.hung())
    case .restart: perform(queue.restartTime())
    case .retry: perform(queue.retryTime())
    }
  }

  /// A message of a journal.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    let message = descriptors.isEmpty ? try? JournalToSupervisor(wireBytes: bytes[...]) : nil
    if case .found(let findings) = message { return report(findings) }
    guard child === journal else { return }
    switch message {
    case .written(let batch): performOrKill(queue.written(batch))
    case .failed(let batch, let reason): performOrKill(queue.failed(batch, reason))
    case .opened: endWait()
    case .notOpened(let reason, let isPassing):
      // A start fails; but where a disk is full, or has become read-only, logins are to be possible as far as
      // `audit.on_failure` says, or nobody could mend it.
      if isPassing { endWait() }
      runtime.post(.journalNotOpened(reason))
    case .found, nil: performOrKill(nil)
    }
  }

  /// The file of the journal cannot be opened.
  func notOpened(_ reason: String) { performOrKill(queue.failed(0, reason)) }

  private func endWait() {
    isAwaited = false
    runtime.post(.journalOpened)
  }

  private func performOrKill(_ actions: [AuditQueue.Action]?) {
    if let actions { return perform(actions) }
    guard let journal else { return }
    runtime.log(.error, "journal \(journal.pid) sent something that it was not asked for: killed")
    journal.signal(SIGKILL)
  }

  /// A journal has ended.
  func ended(_ child: Child, _ status: ExitStatus) {
    guard child === journal else { return }
    journal = nil
    if status == .code(ExitCode.noInput.rawValue) {
      runtime.log(.error, "journal \(child.pid): its directory has been removed")
      directory = nil
    } else {
      runtime.log(.error, "journal \(child.pid) \(status)")
    }
    perform(queue.ended("the journal \(status)"))
  }

  /// The one message of a process that opens the directory.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], fromOpener child: Child) {
    guard child === opener else { return }
    opener = nil
    switch try? JournalOpening(wireBytes: bytes[...]) {
    case .opened(let opened) where descriptors.count == 1:
      // A reload may have been faster.
      if directory == nil {
        directory = LoadedSettings.OpenDirectory(directory: opened, descriptor: descriptors[0])
      }
      runtime.post(.journalDirectoryOpened)
      perform(queue.restartTime())
    case .failed(let reason): perform(queue.startFailed(reason))
    case .opened, nil: perform(queue.startFailed("the journal's directory could not be opened"))
    }
  }

  /// Such a process has ended.
  func openerEnded(_ child: Child, _ status: ExitStatus) {
    guard child === opener else { return }
    opener = nil
    perform(queue.startFailed("the process that opens the journal's directory \(status)"))
  }

  // MARK: What goes wrong

  private func fails(_ reason: String) {
    if isAwaited {
      runtime.log(
        .error,
        "events cannot be written: \(reason); not started: audit.exporters names a file elsewhere, and audit.enabled: "
          + "false does without")
      return runtime.post(.failed(.cannotCreate))
    }
    let consequence =
      switch audit.onFailure {
      case .continue: "logins go on (audit.on_failure)"
      case .refuse where audit.rescueUsers.isEmpty: "no new login is let in (audit.on_failure)"
      case .refuse: "of new logins only those of audit.rescue_users are let in"
      }
    runtime.log(.error, "events cannot be written: \(reason); \(consequence)")
    problem = reason
    runtime.post(.statusChanged)
  }

  private func recovered(_ lost: UInt64) {
    runtime.log(.warning, "events are written again; \(lost) were lost")
    problem = nil
    runtime.post(.statusChanged)
    if lost > 0 { report(.notWritten, "\(lost) events could not be written, and are lost") }
  }

  /// What was wrong with the end of a series of the journal.
  private func report(_ findings: JournalFindings) {
    let name = findings.series.path(of: settings?.path ?? "")
    let journal = name.lastIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
    if findings.tornBytes > 0 {
      report(.tornLine, "the last line of \(journal) was not whole: \(findings.tornBytes) bytes removed")
    }
    if findings.missingLines > 0 {
      report(.missingLines, "\(findings.missingLines) lines that were written last are not in \(journal) any more")
    }
    if findings.isAltered { report(.altered, "\(journal) does not end as it was written") }
  }

  private func report(_ gap: JournalGap, _ details: String) {
    var fact = Fact(.auditGap, .error)
    (fact.reason, fact.details) = (Reason(gap), details)
    runtime.post(.audit(fact))
  }
}

/// The timers of a ``JournalService``.
enum JournalTimer {
  case answer, restart, retry
}
