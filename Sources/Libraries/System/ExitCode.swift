/// Exit codes of this package's programs. sysexits(3)
public enum ExitCode: Int32, Sendable {
  /// Success.
  case success = 0
  /// The login, command or access asked about would be refused.
  case refused = 1
  /// The command line is wrong. EX_USAGE
  case usage = 64
  /// Typed or piped input is wrong. EX_DATAERR
  case badInput = 65
  /// The input cannot be read. EX_NOINPUT
  case noInput = 66
  /// A process of the daemon does not work or does not answer. EX_UNAVAILABLE
  case unavailable = 69
  /// An internal error. EX_SOFTWARE
  case software = 70
  /// A system call failed. EX_OSERR
  case systemError = 71
  /// A file cannot be created. EX_CANTCREAT
  case cannotCreate = 73
  /// The output cannot be written. EX_IOERR
  case outputError = 74
  /// Another process of ours sent a message that it may not send. EX_PROTOCOL
  case protocolError = 76
  /// The configuration cannot be loaded. EX_CONFIG
  case configuration = 78
}
