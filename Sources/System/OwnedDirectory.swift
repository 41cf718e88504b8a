import CLinux
import Glibc

/// Directories that a service account keeps its files in.
public enum OwnedDirectory {
  /// Whose a directory is to be.
  public struct Owner: Equatable, Sendable {
    public let user: uid_t
    public let group: gid_t

    /// One that owns nothing.
    public static let nobody = Owner(user: .max - 1, group: .max - 1)

    public init(user: uid_t, group: gid_t) {
      self.user = user
      self.group = group
    }
  }

  /// What becomes of a directory that does not exist.
  public enum Missing: Equatable, Sendable {
    /// It is made, with this mode and owner; those above it have mode 0755. nil: this process's user.
    case make(mode: UInt32, owner: Owner?)
    /// Nothing changes.
    case leave
  }

  /// Opens `path` to use and to list it.
  ///
  /// Each directory on the way is opened in the one before it, so that what is made, and given away, is what was made
  /// here, whoever owns the directories above.
  ///
  /// - Returns: nil when it does not exist, is to be left so, and could be made.
  /// - Throws: names the directory that cannot be entered, opened or made.
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
    // The root directory itself, or one that was found on the way.
    return parts.isEmpty ? try Descriptor.openDirectory("/") : place
  }
}

extension Descriptor {
  /// Throws when `owner` may not do this with an entry of this directory, `.` being the directory itself: R_OK, W_OK,
  /// X_OK. nil asks for this process; for others only root can ask. A link is not followed. faccessat2(2)
  public func permits(_ owner: OwnedDirectory.Owner?, _ mode: Int32, entry name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "use \(String(decoding: name, as: UTF8.self))") { (name) in
      clinux_access_as(owner == nil ? 0 : 1, owner?.user ?? 0, owner?.group ?? 0, number, name, mode)
    }
  }

  /// Opens an entry that is a directory; links are followed. nil: there is none.
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

  /// Makes a directory in this one, and opens it.
  fileprivate func makeOwned(
    _ name: [UInt8], path: String, mode: UInt32, owner: OwnedDirectory.Owner?
  ) throws(SystemError) -> Descriptor {
    let number = rawValue
    do throws(SystemError) {
      try withName(name, "make \(path)") { (name) in mkdirat(number, name, 0o700) }
    } catch {
      // Another process was first.
      if error.code != EEXIST { throw error }
    }
    let directory = Descriptor(
      owning: try withName(name, "open \(path)") { clinux_openat(number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) })
    let made = directory.rawValue
    // What somebody else has put in its place is not given away.
    guard try directory.status().owner == geteuid() else { return directory }
    if let owner { try check("chown \(path)") { fchown(made, owner.user, owner.group) } }
    // Whatever the umask is.
    try check("chmod \(path)") { fchmod(made, mode & 0o7777) }
    return directory
  }

  /// Throws when nothing can be made in this directory.
  fileprivate func requireRoom(for name: String, in parent: String) throws(SystemError) {
    do throws(SystemError) { try permits(nil, W_OK | X_OK, entry: [UInt8(ascii: ".")]) } catch {
      throw SystemError("make \(name) in \(parent)", code: error.code)
    }
    if isKernelFileSystem { throw SystemError("make \(name) in \(parent)", code: EPERM) }
  }

  /// True for what shows the kernel's state, as /proc and /sys do: no files can be made there. statfs(2)
  public var isKernelFileSystem: Bool {
    // PROC, SYSFS, SECURITYFS, DEBUGFS, TRACEFS, DEVPTS, CGROUP, CGROUP2
    [0x9fa0, 0x6265_6572, 0x7363_6673, 0x6462_6720, 0x7472_6163, 0x1cd1, 0x27_e0eb, 0x6367_7270].contains(
      clinux_file_system_type(rawValue))
  }
}
