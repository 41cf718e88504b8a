/// The type of an event; ``row`` has its properties. The raw values are the names in the journal, of which the first 24
/// are those of bssh.
public enum EventType: String, CaseIterable, Sendable {
  /// A login was granted.
  case authSuccess = "auth_success"
  /// A login attempt failed.
  case authFailure = "auth_failure"
  /// A connection was refused because of `security.rate_limit`.
  case authRateLimited = "auth_rate_limited"
  /// A login has begun.
  case sessionStart = "session_start"
  /// A login has ended.
  case sessionEnd = "session_end"
  /// A shell, a command, SFTP or SCP has ended.
  case commandExecuted = "command_executed"
  /// A shell, command, subsystem, terminal or signal was refused.
  case commandBlocked = "command_blocked"
  /// A file was opened for reading.
  case fileOpenRead = "file_open_read"
  /// A file was opened for writing.
  case fileOpenWrite = "file_open_write"
  /// Part of a file was read; only with `audit.verbose_io`.
  case fileRead = "file_read"
  /// Part of a file was written; only with `audit.verbose_io`.
  case fileWrite = "file_write"
  /// A file was closed.
  case fileClose = "file_close"
  /// A file was written, from opening to closing.
  case fileUploaded = "file_uploaded"
  /// A file was read completely.
  case fileDownloaded = "file_downloaded"
  /// A file was deleted.
  case fileDeleted = "file_deleted"
  /// A file or directory was renamed.
  case fileRenamed = "file_renamed"
  /// A directory was created.
  case directoryCreated = "directory_created"
  /// A directory was deleted.
  case directoryDeleted = "directory_deleted"
  /// A directory was listed.
  case directoryListed = "directory_listed"
  /// A file operation was denied.
  case transferDenied = "transfer_denied"
  /// A rule with the action `log` permitted a file operation.
  case transferAllowed = "transfer_allowed"
  /// A source was banned.
  case ipBlocked = "ip_blocked"
  /// A ban has ended.
  case ipUnblocked = "ip_unblocked"
  /// A client violated a protocol, or a process of the server misbehaved.
  case suspiciousActivity = "suspicious_activity"
  /// A connection was accepted.
  case connectionOpen = "connection_open"
  /// A connection has ended.
  case connectionClosed = "connection_closed"
  /// A connection was closed before anything was sent.
  case connectionRefused = "connection_refused"
  /// A forwarded connection was made, or could not be made.
  case forwardOpen = "forward_open"
  /// A forwarded connection has ended.
  case forwardClosed = "forward_closed"
  /// A forward was refused.
  case forwardDenied = "forward_denied"
  /// Reserved: agents are not forwarded.
  case agentForwarded = "agent_forwarded"
  /// The mode, owner, size or times of a file were changed.
  case attributesChanged = "attributes_changed"
  /// A symbolic or hard link was created.
  case linkCreated = "link_created"
  /// The recording of a terminal has begun or failed to begin.
  case recordingStarted = "recording_started"
  /// The recording of a terminal has ended.
  case recordingFinished = "recording_finished"
  /// The daemon accepts connections.
  case daemonStarted = "daemon_started"
  /// The daemon has stopped.
  case daemonStopped = "daemon_stopped"
  /// A configuration was loaded.
  case configurationLoaded = "configuration_loaded"
  /// A configuration was rejected at a reload.
  case configurationRejected = "configuration_rejected"
  /// The daemon received a signal.
  case adminAction = "admin_action"
  /// Events are missing in the journal or will not reach a receiver.
  case auditGap = "audit_gap"
  /// A shell, a command, SFTP or SCP is about to start.
  case commandStarted = "command_started"
  /// A session process has ended without reporting how everything in it ended.
  case sessionLost = "session_lost"
  /// Events of a login were counted rather than written individually.
  case eventsCounted = "events_counted"
}

/// The result of an event: success, failure (it did not work), denied (a policy refused it), or error (the server is at
/// fault).
public enum EventResult: String, CaseIterable, Sendable {
  case success, failure, denied, error
}

/// The part of the server that an event belongs to.
public enum EventProtocol: String, CaseIterable, Sendable {
  case ssh, sftp, scp, shell, exec, forward
}
