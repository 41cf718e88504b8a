import Audit

/// How much an event matters to someone who watches, as bssh tells OpenTelemetry; what bssh does not know has the level
/// of its likes.
public enum Severity: Equatable, Sendable {
  case debug, info, warning, error

  /// The level of a type of events with a result.
  public init(_ type: EventType, _ result: EventResult) {
    switch result {
    case .success: self = Severity.ofSuccess(type)
    case .failure, .denied, .error: self = Severity.ofFailure(type)
    }
  }

  /// Somebody was kept from something, as is meant to be; all else went wrong.
  private static func ofFailure(_ type: EventType) -> Severity {
    switch type {
    case .authFailure, .authRateLimited, .transferDenied, .commandBlocked, .connectionRefused, .forwardDenied: .warning
    case .authSuccess, .sessionStart, .sessionEnd, .sessionLost, .commandStarted, .commandExecuted, .fileOpenRead,
      .fileOpenWrite, .fileRead, .fileWrite, .fileClose, .fileUploaded, .fileDownloaded, .fileDeleted, .fileRenamed,
      .directoryCreated, .directoryDeleted, .directoryListed, .transferAllowed, .ipBlocked, .ipUnblocked,
      .suspiciousActivity,
      .connectionOpen, .connectionClosed, .forwardOpen, .forwardClosed, .agentForwarded, .attributesChanged,
      .linkCreated, .recordingStarted, .recordingFinished, .daemonStarted, .daemonStopped, .configurationLoaded,
      .configurationRejected, .adminAction, .auditGap, .eventsCounted:
      .error
    }
  }

  private static func ofSuccess(_ type: EventType) -> Severity {
    switch type {
    case .suspiciousActivity, .ipBlocked, .configurationRejected, .auditGap, .sessionLost: .error
    case .authFailure, .authRateLimited, .transferDenied, .commandBlocked, .connectionRefused, .forwardDenied: .warning
    case .transferAllowed: .debug
    case .authSuccess, .sessionStart, .sessionEnd, .commandStarted, .commandExecuted, .fileOpenRead, .fileOpenWrite,
      .fileRead, .fileWrite, .fileClose, .fileUploaded, .fileDownloaded, .fileDeleted, .fileRenamed, .directoryCreated,
      .directoryDeleted, .directoryListed, .ipUnblocked, .connectionOpen, .connectionClosed, .forwardOpen,
      .forwardClosed, .agentForwarded, .attributesChanged, .linkCreated, .recordingStarted, .recordingFinished,
      .daemonStarted, .daemonStopped, .configurationLoaded, .adminAction, .eventsCounted:
      .info
    }
  }

  /// `SeverityNumber` of OpenTelemetry's log data model.
  var number: Int64 {
    switch self {
    case .debug: 5
    case .info: 9
    case .warning: 13
    case .error: 17
    }
  }

  /// Its short name there.
  var name: String {
    switch self {
    case .debug: "DEBUG"
    case .info: "INFO"
    case .warning: "WARN"
    case .error: "ERROR"
    }
  }

  /// RFC 5424, section 6.2.1
  var syslog: Int {
    switch self {
    case .debug: 7
    case .info: 6
    case .warning: 4
    case .error: 3
    }
  }
}
