import Glibc

/// A failed system call, with its errno.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The value of errno.
  public let code: Int32
  /// The system call or the operation: `bind`, `open /etc/bssh/server.yaml`.
  public let operation: String

  /// A failure of `operation` with the errno `code`.
  public init(_ operation: String, code: Int32) {
    self.operation = operation
    self.code = code
  }

  /// A failure with the current errno. Call it directly after the system call.
  public static func last(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  /// The operation and the text of the errno: `bind: Address already in use`.
  public var description: String { "\(operation): \(SystemError.message(code))" }

  /// True when arguments and environment exceed the kernel's limit. execve(2), E2BIG
  public var isArgumentListTooLong: Bool { code == E2BIG }

  /// True when the other process uses another message version. ``MessageVersion``, EPROTO
  public var isOtherVersion: Bool { code == EPROTO }

  /// The message for this error, as a shell prints it.
  public static let argumentListTooLong = message(E2BIG)

  /// The message for an errno. strerror(3)
  public static func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Repeats `body` while a signal interrupts it.
///
/// - Throws: `SystemError` with the errno of `body` when that returns -1, except EINTR.
@discardableResult
func check<Result: FixedWidthInteger>(
  _ operation: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    if errno != EINTR { throw .last(operation()) }
  }
}
