import CLinux
import Glibc

/// What a file is, and whose. fstat(2)
public struct FileStatus: Equatable, Sendable {
  /// The kinds of files that make a difference here.
  public enum Kind: Equatable, Sendable {
    case regular, directory, symbolicLink, other
  }

  public let kind: Kind
  public let owner: uid_t
  /// Permission bits with set-user-id, set-group-id and sticky: at most 0o7777.
  public let permissions: UInt32
  /// `device` and `inode` together tell files apart.
  public let device: UInt64
  public let inode: UInt64
  /// Bytes.
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

  /// True when something is at this path. access(2)
  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

/// Which file is at a path, while it exists.
struct FileIdentity: Equatable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  /// nil: none that can be found. stat(2)
  init?(of path: String) {
    var raw = stat()
    guard stat(path, &raw) == 0 else { return nil }
    device = UInt64(raw.st_dev)
    inode = UInt64(raw.st_ino)
  }
}

/// Whose a pseudo-terminal is. devpts is no disk: looking there never waits.
public enum TerminalOwner: Equatable, Sendable {
  case user(uid_t)
  /// Nothing is there any more.
  case nobody
  /// No terminal is there.
  case notTerminal

  /// - Parameter terminal: as below /dev: `pts/3`.
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
  /// What this is. fstat(2)
  public func status() throws(SystemError) -> FileStatus {
    var raw = stat()
    let number = rawValue
    try check("fstat") { fstat(number, &raw) }
    return FileStatus(raw)
  }

  /// Opens a file that somebody else named: waits for no writer of a pipe, and takes no terminal.
  public static func openUntrusted(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  }

  /// The root directory, to look for entries. O_PATH
  public static func root() throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("open /") { clinux_open_entry(-1, "/") })
  }

  /// The entry of this directory that has this name, whatever it is; a symbolic link is not followed. O_PATH
  public func entry(_ name: [UInt8]) throws(SystemError) -> Descriptor {
    let directory = rawValue
    let text = name.map { CChar(bitPattern: $0) } + [0]
    return Descriptor(
      owning: try check("open \(String(decoding: name, as: UTF8.self))") { clinux_open_entry(directory, text) })
  }

  /// The path without symbolic links under which this file is now, as /proc/self/fd tells it. proc(5)
  public func realPath() throws(SystemError) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let link = "/proc/self/fd/\(rawValue)"
    let length = try check("readlink \(link)") { readlink(link, &buffer, buffer.count) }
    if length == buffer.count { throw SystemError("readlink \(link)", code: ENAMETOOLONG) }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) }
  }

  /// Asks for room for `bytes` in this pipe; it keeps what it has when the user may not have more. F_SETPIPE_SZ
  public func growPipe(to bytes: Int) {
    _ = clinux_grow_pipe(rawValue, Int32(clamping: bytes))
  }
}

extension SystemError {
  /// True when nothing is at the path. ENOENT, ENOTDIR
  public var isMissingFile: Bool { code == ENOENT || code == ENOTDIR }
}
