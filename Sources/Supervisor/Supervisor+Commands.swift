import Audit
import IPC
import System

extension SessionLoss {
  /// - Parameters:
  ///   - status: how the process ended.
  ///   - isOurs: the daemon sent it a signal before.
  init(_ status: ExitStatus, isOurs: Bool) {
    switch status {
    case .signal where isOurs: self = .endedByDaemon
    case .signal: self = .killed
    case .code, .unknown: self = .ended
    }
  }
}

/// A program that waits until its start is in the journal.
struct AwaitedStart: Equatable, Sendable {
  /// Of its event in the queue.
  let position: UInt64
  /// The number of its session process.
  let session: UInt64
  /// As the session process numbers it.
  let number: UInt64
}

// A command is in the journal before it runs, and a login that cannot tell how its commands ended leaves an event.
extension Supervisor {
  /// A program of this login may start once what was recorded last is in the journal.
  func awaitStart(_ number: UInt64, of child: Child) {
    starts.append(AwaitedStart(position: events.position, session: child.number, number: number))
    answerStarts()
  }

  /// Lets those programs start whose events are in the journal. When events cannot be written, `audit.on_failure`
  /// decides.
  func answerStarts() {
    let ready = starts.prefix { events.isSettled($0.position) }
    if ready.isEmpty { return }
    starts.removeFirst(ready.count)
    for start in ready {
      guard let child = children[start.session] else { continue }
      let isAllowed = journalAdmits(child.subject.user ?? "")
      send(SupervisorToSession.mayStart(number: start.number, allowed: isAllowed), to: child)
    }
  }

  /// A session process says that a program is about to start. False: it may not say so.
  func commandStarts(_ fact: Fact, _ child: Child) -> Bool {
    fact.type == .commandStarted && child.commands.start(fact)
  }

  /// The process of a login is gone: unless it ended well and told of all ends, the journal hears of it.
  func recordLoss(of child: Child, _ loss: SessionLoss, isExpected: Bool) {
    guard child.hasLogin, !(isExpected && child.commands.isEmpty) else { return }
    var fact = Fact(.sessionLost, .error, .ssh)
    (fact.reason, fact.details) = (Reason(loss), child.commands.summary)
    child.commands = UnfinishedCommands()
    record(fact, of: child.subject, child.connection)
  }
}
