import CLinux
import Glibc

/// Directories in which a service account keeps its files.
public enum ServiceDirectory {
  /// The owner that a directory should have.
  public struct Owner: Equatable, Sendable {
    /// User id.
    public let user: uid_t
    /// Group id.
    public let group: gid_t

    /// Ids that own nothing: 4294967294.
    public static let nobody = Owner(user: .max - 1, group: .max - 1)

    public init(user: uid_t, group: gid_t) {
      self.user = user
      self.group = group
    }
  }

  /// What to do when a directory does not exist.
  public enum Missing: Equatable, Sendable {
    /// Create it with this mode and owner; nil: this process's user. Directories above it are created with mode 0755.
    case make(mode: UInt32, owner: Owner?)
    /// Create nothing.
    case leave
  }

  /// Opens the directory at `path` so that it can be listed, and creates it if requested.
  ///
  /// Each directory on the way is opened relative to the one before it. So what is created, and given to the owner, is
  /// what was created here, whoever owns the directories above.
  ///
  /// - Returns: nil when it does not exist and `missing` is `.leave`; it could be created then.
  /// - Throws: `SystemError` with EACCES, ENOTDIR, ELOOP, EROFS or another errno of openat(2), mkdirat(2), fchown(2) or
  ///   fchmod(2); its operation names the directory.
  public static func open(_ path: String, missing: Missing) throws(SystemError) -> Descriptor? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    var place = try Descriptor.findDirectory("/")
    var name = ""
    for (index, part) in parts.enumerated() {
      let parent = name.isEmpty ? "/" : name
      name += "/" + String(decoding: part, as: UTF8.self)
      let isLast = index == parts.count - 1
      if let found = try place.directoryEntry(part, path: name, isLast: isLast) {
        place = found
        continue
      }
      switch missing {
      case .leave:
        try place.requireRoom(for: name, in: parent)
        return nil
      case .make(let mode, let owner):
        place = try place.makeOwned(part, path: name, mode: isLast ? mode : 0o755, owner: isLast ? owner : nil)
      }
    }
    // The root directory itself, or the last one on the way.
    return parts.isEmpty ? try Descriptor.openDirectory("/") : place
  }
}

extension Descriptor {
  /// Checks that `owner` may access an entry of this directory; `.` is the directory itself. A symbolic link is not
  /// followed. faccessat2(2)
  ///
  /// - Parameters:
  ///   - owner: nil asks for this process; only root can ask for others.
  ///   - mode: any of R_OK, W_OK, X_OK.
  /// - Throws: `SystemError` with EACCES when access is denied; EROFS for writing to a read-only file system; EINVAL
  ///   for a name with a zero byte; EPERM when this process may not ask for others; otherwise with the errno of
  ///   faccessat2(2).
  public func permits(_ owner: ServiceDirectory.Owner?, _ mode: Int32, entry name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "use \(String(decoding: name, as: UTF8.self))") { (name) in
      clinux_access_as(owner == nil ? 0 : 1, owner?.user ?? 0, owner?.group ?? 0, number, name, mode)
    }
  }

  /// Opens an entry that is a directory, following symbolic links; nil when there is none.
  fileprivate func directoryEntry(_ name: [UInt8], path: String, isLast: Bool) throws(SystemError) -> Descriptor? {
    let number = rawValue
    let flags = (isLast ? O_RDONLY : clinux_path_only) | O_DIRECTORY
    do throws(SystemError) {
      return Descriptor(owning: try withName(name, "open \(path)") { clinux_openat(number, $0, flags, 0) })
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// Creates a directory in this one, and opens it.
  fileprivate func makeOwned(
    _ name: [UInt8], path: String, mode: UInt32, owner: ServiceDirectory.Owner?
  ) throws(SystemError) -> Descriptor {
    let number = rawValue
    do throws(SystemError) {
      try withName(name, "make \(path)") { (name) in mkdirat(number, name, 0o700) }
    } catch {
      // Another process created it first.
      if error.code != EEXIST { throw error }
    }
    let directory = Descriptor(
      owning: try withName(name, "open \(path)") { clinux_openat(number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) })
    let made = directory.rawValue
    // What somebody else put in its place is not given away.
    guard try directory.status().owner == geteuid() else { return directory }
    if let owner { try check("chown \(path)") { fchown(made, owner.user, owner.group) } }
    // The mode does not depend on the umask.
    try check("chmod \(path)") { fchmod(made, mode & 0o7777) }
    return directory
  }

  /// Throws when nothing can be created in this directory.
  fileprivate func requireRoom(for name: String, in parent: String) throws(SystemError) {
    do throws(SystemError) { try permits(nil, W_OK | X_OK, entry: [UInt8(ascii: ".")]) } catch {
      throw SystemError("make \(name) in \(parent)", code: error.code)
    }
    if isKernelFileSystem { throw SystemError("make \(name) in \(parent)", code: EPERM) }
  }

  /// True for a file system that shows kernel state, like /proc and /sys, where files cannot be created. fstatfs(2)
  public var isKernelFileSystem: Bool {
    // PROC, SYSFS, SECURITYFS, DEBUGFS, TRACEFS, DEVPTS, CGROUP, CGROUP2
    [0x9fa0, 0x6265_6572, 0x7363_6673, 0x6462_6720, 0x7472_6163, 0x1cd1, 0x27_e0eb, 0x6367_7270].contains(
      clinux_file_system_type(rawValue))
  }
}
