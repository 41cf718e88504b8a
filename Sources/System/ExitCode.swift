/// How our processes end; sysexits(3).
public enum ExitCode: Int32, Sendable {
  case success = 0
  /// What was asked about would be refused.
  case refused = 1
  /// The command line is wrong.
  case usage = 64
  /// What was typed or piped in is wrong.
  case badInput = 65
  /// The input cannot be read.
  case noInput = 66
  /// One of our processes does not work.
  case unavailable = 69
  /// Something of the program does not work.
  case software = 70
  /// The system refused something.
  case systemError = 71
  /// A file cannot be made.
  case cannotCreate = 73
  /// The output cannot be written.
  case outputError = 74
  /// Another of our processes said what it may not say.
  case protocolError = 76
  /// The configuration does not load.
  case configuration = 78
}
