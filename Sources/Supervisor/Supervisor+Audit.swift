import Audit
import IPC
import System

// What waits for the journal: logins that make events, and who comes new.
extension Supervisor {
  /// What is recorded from now on, and where to, after the settings have changed.
  func applyAuditSettings() {
    audit.apply(loaded)
    if journal.isEnding(with: loaded) {
      var fact = Fact(.configurationLoaded)
      fact.details = "audit.enabled is false: nothing more is written here"
      audit.record(fact)
    }
    journal.apply(loaded)
    exporters.apply(loaded)
  }

  /// Those who make events wait: nobody is let in, and no session is listened to.
  func hold() {
    for socket in listeners { runtime.unwatch(socket.listener.descriptor) }
    for child in runtime.children.values where child.hasLogin && child.isOpen && !child.waitsForJournal { hold(child) }
  }

  /// A login that makes events waits.
  func hold(_ child: Child) {
    if !child.isHeld { runtime.pause(child) }
    child.waitsForJournal = true
  }

  /// Those who make events go on.
  func release() {
    acceptAgain()
    for child in runtime.children.values where child.waitsForJournal {
      child.waitsForJournal = false
      listen(to: child)
    }
  }

  /// Listens again to a login that waited, unless it has another reason to wait.
  private func listen(to child: Child) {
    guard child.isOpen, !child.isHeld else { return }
    runtime.resume(child)
  }

  /// Lets a login wait whose user has used up the budget of events, and says so on its terminals and in the log. Those
  /// who may have to mend the server are charged and never wait: root and ``JournalService/isRescueUser(_:)``.
  func throttle(_ child: Child, _ user: String?) {
    guard let user, !child.isThrottled, child.isOpen, !child.isRoot, !journal.isRescueUser(user) else { return }
    let wait = audit.wait(for: user)
    guard wait > 0 else { return }
    if !child.isHeld { runtime.pause(child) }
    child.isThrottled = true
    runtime.setTimer(.throttle(child.number), after: wait)
    if let connection = child.connection.flatMap({ connections[$0] }),
      child.throttleNotices.pass(at: runtime.now) != nil
    {
      tell(connection, .announce(EventBudgets.announcement(wait)))
    }
    guard let others = throttleLog.pass(at: runtime.now) else { return }
    let more = others > 0 ? " (\(others) more such lines left out)" : ""
    runtime.log(
      .warning,
      "\(user.quoted()) makes more events than the journal keeps for a day (audit.exporters[].rotate): its logins wait"
        + more)
  }

  /// A login has waited for its user's budget.
  func throttleEnds(_ number: UInt64) {
    guard let child = runtime.children[number] else { return }
    child.isThrottled = false
    listen(to: child)
  }

  /// The session of this connection may start its program.
  func terminalEntered(_ number: UInt64) {
    guard let connection = connections[number], connection.machine.phase == .loggedIn,
      connection.machine.context.settings.audit.loginRecords, let session = connection.session
    else { return }
    runtime.send(SupervisorToSession.terminalEntered, to: session)
  }

  /// Somebody who may told the daemon to do something.
  func asked(_ what: AdminRequest, _ by: String) {
    var fact = Fact(.adminAction)
    (fact.reason, fact.details) = (Reason(what), by)
    audit.record(fact)
  }
}
