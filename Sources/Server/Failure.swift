import System

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
