import CLinux
import Glibc

/// Directories that a service account keeps its files in.
public enum OwnedDirectory {
  /// Makes `path` and the directories above it, where they are not there: those with mode 0755, and `path` itself with
  /// this mode and owner. What is there stays as it is.
  ///
  /// - Parameter owner: nil: this process's user.
  /// - Returns: true when `path` was made.
  @discardableResult
  public static func make(
    _ path: String, owner: (user: uid_t, group: gid_t)?, mode: UInt32
  ) throws(SystemError) -> Bool {
    var made = false
    for end in path.indices.dropFirst() where path[end] == "/" { _ = try make(String(path[..<end]), 0o755) }
    made = try make(path, owner == nil ? mode : 0o700)
    guard made, let owner else { return made }
    // It is empty, and root's alone, until it is given away.
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let number = directory.rawValue
    try check("chown \(path)") { fchown(number, owner.user, owner.group) }
    try check("chmod \(path)") { fchmod(number, mode & 0o7777) }
    return true
  }

  /// True when this user may make files there, as far as its owner and its permissions tell.
  public static func isWritable(_ path: String, by owner: (user: uid_t, group: gid_t)) throws(SystemError) -> Bool {
    let status = try Descriptor.open(path, O_RDONLY | O_DIRECTORY).attributes()
    if status.owner == owner.user { return status.permissions & 0o300 == 0o300 }
    if status.group == owner.group { return status.permissions & 0o030 == 0o030 }
    return status.permissions & 0o003 == 0o003
  }

  private static func make(_ path: String, _ mode: UInt32) throws(SystemError) -> Bool {
    if mkdir(path, mode) == 0 { return true }
    guard errno == EEXIST else { throw .last("make \(path)") }
    return false
  }
}
