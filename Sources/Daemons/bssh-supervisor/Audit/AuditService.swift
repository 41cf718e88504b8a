import Audit
import Configuration
import Glibc
import IPC
import System

/// Receives all events.
protocol EventLog: AnyObject {
  /// Reports an event to the journal and the log.
  ///
  /// - Parameters:
  ///   - connection: the number of the connection; nil: the event is about the daemon or a refused connection.
  ///   - suffix: the end of the log line; nil: there is no line.
  func record(_ record: AuditRecord, of subject: Subject, _ connection: UInt64?, logging suffix: String?)
}

extension EventLog {
  /// Reports an event to the journal and the log.
  func record(_ record: AuditRecord, of subject: Subject = Subject(), _ connection: UInt64? = nil) {
    self.record(record, of: subject, connection, logging: "")
  }
}

/// Reports events: by the budgets of logins, to the journal, the log and, where btmp is concerned, the login records.
final class AuditService: EventBudget {
  private let runtime: any Runtime
  private let journal: any EventJournal
  private let refusedLogins: any RefusedLogins
  private var budgets = EventBudgets(EventBudgets.Limits(kept: 0))

  init(_ runtime: any Runtime, _ journal: any EventJournal, _ refusedLogins: any RefusedLogins) {
    self.runtime = runtime
    self.journal = journal
    self.refusedLogins = refusedLogins
  }

  /// Applies new settings.
  func apply(_ settings: Settings.Audit) { budgets.apply(settings.budgetLimits) }

  // MARK: Events

  func record(_ record: AuditRecord, of subject: Subject, _ connection: UInt64?, logging suffix: String?) {
    var subject = subject
    subject.connection = connection
    let place = connection.map { "[\($0)] " } ?? ""
    var series = record.type.series
    if journal.isOn {
      guard let budgeted = budgeted(record, subject, connection) else { return }
      series = budgeted
    }
    // Prefixed, so that no session can write a line that looks like ours.
    let teller = record.type.isOfSession && record.type != .suspiciousActivity ? "session: " : ""
    journal.add(record, of: subject, in: series)
    if record.type == .authFailure { recordRefusal(record, of: subject) }
    let level = Log.Level(record.logLevel)
    guard let suffix, runtime.logs(level) else { return }
    runtime.log(level, place + teller + record.logMessage(of: subject) + suffix)
  }

  /// The series to which an event is written, depending on the budgets of its login; nil: it was only counted.
  private func budgeted(_ record: AuditRecord, _ subject: Subject, _ connection: UInt64?) -> JournalSeries? {
    guard let session = subject.sessionID else { return record.type.series }
    switch record.type {
    case .directoryListed, .attributesChanged:
      let tells = budgets.tells(record.type, of: subject, connection, at: runtime.now, time: runtime.time)
      setTimer()
      return tells ? record.type.series : nil
    case .transferDenied, .forwardDenied:
      let series = budgets.denial(
        record.type, of: subject, connection, bytes: record.lineSize, at: runtime.now, time: runtime.time)
      setTimer()
      return series
    case .sessionEnd:
      if let counted = budgets.end(session, subject.user, at: runtime.now) { self.record(counted) }
      return record.type.series
    default:
      let isCharged = record.type.series == .main && (record.type.isOfSession || record.type == .recordingStarted)
      if isCharged, let user = subject.user { _ = budgets.spend(record.lineSize, user, at: runtime.now) }
      return record.type.series
    }
  }

  func wait(for user: String) -> Int64 { journal.isOn ? budgets.wait(for: user, at: runtime.now) : 0 }

  /// Reports events that were counted, after the end of their interval.
  func recordCounted() {
    for counted in budgets.ended(at: runtime.now) { record(counted) }
    setTimer()
  }

  /// Reports all events that were counted, because the daemon ends.
  func recordAllCounted() { for counted in budgets.remainder() { record(counted) } }

  private func record(_ counted: EventBudgets.Counted) {
    record(counted.record, of: counted.subject, counted.connection)
  }

  private func setTimer() {
    // Intervals that begin later end later.
    if let end = budgets.nextEnd, !runtime.hasTimer(.countedEvents) { runtime.setTimer(.countedEvents, at: end) }
  }

  /// Enters a refused login in btmp. As with sshd(8), these are wrong passwords and codes and unknown user names; a refused
  /// key is no guess.
  private func recordRefusal(_ record: AuditRecord, of subject: Subject) {
    guard let user = subject.user, let method = subject.method else { return }
    let isTyped = method.split(separator: ",").contains { ["password", "keyboard-interactive", "totp"].contains($0) }
    guard isTyped || record.reason == Reason(AccountRefusal.noSuchUser) else { return }
    refusedLogins.recordRefusal(
      LoginEntry(
        .refused, user: LoginEntry.short(user), uid: 0, terminal: "ssh:notty", process: 0,
        address: subject.clientAddress ?? ""), of: subject.connection ?? 0)
  }
}

extension Log.Level {
  /// The log level of an event of this severity.
  init(_ severity: Severity) {
    self =
      switch severity {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
  }
}
