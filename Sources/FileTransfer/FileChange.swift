import System

/// What is to be changed about a file; what is nil stays.
public struct FileChange: Equatable, Sendable {
  /// Bytes.
  public var size: UInt64?
  public var owner: FileOwner?
  /// At most 0o7777.
  public var permissions: UInt32?
  public var times: FileTimes?

  public init(
    size: UInt64? = nil, owner: FileOwner? = nil, permissions: UInt32? = nil, times: FileTimes? = nil
  ) {
    self.size = size
    self.owner = owner
    self.permissions = permissions
    self.times = times
  }

  /// True when nothing changes.
  public var isEmpty: Bool { self == FileChange() }
}

/// Whose a file is.
public struct FileOwner: Equatable, Sendable {
  public var user: UInt32
  public var group: UInt32

  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }
}

/// When a file was last read and last written.
public struct FileTimes: Equatable, Sendable {
  public var access: FileTime
  public var modification: FileTime

  public init(access: FileTime, modification: FileTime) {
    self.access = access
    self.modification = modification
  }
}
