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
    // Named, so that no session can write a line that looks like ours.
    let teller = fact.type.isOfSession && fact.type != .suspiciousActivity ? "session: " : ""
    journal(fact, of: subject)
    if fact.type == .authFailure { recordRefusal(fact, of: subject) }
    guard let suffix, log.writes(fact.level) else { return }
    log.write(fact.level, place + teller + fact.sentence(of: subject) + suffix)
  }

  /// Somebody who may told the daemon to do something.
  func asked(_ what: String, _ by: String) {
    var fact = Fact(.adminAction)
    (fact.reason, fact.details) = (what, by)
    record(fact, of: Subject())
  }

  /// The server ends, and there is no more time: tells what would have been told later.
  func tellRest() {
    tellLastRefusals()
    for child in children.values {
      recordLoss(of: child, .shutDown, isExpected: true)
      tellLastWords(of: child)
    }
  }
}

extension Fact {
  /// How important it is for who runs the server.
  var level: Log.Level {
    switch type {
    // The log has said these in its own words.
    case .daemonStarted, .daemonStopped, .configurationLoaded, .configurationRejected: .debug
    case .fileOpenRead, .fileOpenWrite, .fileRead, .fileWrite, .fileClose: .debug
    // What follows it, a note at the start and the event of the end, are in the log.
    case .commandStarted: .debug
    case .authSuccess, .authFailure, .authRateLimited, .sessionStart, .sessionEnd, .commandExecuted, .commandBlocked,
      .fileUploaded, .fileDownloaded, .fileDeleted, .fileRenamed, .directoryCreated, .directoryDeleted,
      .directoryListed, .transferDenied, .transferAllowed, .ipUnblocked, .connectionOpen, .connectionClosed,
      .forwardOpen, .forwardClosed, .forwardDenied, .agentForwarded, .attributesChanged,
      .linkCreated, .recordingStarted, .recordingFinished, .adminAction:
      .info
    case .suspiciousActivity: result == .error ? .error : .warning
    case .ipBlocked, .sessionLost: .warning
    // Others may be kept out with them.
    case .connectionRefused where result == .error: .warning
    case .connectionRefused:
      [Refusal.tooManyUnauthenticated.code, Refusal.maxConnections.code].contains(reason) ? .warning : .info
    case .auditGap: .error
    }
  }
}
