import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

/// The part of ``JournalService`` that a service needs to write events.
protocol EventJournal: AnyObject {
  /// True if a journal is configured.
  var isOn: Bool { get }
  /// Sends an event to the journal, if one is configured.
  func add(_ record: AuditRecord, of subject: Subject, in series: JournalSeries?)
}

/// The directory of the journal, for services that read it.
protocol JournalPlace: AnyObject {
  /// The directory; nil: it has to be opened again first.
  var directory: LoadedSettings.OpenDirectory? { get }
}

/// Sends events to `bssh-journal`, keeps that process running, and decides what has to wait for it.
///
/// The loader opens the directory of the journal, because the account `bssh-audit` may not be able to search its parent
/// directories. If the directory was removed, `bssh-server open-journal` opens it again, and creates it if necessary.
final class JournalService: EventJournal, JournalPlace, JournalPatience, LoginGate {
  /// Time limit for a journal process to end, in milliseconds.
  private static let endTime: Int64 = 30_000
  /// Time limit for the journal process to end with the daemon, in milliseconds.
  private static let lastEndTime: Int64 = 3000
  /// Time limit for opening the directory, in milliseconds.
  private static let openTime: Int64 = 10_000

  /// A program that may start when its event is in the journal.
  private struct AwaitedStart {
    /// The position of its event in the queue.
    let position: UInt64
    let session: Child
    /// Its number in the session process.
    let number: UInt64
    let user: String
  }

  private let runtime: any Runtime
  /// The host name in events.
  private let hostName: String
  private var queue: AuditQueue
  private var audit: Settings.Audit
  private var accounts: ServiceAccounts?
  /// The settings of the journal; nil: none is configured.
  private var settings: JournalSettings?
  private(set) var directory: LoadedSettings.OpenDirectory?
  /// The journal process; nil: none is running.
  private var journal: Child?
  /// The process that opens the directory; nil: none is running.
  private var opener: Child?
  /// The programs that wait for their events, in the order of these.
  private var starts = FIFO<AwaitedStart>()
  /// Why events cannot be written; nil: they can.
  private(set) var problem: String?
  /// True while the start of the daemon waits for the journal.
  private(set) var isAwaited: Bool
  /// True if the daemon ends when everything is written.
  private var isDraining = false

  /// - Parameter loaded: settings that do not apply before ``apply(_:)``.
  init(_ runtime: any Runtime, _ loaded: LoadedSettings, hostName: String) {
    self.runtime = runtime
    self.hostName = hostName
    audit = loaded.settings.audit
    queue = AuditQueue(audit.queueLimits)
    isAwaited = loaded.journal != nil
  }

  var isOn: Bool { settings != nil }
  /// True while the sources of events are paused.
  var hasBackpressure: Bool { queue.hasBackpressure }

  // MARK: Settings

  /// Applies new settings.
  func apply(_ loaded: LoadedSettings) {
    audit = loaded.settings.audit
    accounts = loaded.accounts
    let new = loaded.journal == nil ? nil : audit.journalSettings
    let isSamePlace = directory?.directory == loaded.journal?.directory
    directory = loaded.journal
    perform(queue.apply(audit.queueLimits))
    if let new, new == settings, isSamePlace {
      // The same file, but an administrator may have renamed it to get a new one.
      if let journal { runtime.send(SupervisorToJournal.reopen, to: journal) }
      return
    }
    settings = new
    if new == nil { problem = nil }
    perform(new == nil ? queue.close() : queue.replace())
  }

  /// True if these settings end the current journal without a new one.
  func isEnding(with loaded: LoadedSettings) -> Bool { settings != nil && loaded.journal == nil }

  /// True if the state of the journal allows this user to log in or to start a program.
  func admits(_ user: String) -> Bool {
    guard audit.onFailure == .refuse, queue.isFailing, isOn else { return true }
    return isRescueUser(user)
  }

  /// True if `audit.rescue_users` allows this user to log in while the journal fails. It has no effect with `continue`.
  func isRescueUser(_ name: String) -> Bool {
    audit.onFailure == .refuse && audit.rescueUsers.contains { $0.utf8.elementsEqual(name.utf8) }
  }

  // MARK: Events

