import Audit
import System

extension Supervisor {
  /// Something happened: the one place from which the log hears of it.
  ///
  /// - Parameter connection: its number; nil for what is about the daemon, or a connection that was not let in.
  func record(_ fact: Fact, of subject: Subject, _ connection: UInt64? = nil) {
    var subject = subject
    subject.connection = connection
    let place = connection.map { "[\($0)] " } ?? ""
    // Named, so that no session can write a line that looks like ours.
    let teller = fact.type.isOfSession ? "session: " : ""
    journal(fact, of: subject)
    if fact.type == .authFailure { recordRefusal(of: subject) }
    if log.writes(fact.level) { log.write(fact.level, place + teller + fact.sentence(of: subject)) }
  }
}

extension Fact {
  /// How important it is for who runs the server.
  var level: Log.Level {
    switch type {
    // The log has said these in its own words.
    case .daemonStarted, .daemonStopped, .configurationLoaded, .configurationRejected: .debug
    case .fileOpenRead, .fileOpenWrite, .fileRead, .fileWrite, .fileClose: .debug
    case .authSuccess, .authFailure, .authRateLimited, .sessionStart, .sessionEnd, .commandExecuted, .commandBlocked,
      .fileUploaded, .fileDownloaded, .fileDeleted, .fileRenamed, .directoryCreated, .directoryDeleted,
      .directoryListed, .transferDenied, .transferAllowed, .ipUnblocked, .connectionOpen, .connectionClosed,
      .connectionRefused, .forwardOpen, .forwardClosed, .forwardDenied, .agentForwarded, .attributesChanged,
      .linkCreated, .recordingStarted, .recordingFinished, .adminAction:
      .info
    case .ipBlocked, .suspiciousActivity: .warning
    case .auditGap: .error
    }
  }
}
