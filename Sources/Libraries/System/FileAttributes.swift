import CLinux
import Glibc

/// Attributes of a file. stat(2)
public struct FileAttributes: Equatable, Sendable {
  /// Type and permission bits, as in `st_mode`.
  public let mode: UInt32
  /// User id of the owner.
  public let owner: UInt32
  /// Group id.
  public let group: UInt32
  /// Size in bytes.
  public let size: UInt64
  /// Number of hard links.
  public let links: UInt64
  /// Time of the last access. st_atim
  public let accessTime: FileTime
  /// Time of the last change of the content. st_mtim
  public let modificationTime: FileTime
  /// Device id; `device` and `inode` together identify a file.
  public let device: UInt64
  /// Inode number.
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

  /// The type of the file.
  public var kind: FileStatus.Kind {
    switch mode & S_IFMT {
    case S_IFREG: .regular
    case S_IFDIR: .directory
    case S_IFLNK: .symbolicLink
    default: .other
    }
  }

  /// Permission bits with set-user-ID, set-group-ID and sticky bits: at most 0o7777.
  public var permissions: UInt32 { mode & 0o7777 }

  /// True when both describe the same file.
  public func isSameFile(as other: FileAttributes) -> Bool { device == other.device && inode == other.inode }
}

/// A time stamp of a file.
public struct FileTime: Equatable, Sendable {
  /// Seconds since 1970, UTC.
  public let seconds: Int64
  /// Nanoseconds, 0 to 999,999,999.
  public let nanoseconds: Int64

  public init(seconds: Int64, nanoseconds: Int64 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }
}

/// Usage and limits of a file system. statvfs(3)
public struct FileSystemStatus: Equatable, Sendable {
  /// Block size in bytes. f_bsize
  public let blockSize: UInt64
  /// Fragment size in bytes, the unit of the block counts. f_frsize
  public let fragmentSize: UInt64
  /// All blocks, in fragments.
  public let blocks: UInt64
  /// Free blocks, in fragments.
  public let freeBlocks: UInt64
  /// Free blocks for unprivileged users, in fragments.
  public let availableBlocks: UInt64
  /// All inodes.
  public let files: UInt64
  /// Free inodes.
  public let freeFiles: UInt64
  /// Free inodes for unprivileged users.
  public let availableFiles: UInt64
  /// File system id. f_fsid
  public let identifier: UInt64
  /// Mounted read-only. ST_RDONLY
  public let isReadOnly: Bool
  /// Mounted with nosuid. ST_NOSUID
  public let forbidsSetUserID: Bool
  /// Longest file name, in bytes. f_namemax
  public let nameLimit: UInt64
}

extension Descriptor {
  /// The attributes of this open file. fstat(2)
  ///
  /// - Throws: `SystemError` with the errno of fstat(2).
  public func attributes() throws(SystemError) -> FileAttributes {
    var raw = stat()
    let number = rawValue
    try check("stat") { fstat(number, &raw) }
    return FileAttributes(raw)
  }

  /// The attributes of an entry of this directory; a symbolic link is not followed. fstatat(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of fstatat(2).
  public func attributes(ofEntry name: [UInt8]) throws(SystemError) -> FileAttributes {
    var raw = stat()
    let number = rawValue
    try withName(name, "stat") { (name) in clinux_stat_entry(number, name, &raw) }
    return FileAttributes(raw)
  }

  /// Usage and limits of the file system that holds this file. fstatvfs(3)
  ///
  /// - Throws: `SystemError` with the errno of fstatvfs(3).
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

/// Calls `body` with `name` as a C string.
///
/// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of `body`.
@discardableResult
func withName<Result: FixedWidthInteger>(
  _ name: [UInt8], _ operation: String, _ body: ([CChar]) -> Result
) throws(SystemError) -> Result {
  if name.contains(0) { throw SystemError(operation, code: EINVAL) }
  let text = name.map { CChar(bitPattern: $0) } + [0]
  return try check(operation) { body(text) }
}
