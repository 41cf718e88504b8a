import Glibc
import System

/// Standard output and standard error.
enum Output {
  private static let standardOutput = Descriptor(owning: STDOUT_FILENO)
  private static let standardError = Descriptor(owning: STDERR_FILENO)

  /// Writes all of `text` to standard output.
  static func write(_ text: String) throws(Failure) {
    do throws(SystemError) { try standardOutput.writeAll(Array(text.utf8)) } catch { throw failure(error) }
  }

  /// The failure that ends the program when standard output cannot be written.
  static func failure(_ error: SystemError) -> Failure {
    // The reader has closed it, as head(1) does.
    if error.code == EPIPE { return Failure(.outputError) }
    return Failure(.outputError, "bssh-server: standard output: \(error)")
  }

  /// Writes lines to standard error, without their control characters; for journald with their priority.
  static func complain(_ lines: [String], _ level: Log.Level = .error) {
    let priority = ProcessEnvironment.isLoggedByJournal ? "<\(level.rawValue)>" : ""
    for line in lines {
      // If standard error fails, the exit status still says so.
      _ = try? standardError.writeAll(Array((priority + Log.printable(line) + "\n").utf8))
    }
  }
}
