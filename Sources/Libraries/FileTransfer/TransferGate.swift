/// What a client wants to do with a file.
public enum FileOperation: String, CaseIterable, Sendable {
  /// Read the content of a file.
  case download
  /// Create a file, write to it, or change its size.
  case upload
  /// Remove a file or an empty directory.
  case delete
  /// Rename a file or directory. Two paths.
  case rename
  /// Create a directory.
  case makeDirectory
  /// Read the names in a directory.
  case list
  /// Read attributes.
  case status
  /// Change owner, permissions or times.
  case setStatus
  /// Create a symbolic link, or a hard link, which has two paths.
  case makeLink
  /// Read the target of a symbolic link.
  case readLink
}

/// The verdict of a gate.
public enum TransferVerdict: Equatable, Sendable {
  /// The operation may happen.
  case allowed
  /// The operation is refused. `rule` is for the log; the client only learns that permission is denied.
  case denied(rule: String)
}

/// Decides whether an operation may happen. It is asked before each operation, with the resolved paths.
public protocol TransferGate {
  /// True when verdicts depend on sizes. The gate is then asked again at each write that extends a file.
  var checksSizes: Bool { get }

  /// True when nothing is ever denied or recorded, so that paths need not be resolved for the gate.
  var allowsEverything: Bool { get }

  /// The verdict on an operation.
  ///
  /// - Parameters:
  ///   - paths: absolute as the client sees them, without links and `..`; a link that is itself the object keeps its
  ///     name. Two when the operation has two; both must be allowed.
  ///   - size: bytes of the file, for uploads the size that it would get; nil when unknown or not a regular file.
  func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict

  /// True when ``FileOperation/status`` of this path would be denied: a listing then omits the attributes. Records
  /// nothing.
  func hides(_ path: [UInt8], size: UInt64?) -> Bool
}

extension TransferGate {
  /// Default: false.
  public var allowsEverything: Bool { false }

  /// Default: asks ``check(_:_:size:)``.
  public func hides(_ path: [UInt8], size: UInt64?) -> Bool { check(.status, [path], size: size) != .allowed }
}

/// Allows everything.
public struct OpenGate: TransferGate {
  public init() {}

  public var checksSizes: Bool { false }

  public var allowsEverything: Bool { true }

  public func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict { .allowed }
}
