/// Why a client's request is denied: the reason of `command_blocked`, which the client also sees.
public enum CommandDenial: String, EventReason, Error {
  /// `shell.pty`, `sftp_only`, or the option `no-pty` of the key.
  case noTerminal = "no_terminal"
  /// `shell.enabled` or `sftp_only`.
  case noCommands = "no_commands"
  /// SFTP is not enabled for the login.
  case noSFTP = "no_sftp"
  /// SCP is not enabled for the login.
  case noSCP = "no_scp"
  /// The account's shell is nologin or false, and the configuration does not permit file transfers for such accounts.
  case closed = "nologin_shell"
  /// A file transfer on a terminal, which would change the bytes of files.
  case onTerminal = "transfer_on_terminal"
  /// `shell.allowed_commands` does not match.
  case notAllowed = "command_not_allowed"
  /// `shell.blocked_commands` matches.
  case blocked = "command_blocked"
  /// The rules for commands do not permit the shell itself.
  case noShell = "shell_not_allowed"
  /// SFTP is the only subsystem.
  case noSubsystem = "no_such_subsystem"
  /// The command contains a NUL byte.
  case malformed = "malformed_command"
  /// Something other than SFTP was requested, and the forced command is SFTP.
  case notSFTP = "forced_command"
  /// Signals are not delivered to a file transfer, a forced command, or a command restricted by rules.
  case noSignals = "no_signals"
  /// Events cannot be written, and `audit.on_failure` is `refuse`.
  case notRecorded = "audit_unavailable"
}

/// What the exit status of a program does not tell: the reason of `command_executed`.
public enum ProgramEnd: String, EventReason {
  /// The program could not be started.
  case notStarted = "not_started"
  /// `shell.command_timeout` has expired.
  case overdue = "command_timeout"
  /// The login has ended, and the program is still running.
  case stillRunning = "still_running"
  /// It is not known how the program ended.
  case unknown = "end_unknown"
}

/// Why a session process ended without reporting everything: the reason of `session_lost`.
public enum SessionLoss: String, EventReason {
  /// A signal that the daemon did not send: from the user or an administrator.
  case killed
  /// It was stopped when its connection ended, and was killed after a timeout.
  case stopped
  /// It did not end in time, and was killed.
  case silent
  /// It ended by itself.
  case ended
  /// The daemon ended it for what it had done.
  case endedByDaemon = "ended_by_daemon"
  /// The daemon is stopping.
  case shutDown = "server_shutdown"
}

/// Why a file operation was not carried out: the reason of `transfer_denied` and `file_uploaded`.
public enum FileRefusal: String, EventReason {
  /// A rule of `filter`.
  case deniedByRule = "denied_by_rule"
  /// The login is read-only.
  case readOnly = "read_only"
  /// EACCES or EPERM.
  case permissionDenied = "permission_denied"
  /// EROFS.
  case readOnlyFileSystem = "read_only_file_system"
  /// An SFTP request that the login may not make.
  case requestNotAllowed = "request_not_allowed"
  /// ENOSPC.
  case diskFull = "disk_full"
  /// EDQUOT.
  case quotaExceeded = "quota_exceeded"
  /// EFBIG.
  case fileTooLarge = "file_too_large"
  /// EIO.
  case inputOutput = "io_error"
  /// The client did not send the whole file.
  case brokenOff = "broken_off"
}

/// Why the recording of a terminal is missing or incomplete: the reason of `recording_started` and
/// `recording_finished`.
public enum RecordingFailure: String, EventReason {
  /// The recording could not be created or written.
  case failed = "recording_failed"
  /// The transport ended, and the recording with it.
  case transportLost = "transport_lost"
}
