import System

/// Why logins may have to wait before they are listened to. What a service needs of ``JournalService`` for that.
protocol JournalPatience: JournalPressure {
  /// True for those whom `audit.rescue_users` lets in to mend the server.
  func isRescueUser(_ name: String) -> Bool
}

/// Stops listening to logins while the journal is slow, or while their user has used up the budget of events.
final class SessionPauseService {
  /// A login that may have to wait.
  private struct Login {
    let child: Child
    /// It has root's rights: it never waits for a budget, for it could change the journal all the same.
    let isRoot: Bool
    var waitsForJournal = false
    /// It waits because its user has used up the budget of events.
    var isThrottled = false
    /// For what its terminals are told of such a wait.
    var notices = LogThrottle(interval: 60_000)
  }

  private let runtime: any Runtime
  private let journal: any JournalPatience
  private let events: any EventBudget
  /// By the numbers of the processes.
  private var logins: [UInt64: Login] = [:]
  /// For lines about budgets.
  private var lineThrottle = LogThrottle(burst: 10, interval: 10_000)

  init(_ runtime: any Runtime, _ journal: any JournalPatience, _ events: any EventBudget) {
    self.runtime = runtime
    self.journal = journal
    self.events = events
  }

  /// A session process gets a login. Messages to it go on; those of it wait as others do.
  func add(_ child: Child, isRoot: Bool) {
    logins[child.number] = Login(child: child, isRoot: isRoot)
    if journal.isHolding { hold(child.number) }
  }

  /// The process has ended.
  func remove(_ child: Child) {
    logins[child.number] = nil
    runtime.cancelTimer(.throttle(child.number))
  }

  /// The journal is slow: no login is listened to.
  func hold() { for number in logins.keys { hold(number) } }

  private func hold(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal else { return }
    if !login.isThrottled { runtime.pause(login.child) }
    logins[number]?.waitsForJournal = true
  }

  /// The journal keeps up again.
  func release() {
    for (number, login) in logins where login.waitsForJournal {
      logins[number]?.waitsForJournal = false
      resume(number)
    }
  }

  /// Listens again to a login that waited, unless it has another reason to wait.
  private func resume(_ number: UInt64) {
    guard let login = logins[number], login.child.isOpen, !login.waitsForJournal, !login.isThrottled else { return }
    runtime.resume(login.child)
  }

  /// A login has reported events: it waits when its user has used up the budget.
  ///
  /// Says so on the terminals of the login and in the log. Those who may have to mend the server are charged and never
  /// wait: root and ``JournalPatience/isRescueUser(_:)``.
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

  /// A login has waited for its user's budget.
  func throttleEnds(_ number: UInt64) {
    logins[number]?.isThrottled = false
    resume(number)
  }
}
