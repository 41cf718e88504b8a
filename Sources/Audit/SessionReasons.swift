/// Why a login may not have what its client asks for: the reason of `command_blocked`, which the client sees, too.
public enum CommandDenial: String, EventReason, Error {
  /// `shell.pty`, `sftp_only`, or a key's `no-pty`.
  case noTerminal = "no_terminal"
  /// `shell.enabled` or `sftp_only`.
  case noCommands = "no_commands"
  case noSFTP = "no_sftp"
  case noSCP = "no_scp"
  /// The account's shell is nologin or false, and the configuration does not say that it is for files.
  case closed = "nologin_shell"
  /// A terminal would change the bytes of files.
  case onTerminal = "transfer_on_terminal"
  /// `shell.allowed_commands` does not name it.
  case notAllowed = "command_not_allowed"
  /// `shell.blocked_commands` names it.
  case blocked = "command_blocked"
  case noShell = "shell_not_allowed"
  /// No other than SFTP is there.
  case noSubsystem = "no_such_subsystem"
  /// No program can have a zero byte among its arguments.
  case malformed = "malformed_command"
  /// Something other than SFTP, where SFTP is the forced command.
  case notSFTP = "forced_command"
  /// Of a transfer, a forced command, or a command that had to be allowed: nobody sends them signals.
  case noSignals = "no_signals"
  /// Events cannot be written, and `audit.on_failure` is `refuse`.
  case notRecorded = "audit_unavailable"
}

/// What the exit status of a program does not say: the reason of `command_executed`.
public enum ProgramEnd: String, EventReason {
  case notStarted = "not_started"
  /// `shell.command_timeout` was over.
  case overdue = "command_timeout"
  /// The login is over, and the program still runs.
  case stillRunning = "still_running"
  case unknown = "end_unknown"
}

/// Why the process of a login is gone without having told everything: the reason of `session_lost`.
public enum SessionLoss: String, EventReason {
  /// By a signal that is not the daemon's: the user's own, or an administrator's.
  case killed
  /// It was stopped when its connection was over, and was killed when its time was over.
  case stopped
  /// It did not end in time, and was killed.
  case silent
  /// It ended by itself.
  case ended
  /// The daemon ended it, because of what it had done.
  case endedByDaemon = "ended_by_daemon"
  /// The daemon ends.
  case shutDown = "server_shutdown"
}

/// Why an operation on files was not done: the reason of `transfer_denied` and `file_uploaded`.
public enum FileRefusal: String, EventReason {
  /// A rule of `filter`.
  case deniedByRule = "denied_by_rule"
  /// The login may only read.
  case readOnly = "read_only"
  /// EACCES, EPERM
  case permissionDenied = "permission_denied"
  /// EROFS
  case readOnlyFileSystem = "read_only_file_system"
  /// A request of SFTP that the login may not make.
  case requestNotAllowed = "request_not_allowed"
  /// ENOSPC
  case diskFull = "disk_full"
  /// EDQUOT
  case quotaExceeded = "quota_exceeded"
  /// EFBIG
  case fileTooLarge = "file_too_large"
  case inputOutput = "io_error"
  /// The client did not send all of it.
  case brokenOff = "broken_off"
}

/// Why a terminal was not recorded to its end: the reason of `recording_started` and `recording_finished`.
public enum RecordingFailure: String, EventReason {
  case failed = "recording_failed"
  /// The transport ended, and the recording with it.
  case transportLost = "transport_lost"
}
