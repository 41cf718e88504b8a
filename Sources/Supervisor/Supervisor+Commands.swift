import Audit
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

// A command is in the journal before it runs, and a login that cannot tell how its commands ended leaves an event.
extension Supervisor {
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
    audit.record(fact, of: child.subject, child.connection)
  }
}
