import System

/// Why an operation on files was not done.
public enum FileError: Error, Equatable, Sendable {
  /// The system refused.
  case system(SystemError)
  /// A rule of the gate with this name refused.
  case denied(rule: String)
  /// Only reading is allowed.
  case readOnly
}

/// Runs system calls; what they throw becomes a ``FileError``.
func system<Result>(_ body: () throws(SystemError) -> Result) throws(FileError) -> Result {
  do throws(SystemError) { return try body() } catch { throw .system(error) }
}
