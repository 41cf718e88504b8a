/// What an event is about; ``row`` says everything else about each. The names are the journal's; the first 24 are those of bssh.
public enum EventType: String, CaseIterable, Sendable {
  case authSuccess = "auth_success"
  case authFailure = "auth_failure"
  case authRateLimited = "auth_rate_limited"
  case sessionStart = "session_start"
  case sessionEnd = "session_end"
  case commandExecuted = "command_executed"
  case commandBlocked = "command_blocked"
  case fileOpenRead = "file_open_read"
  case fileOpenWrite = "file_open_write"
  case fileRead = "file_read"
  case fileWrite = "file_write"
  case fileClose = "file_close"
  case fileUploaded = "file_uploaded"
  case fileDownloaded = "file_downloaded"
  case fileDeleted = "file_deleted"
  case fileRenamed = "file_renamed"
  case directoryCreated = "directory_created"
  case directoryDeleted = "directory_deleted"
  case directoryListed = "directory_listed"
  case transferDenied = "transfer_denied"
  case transferAllowed = "transfer_allowed"
  case ipBlocked = "ip_blocked"
  case ipUnblocked = "ip_unblocked"
  case suspiciousActivity = "suspicious_activity"
  case connectionOpen = "connection_open"
  case connectionClosed = "connection_closed"
  case connectionRefused = "connection_refused"
  case forwardOpen = "forward_open"
  case forwardClosed = "forward_closed"
  case forwardDenied = "forward_denied"
  case agentForwarded = "agent_forwarded"
  case attributesChanged = "attributes_changed"
  case linkCreated = "link_created"
  case recordingStarted = "recording_started"
  case recordingFinished = "recording_finished"
  case daemonStarted = "daemon_started"
  case daemonStopped = "daemon_stopped"
  case configurationLoaded = "configuration_loaded"
  case configurationRejected = "configuration_rejected"
  case adminAction = "admin_action"
  case auditGap = "audit_gap"
  case commandStarted = "command_started"
  case sessionLost = "session_lost"
  case eventsCounted = "events_counted"
}

/// How what an event is about ended.
public enum EventResult: String, CaseIterable, Sendable {
  case success, failure, denied, error
}

/// The part of the server that an event is about.
public enum EventProtocol: String, CaseIterable, Sendable {
  case ssh, sftp, scp, shell, exec, forward
}
