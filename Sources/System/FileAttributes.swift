import CLinux
import Glibc

/// Everything that the kernel says about a file. stat(2)
public struct FileAttributes: Equatable, Sendable {
  /// Type and permission bits, as `st_mode` has them.
  public let mode: UInt32
  public let owner: UInt32
  public let group: UInt32
  /// Bytes.
  public let size: UInt64
  public let links: UInt64
  /// Seconds since 1970, and nanoseconds.
  public let accessTime: FileTime
  public let modificationTime: FileTime
  /// `device` and `inode` together tell files apart.
  public let device: UInt64
  public let inode: UInt64

  init(_ raw: stat) {
    mode = raw.st_mode
    owner = raw.st_uid
    group = raw.st_gid
    size = UInt64(clamping: raw.st_size)
    links = UInt64(raw.st_nlink)
    accessTime = FileTime(seconds: Int64(raw.st_atim.tv_sec), nanoseconds: Int64(raw.st_atim.tv_nsec))
    modificationTime = FileTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec))
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
  }

  /// What kind of file it is.
  public var kind: FileStatus.Kind {
    switch mode & S_IFMT {
    case S_IFREG: .regular
    case S_IFDIR: .directory
    case S_IFLNK: .symbolicLink
    default: .other
    }
  }

  /// Permission bits with set-user-id, set-group-id and sticky: at most 0o7777.
  public var permissions: UInt32 { mode & 0o7777 }

  /// True when both are the same file.
  public func isSameFile(as other: FileAttributes) -> Bool { device == other.device && inode == other.inode }
}

/// A moment in the life of a file.
public struct FileTime: Equatable, Sendable {
  /// Since 1970.
  public let seconds: Int64
  public let nanoseconds: Int64

  public init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
}

/// How full a file system is. statvfs(3)
public struct FileSystemStatus: Equatable, Sendable {
  public let blockSize: UInt64
  public let fragmentSize: UInt64
  /// In fragments: all, free, and free for users.
  public let blocks: UInt64
  public let freeBlocks: UInt64
  public let availableBlocks: UInt64
  public let files: UInt64
  public let freeFiles: UInt64
  public let availableFiles: UInt64
  public let identifier: UInt64
  public let isReadOnly: Bool
  public let forbidsSetUserID: Bool
  /// Bytes of the longest name.
  public let nameLimit: UInt64
}

extension Descriptor {
  /// What this file is. fstat(2)
  public func attributes() throws(SystemError) -> FileAttributes {
    var raw = stat()
    let number = rawValue
    try check("stat") { fstat(number, &raw) }
    return FileAttributes(raw)
  }

  /// What the entry `name` of this directory is; a link is not followed. fstatat(2)
  public func attributes(ofEntry name: [UInt8]) throws(SystemError) -> FileAttributes {
    var raw = stat()
    let number = rawValue
    try withName(name, "stat") { (name) in clinux_stat_entry(number, name, &raw) }
    return FileAttributes(raw)
  }

  /// How full the file system is that holds this file. fstatvfs(3)
  public func fileSystemStatus() throws(SystemError) -> FileSystemStatus {
    var raw = statvfs()
    let number = rawValue
    try check("statvfs") { fstatvfs(number, &raw) }
    return FileSystemStatus(
      blockSize: UInt64(raw.f_bsize), fragmentSize: UInt64(raw.f_frsize), blocks: UInt64(raw.f_blocks),
      freeBlocks: UInt64(raw.f_bfree), availableBlocks: UInt64(raw.f_bavail), files: UInt64(raw.f_files),
      freeFiles: UInt64(raw.f_ffree), availableFiles: UInt64(raw.f_favail), identifier: UInt64(raw.f_fsid),
      isReadOnly: raw.f_flag & UInt(ST_RDONLY) != 0,
      forbidsSetUserID: raw.f_flag & UInt(ST_NOSUID) != 0,
      nameLimit: UInt64(raw.f_namemax))
  }
}

/// Calls `body` with `name` as C has it; a name with a zero byte is no name. EINVAL
@discardableResult
func withName<Result: FixedWidthInteger>(
  _ name: [UInt8], _ operation: String, _ body: ([CChar]) -> Result
) throws(SystemError) -> Result {
  if name.contains(0) { throw SystemError(operation, code: EINVAL) }
  let text = name.map { CChar(bitPattern: $0) } + [0]
  return try check(operation) { body(text) }
}
