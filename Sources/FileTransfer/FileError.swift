import Glibc
import System

/// Why an operation on files was not done.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The system refused.
  case system(SystemError)
  /// A rule of the gate with this name refused.
  case denied(rule: String)
  /// Only reading is allowed.
  case readOnly

  /// For logs: `open: No such file or directory`.
  public var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .denied(let rule): "denied by \(rule)"
    case .readOnly: reason
    }
  }

  /// For those who use clients, who are not told about rules.
  public var reason: String {
    switch self {
    case .system(let error): SystemError.message(error.code)
    case .denied: "Permission denied"
    case .readOnly: "Read-only file system"
    }
  }
}

extension FileError {
  /// True when it was not permitted; other failures say nothing about rights. A rule's refusal is an event of its own.
  var isRefusal: Bool {
    switch self {
    case .system(let error): [EACCES, EPERM, EROFS].contains(error.code)
    case .readOnly: true
    case .denied: false
    }
  }
}

/// Runs system calls; what they throw becomes a ``FileError``.
func system<Result>(_ body: () throws(SystemError) -> Result) throws(FileError) -> Result {
  do throws(SystemError) { return try body() } catch { throw .system(error) }
}
