import AccessControl
import Audit
import System

extension Supervisor {
  /// Something happened: the one place from which the log hears of it.
  ///
  /// - Parameters:
  ///   - connection: its number; nil for what is about the daemon, or a connection that was not let in.
  ///   - suffix: what the line of the log ends with; nil: there is none.
  func record(_ fact: Fact, of subject: Subject, _ connection: UInt64? = nil, logging suffix: String? = "") {
    var subject = subject
    subject.connection = connection
    let place = connection.map { "[\($0)] " } ?? ""
    var series = fact.type.series
    if journalSettings != nil {
      guard let budgeted = budgeted(fact, subject, connection) else { return }
      series = budgeted
    }
    // Named, so that no session can write a line that looks like ours.
    let teller = fact.type.isOfSession && fact.type != .suspiciousActivity ? "session: " : ""
    journal(fact, of: subject, in: series)
    if fact.type == .authFailure { recordRefusal(fact, of: subject) }
    let level = Log.Level(fact.logLevel)
    guard let suffix, log.writes(level) else { return }
    log.write(level, place + teller + fact.sentence(of: subject) + suffix)
  }

  /// Where an event is written, by the budgets of its login; nil: it was counted.
  private func budgeted(_ fact: Fact, _ subject: Subject, _ connection: UInt64?) -> JournalSeries? {
    guard let session = subject.sessionID else { return fact.type.series }
    let now = Clock.milliseconds
    switch fact.type {
    case .directoryListed, .attributesChanged:
      let tells = budgets.tells(fact.type, of: subject, connection, at: now, time: Clock.microsecondsSince1970)
      setCountedTimer()
      return tells ? fact.type.series : nil
    case .transferDenied:
      let series = budgets.denial(
        of: subject, connection, bytes: fact.lineSize, at: now, time: Clock.microsecondsSince1970)
      setCountedTimer()
      return series
    case .sessionEnd:
      if let counted = budgets.end(session, subject.user, at: now) { tell(counted) }
      return fact.type.series
    default:
      let isCharged = fact.type.series == .main && (fact.type.isOfSession || fact.type == .recordingStarted)
      if isCharged, let user = subject.user { _ = budgets.spend(fact.lineSize, user, at: now) }
      return fact.type.series
    }
  }

  /// Tells of events that were counted.
  func tellCounted() {
    for counted in budgets.ended(at: Clock.milliseconds) { tell(counted) }
    setCountedTimer()
  }

  private func tell(_ counted: EventBudgets.Counted) {
    record(counted.fact, of: counted.subject, counted.connection)
  }

  private func setCountedTimer() {
    // Times of counting that begin later end later.
    if let end = budgets.nextEnd, !timers.contains(.countedEvents) { timers.set(.countedEvents, at: end) }
  }

  /// Lets a login wait whose user has used up the budget of events, and says so on its terminals and in the log. Those
  /// who may have to mend the server are charged and never wait: root and ``isRescueUser(_:)``.
  func throttle(_ child: Child, _ user: String?) {
    guard let user, journalSettings != nil, !child.isThrottled, child.isOpen, !child.isRoot, !isRescueUser(user)
    else { return }
    let wait = budgets.wait(for: user, at: Clock.milliseconds)
    guard wait > 0 else { return }
    if !child.isHeld { loop.remove(child.socket.descriptor) }
    child.isThrottled = true
    timers.set(.throttle(child.number), at: Clock.milliseconds + wait)
    if let connection = child.connection.flatMap({ connections[$0] }),
      child.throttleNotices.pass(at: Clock.milliseconds) != nil
    {
      tell(connection, .announce(EventBudgets.announcement(wait)))
    }
    guard let others = throttleLog.pass(at: Clock.milliseconds) else { return }
    let more = others > 0 ? " (\(others) more such lines left out)" : ""
    log.write(
      .warning,
      "\(user.quoted()) makes more events than the journal keeps for a day (audit.exporters[].rotate): its logins wait"
        + more)
  }

  /// A login has waited for its user's budget.
  func throttleEnds(_ number: UInt64) {
    guard let child = children[number] else { return }
    child.isThrottled = false
    listen(to: child)
  }

  /// Somebody who may told the daemon to do something.
  func asked(_ what: AdminRequest, _ by: String) {
    var fact = Fact(.adminAction)
    (fact.reason, fact.details) = (Reason(what), by)
    record(fact, of: Subject())
  }

  /// The server ends, and there is no more time: tells what would have been told later.
  func tellRest() {
    for counted in budgets.rest() { tell(counted) }
    tellLastRefusals()
    for child in children.values {
      recordLoss(of: child, .shutDown, isExpected: true)
      tellLastWords(of: child)
    }
  }
}

extension Log.Level {
  /// The level of a line about an event of this severity.
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
