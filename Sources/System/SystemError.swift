import Glibc

/// A system call that failed, and why.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The value of `errno`.
  public let code: Int32
  /// The call, or what was being done: `bind`, `open /etc/bssh/server.yaml`.
  public let operation: String

  public init(_ operation: String, code: Int32) {
    self.operation = operation
    self.code = code
  }

  /// Takes the current `errno`. Call it directly after the system call.
  public static func last(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  /// `bind: Address already in use`.
  public var description: String { "\(operation): \(SystemError.message(code))" }

  /// More arguments and variables than the kernel takes. execve(2)
  public var isArgumentListTooLong: Bool { code == E2BIG }

  /// What a shell says then.
  public static let argumentListTooLong = message(E2BIG)

  /// The text of strerror(3).
  public static func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Calls `body` again while a signal interrupts it; throws what else it fails with.
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
