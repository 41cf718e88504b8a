import Glibc
import System

/// Why an operation on files failed.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A system call failed.
  case system(SystemError)
  /// The gate refused, by the rule with this name.
  case denied(rule: String)
  /// The session may only read.
  case readOnly

  /// For logs: `open: No such file or directory`.
  public var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .denied(let rule): "denied by \(rule)"
    case .readOnly: reason
    }
  }

  /// For users of clients, who are not told about rules.
  public var reason: String {
    switch self {
    case .system(let error): SystemError.message(error.code)
    case .denied: "Permission denied"
    case .readOnly: "Read-only file system"
    }
  }
}

extension FileError {
  /// True when permission was refused, by the system or because the session is read-only. A denial by a rule is an
  /// event of its own.
  var isRefusal: Bool {
    switch self {
    case .system(let error): [EACCES, EPERM, EROFS].contains(error.code)
    case .readOnly: true
    case .denied: false
    }
  }
}

/// Runs `body`.
///
/// - Throws: `.system` with the error that `body` throws.
func system<Result>(_ body: () throws(SystemError) -> Result) throws(FileError) -> Result {
  do throws(SystemError) { return try body() } catch { throw .system(error) }
}
