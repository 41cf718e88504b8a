import Wire

/// A directory that is passed as a descriptor to a process that cannot open it, because it may not search a parent
/// directory.
public struct OpenedDirectory: WireFields, Hashable, Sendable {
  /// Limit of the directories of recordings in one configuration: a message can carry their descriptors.
  public static let countLimit = 16

  /// The configured path.
  public var path: String
  /// Together with ``inode`` identifies the directory, also if ``path`` leads to another one later. stat(2)
  public var device: UInt64
  /// See ``device``.
  public var inode: UInt64

  public init(path: String, device: UInt64, inode: UInt64) {
    self.path = path
    self.device = device
    self.inode = inode
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    path = try coder.text(value?.path, max: 4096)
    device = try coder.number(value?.device)
    inode = try coder.number(value?.inode)
  }
}
