import System

/// Changes to the attributes of a file; nil leaves an attribute as it is.
public struct FileChange: Equatable, Sendable {
  /// New size in bytes.
  public var size: UInt64?
  /// New owner and group.
  public var owner: FileOwner?
  /// New permission bits, at most 0o7777.
  public var permissions: UInt32?
  /// New times of last access and modification.
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

/// The owner of a file.
public struct FileOwner: Equatable, Sendable {
  /// User ID.
  public var user: UInt32
  /// Group ID.
  public var group: UInt32

  public init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }
}

/// The times of last access and last modification of a file.
public struct FileTimes: Equatable, Sendable {
  /// Time of last access.
  public var access: FileTime
  /// Time of last modification.
  public var modification: FileTime

  public init(access: FileTime, modification: FileTime) {
    self.access = access
    self.modification = modification
  }
}
