/// How a command ends; sysexits(3).
enum ExitCode: Int32 {
  case success = 0
  /// The command line is wrong.
  case usage = 64
  /// What was typed or piped in is wrong.
  case badInput = 65
  /// The input cannot be read.
  case noInput = 66
  /// Something of the program or the system does not work.
  case software = 70
  case systemError = 71
  /// A file cannot be made.
  case cannotCreate = 73
  /// The output cannot be written.
  case outputError = 74
  /// The configuration does not load.
  case configuration = 78
}

/// Ends a command: a line for standard error, and a code for who called it.
struct Failure: Error {
  var code: ExitCode
  /// Lines without their ends.
  var lines: [String]

  init(_ code: ExitCode, _ lines: String...) {
    self.code = code
    self.lines = lines
  }
}
