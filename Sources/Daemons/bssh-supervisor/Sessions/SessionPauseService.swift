import System

/// Why logins may have to wait before they are listened to. What a service needs of ``JournalService`` for that.
protocol JournalPatience: JournalPressure {
  /// True if `audit.rescue_users` allows this user to log in while the journal fails.
  func isRescueUser(_ name: String) -> Bool
}

/// Stops listening to logins while the journal is slow, or while their user has used up the budget of events.
final class SessionPauseService {
  /// A login that may have to wait.
  private struct Login {
    let child: Child
    /// True if it has root's privileges. It never waits for a budget, because it could change the journal anyway.
    let isRoot: Bool
    var waitsForJournal = false
    /// True while it is paused because its user has used up the budget of events.
    var isThrottled = false
    /// Limits the announcements of such pauses on its terminals.
    var notices = LogThrottle(interval: 60_000)
  }

  private let runtime: any Runtime
  private let journal: any JournalPatience
  private let events: any EventBudget
  /// The processes of logins, by their numbers.
  private var logins: [UInt64: Login] = [:]
  /// Limits the log lines about budgets.
  private var lineThrottle = LogThrottle(burst: 10, interval: 10_000)

  init(_ runtime: any Runtime, _ journal: any JournalPatience, _ events: any EventBudget) {
    self.runtime = runtime
    self.journal = journal
    self.events = events
  }

  /// A session process gets a login. Messages to it go on; those of it wait as others do.
  func add(_ child: Child, isRoot: Bool) {
    logins[child.number] = Login(child: child, isRoot: isRoot)
    if journal.hasBackpressure { hold(child.number) }
  }

  /// The process has ended.
  func remove(_ child: Child) {
    logins[child.number] = nil
    runtime.cancelTimer(.throttle(child.number))
  }

  /// Pauses all logins, because the journal is slow.
  func hold() { for number in logins.keys { hold(number) } }

  private func hold(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal else { return }
    if !login.isThrottled { runtime.pause(login.child) }
    logins[number]?.waitsForJournal = true
  }

  /// Resumes logins, because the journal keeps up again.
  func release() {
    for (number, login) in logins where login.waitsForJournal {
      logins[number]?.waitsForJournal = false
      resume(number)
    }
  }

  /// Resumes a login, unless it is paused for another reason.
  private func resume(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal, !login.isThrottled else { return }
    runtime.resume(login.child)
  }

  /// Pauses a login that has reported events if its user's budget is used up, and announces that on its terminals and
  /// in the log. Root and rescue users (``JournalPatience/isRescueUser(_:)``) are charged but never paused.
  func throttle(_ child: Child, _ connection: UInt64, _ user: String?) {
    guard let user, let login = logins[child.number], !login.isThrottled, child.isOpen, !login.isRoot,
      !journal.isRescueUser(user)
    else { return }
    let wait = events.wait(for: user)
    guard wait > 0 else { return }
    if !login.waitsForJournal { runtime.pause(child) }
    logins[child.number]?.isThrottled = true
    runtime.setTimer(.throttle(child.number), after: wait)
    if logins[child.number]?.notices.pass(at: runtime.now) != nil {
      runtime.post(.announce(EventBudgets.announcement(wait), to: connection))
    }
    guard let others = lineThrottle.pass(at: runtime.now) else { return }
    let more = others > 0 ? " (\(others) more such lines left out)" : ""
    runtime.log(
      .warning,
      "\(user.quoted()) makes more events than the journal keeps for a day (audit.exporters[].rotate): its logins wait"
        + more)
  }

  /// Handles the end of a login's wait for its user's budget.
  func throttleEnds(_ number: UInt64) {
    logins[number]?.isThrottled = false
    resume(number)
  }
}