  func add(_ record: AuditRecord, of subject: Subject, in series: JournalSeries? = nil) {
    guard isOn else { return }
    let event = AuditEvent(
      id: .random(), time: runtime.time, host: hostName, subject: subject, record: record, series: series)
    perform(queue.add(event.wireBytes))
  }

  /// Lets a session process start a program when the last added event is in the journal. If events cannot be written,
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

  /// Posts ``SupervisorEvent/journalDrained`` when no event is left that can be written.
  func drain() {
    isDraining = true
    perform([])
  }

  /// Waits for a limited time until the journal has written everything to the disk, because the daemon ends.
  func end() {
    guard let journal else { return }
    runtime.send(SupervisorToJournal.close, to: journal)
    if !runtime.waitForEnd(of: journal, until: runtime.now + Self.lastEndTime) { journal.signal(SIGKILL) }
  }

  // MARK: The process

  /// Performs the actions of the queue, and those that result from them.
  private func perform(_ actions: [AuditQueue.Action]) {
    performInOrder(actions) { action in
      switch action {
      case .start: return start()
      case .restartAfter(let milliseconds): runtime.setTimer(.journalRestart, after: milliseconds)
      case .retryAfter(let milliseconds): runtime.setTimer(.journalRetry, after: milliseconds)
      case .send(let batch): if let journal { runtime.send(SupervisorToJournal.append(batch), to: journal) }
      case .watch: runtime.setTimer(.journalAnswer, after: AuditQueue.timeout)
      case .stopWatching: runtime.cancelTimer(.journalAnswer)
      case .stop: stop()
      case .applyBackpressure:
        runtime.log(.warning, "the journal is slow: \(queue.count) events wait, and so does what makes more")
        runtime.post(.backpressureBegins)
      case .releaseBackpressure:
        runtime.log(.info, "the journal keeps up again")
        runtime.post(.backpressureEnds)
      case .failing(let reason): fails(reason)
      case .recovered(let lost): recovered(lost)
      }
      return []
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

  /// Handles the expiry of a timer.
  func handle(_ timer: JournalTimer) {
    switch timer {
    case .answer: perform(queue.hung())
    case .restart: perform(queue.restartTime())
    case .retry: perform(queue.retryTime())
    }
  }

  /// Handles a message of a journal process.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    let message = descriptors.isEmpty ? try? JournalToSupervisor(wireBytes: bytes[...]) : nil
    if case .found(let findings) = message { return report(findings) }
    guard child === journal else { return }
    switch message {
    case .written(let batch): performOrKill(queue.written(batch))
    case .failed(let batch, let reason): performOrKill(queue.failed(batch, reason))
    case .opened: endWait()
    case .notOpened(let reason, let isPassing):
      // Other errors make the start fail. If the disk is full or read-only, `audit.on_failure` decides about logins;
      // otherwise nobody could repair it.
      if isPassing { endWait() }
      runtime.post(.journalNotOpened(reason))
    case .found, nil: performOrKill(nil)
    }
  }

  /// Handles that the file of the journal cannot be opened.
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

  /// Handles the end of a journal process.
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

  /// Handles the only message of a process that opens the directory.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], fromOpener child: Child) {
    guard child === opener else { return }
    opener = nil
    switch try? JournalOpening(wireBytes: bytes[...]) {
    case .opened(let opened) where descriptors.count == 1:
      // A reload may have opened it first.
      if directory == nil {
        directory = LoadedSettings.OpenDirectory(directory: opened, descriptor: descriptors[0])
      }
      runtime.post(.journalDirectoryOpened)
      perform(queue.restartTime())
    case .failed(let reason): perform(queue.startFailed(reason))
    case .opened, nil: perform(queue.startFailed("the journal's directory could not be opened"))
    }
  }

  /// Handles the end of a process that opens the directory.
  func openerEnded(_ child: Child, _ status: ExitStatus) {
    guard child === opener else { return }
    opener = nil
    perform(queue.startFailed("the process that opens the journal's directory \(status)"))
  }

  // MARK: Failures

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

  /// Reports irregularities at the end of a series of the journal.
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
    var record = AuditRecord(.auditGap, .error)
    (record.reason, record.details) = (Reason(gap), details)
    runtime.post(.audit(record))
  }
}

/// The timers of a ``JournalService``.
enum JournalTimer {
  case answer, restart, retry
}
