/// What a client wants to do with a file.
public enum FileOperation: String, CaseIterable, Sendable {
  /// Read what is in it.
  case download
  /// Make it, write to it, or change its size.
  case upload
  case delete
  /// Give it another place, or another name beside the first. Two paths.
  case rename
  case makeDirectory
  /// Read the names in a directory.
  case list
  /// See what the kernel says about it.
  case status
  /// Change owner, permissions or times.
  case setStatus
  case makeLink
  case readLink
}

/// What a gate says.
public enum TransferVerdict: Equatable, Sendable {
  case allowed
  /// Refused; `rule` is for the log, the client only hears that permission is denied.
  case denied(rule: String)
}

/// Decides whether an operation may happen: asked before each, with the paths that it is about after resolution.
public protocol TransferGate {
  /// True when verdicts depend on sizes: then a file that grows is asked about again with each write that makes it grow.
  var judgesSizes: Bool { get }

  /// True when nothing is ever denied or recorded: then nobody needs to know what a path means before it is used.
  var allowsEverything: Bool { get }

  /// - Parameters:
  ///   - paths: as the client sees them, absolute, without links and `..`; a link that is itself worked on keeps its
  ///     name. Two when the operation has two; both must be allowed.
  ///   - size: bytes of the file, for uploads as large as it would become; nil when not known or no regular file.
  func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict

  /// True when ``FileOperation/status`` of this path would be refused: the attributes in a list of names are left out.
  /// Nothing is recorded.
  func hides(_ path: [UInt8], size: UInt64?) -> Bool
}

extension TransferGate {
  public var allowsEverything: Bool { false }

  public func hides(_ path: [UInt8], size: UInt64?) -> Bool { check(.status, [path], size: size) != .allowed }
}

/// Lets everything through.
public struct OpenGate: TransferGate {
  public init() {}

  public var judgesSizes: Bool { false }

  public var allowsEverything: Bool { true }

  public func check(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) -> TransferVerdict { .allowed }
}
