import CLinux
import Glibc

/// Type, owner and permissions of a file. fstat(2)
public struct FileStatus: Equatable, Sendable {
  /// Types of files, as far as they matter here.
  public enum Kind: Equatable, Sendable {
    /// A regular file, a directory, a symbolic link, or anything else.
    case regular, directory, symbolicLink, other
  }

  /// The type of the file.
  public let kind: Kind
  /// User id of the owner.
  public let owner: uid_t
  /// Permission bits with set-user-ID, set-group-ID and sticky bits: at most 0o7777.
  public let permissions: UInt32
  /// Device id; `device` and `inode` together identify a file.
  public let device: UInt64
  /// Inode number.
  public let inode: UInt64
  /// Size in bytes.
  public let size: Int

  init(_ raw: stat) {
    switch raw.st_mode & S_IFMT {
    case S_IFREG: kind = .regular
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .symbolicLink
    default: kind = .other
    }
    owner = raw.st_uid
    permissions = UInt32(raw.st_mode & 0o7777)
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
    size = Int(raw.st_size)
  }

  /// True when something exists at this path; a dangling symbolic link does not count. access(2)
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

/// Identifies the file at a path, as long as that file exists.
struct FileIdentity: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// nil when there is no file, or it cannot be found. stat(2)
  init?(of path: String) {
    var raw = stat()
    guard stat(path, &raw) == 0 else { return nil }
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
  }
}

/// The owner of a pseudo-terminal. devpts is in memory, so this never blocks on a disk.
public enum TerminalOwner: Equatable, Sendable {
  /// The terminal belongs to this user.
  case user(uid_t)
  /// Nothing has this name any more.
  case nobody
  /// Something else has this name.
  case notTerminal

  /// Looks at the terminal's file. lstat(2)
  ///
  /// - Parameter terminal: relative to /dev: `pts/3`.
  public init(of terminal: String) {
    var raw = stat()
    if lstat("/dev/\(terminal)", &raw) != 0 {
      self = .nobody
    } else {
      self = raw.st_mode & S_IFMT == S_IFCHR ? .user(raw.st_uid) : .notTerminal
    }
  }
}

extension Descriptor {
  /// Type, owner and permissions of this open file. fstat(2)
  ///
  /// - Throws: `SystemError` with the errno of fstat(2).
  public func status() throws(SystemError) -> FileStatus {
    var raw = stat()
    let number = rawValue
    try check("fstat") { fstat(number, &raw) }
    return FileStatus(raw)
  }

  /// Opens for reading a file that somebody else named. Does not wait for the writer of a FIFO, and acquires no
  /// controlling terminal. open(2), O_NONBLOCK, O_NOCTTY
  ///
  /// - Throws: `SystemError` with the errno of open(2).
  public static func openUntrusted(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  }

  /// Opens the root directory to look up entries in it. O_PATH
  ///
  /// - Throws: `SystemError` with the errno of open(2).
  public static func root() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("open /") { clinux_open_entry(-1, "/") })
  }

  /// Opens an entry of this directory, whatever its type; a symbolic link is not followed. openat(2), O_PATH
  ///
  /// - Throws: `SystemError` with ENOENT when there is none, EINVAL for a name with a NUL, which no entry has; otherwise
  ///   with the errno of openat(2).
  public func entry(_ name: [UInt8]) throws(SystemError) -> Descriptor {
    let directory = rawValue
    guard !name.contains(0) else { throw SystemError("open \(String(decoding: name, as: UTF8.self))", code: EINVAL) }
    let text = name.map { CChar(bitPattern: $0) } + [0]
    return Descriptor(
      owning: try check("open \(String(decoding: name, as: UTF8.self))") { clinux_open_entry(directory, text) })
  }

  /// The current path of this file, without symbolic links, as /proc/self/fd has it. proc(5)
  ///
  /// - Throws: `SystemError` with ENAMETOOLONG when it is longer than PATH_MAX; otherwise with the errno of
  ///   readlink(2).
  public func realPath() throws(SystemError) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let link = "/proc/self/fd/\(rawValue)"
    let length = try check("readlink \(link)") { readlink(link, &buffer, buffer.count) }
    if length == buffer.count { throw SystemError("readlink \(link)", code: ENAMETOOLONG) }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) }
  }

  /// Asks for a pipe buffer of `bytes`; the size stays as it is when the user may not have more. fcntl(2), F_SETPIPE_SZ
  public func growPipe(to bytes: Int) {
    _ = clinux_grow_pipe(rawValue, Int32(clamping: bytes))
  }
}

extension SystemError {
  /// True when no file exists at the path. ENOENT, ENOTDIR
  public var isMissingFile: Bool { code == ENOENT || code == ENOTDIR }
}
