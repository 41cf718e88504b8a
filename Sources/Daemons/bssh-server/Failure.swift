import System

/// Ends a command: lines for standard error, and an exit status.
struct Failure: Error {
  var code: ExitCode
  /// Lines without their newlines.
  var lines: [String]

  init(_ code: ExitCode, _ lines: String...) {
    self.code = code
    self.lines = lines
  }
}
