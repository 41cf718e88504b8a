import Glibc

/// Checks that a file can be trusted to be what root, or one user, has written: nobody else may write to it or replace
/// it. sshd_config(5), StrictModes; here up to the root directory.
///
/// Symbolic links are resolved first, and their target is checked.
public struct PathTrust: Sendable {
  /// Why a file cannot be trusted. A name is that of the file or of a directory above it.
  public enum Fault: Error, Equatable, Sendable {
    /// It belongs to this user, who is neither root nor the one who is trusted.
    case owner(String, uid_t)
    /// Others can write to it; with its permissions.
    case writable(String, mode: UInt32)
    /// The path does not lead to the open file any more.
    case moved(String)
    /// A system call failed.
    case error(SystemError)
  }

  /// The user who may own the file and its directories, besides root.
  public let user: uid_t
  /// Whether others may write to a directory of root's with the sticky bit, such as /tmp: they cannot replace what
  /// belongs to somebody else in it, but they can create what does not exist yet.
  private let allowsSticky: Bool

  /// Trusts root and this user.
  public init(user: uid_t, allowsSticky: Bool = false) {
    self.user = user
    self.allowsSticky = allowsSticky
  }

  /// Checks an open file.
  ///
  /// - Parameter status: that of the file.
  /// - Throws: why it cannot be trusted.
  public func check(_ file: Descriptor, _ status: FileStatus) throws(Fault) {
    let path = try attempt { () throws(SystemError) in try file.realPath() }
    try check(status, String(decoding: path, as: UTF8.self))
    try checkWay(to: status, path)
  }

  /// Walks the real path down from the root, with a descriptor for each step and no symbolic link followed. So it
  /// checks exactly the directories that lead to the open file, or detects that they no longer do.
  private func checkWay(to file: FileStatus, _ path: [UInt8]) throws(Fault) {
    let moved = Fault.moved(String(decoding: path, as: UTF8.self))
    // The path of a file outside of our root directory does not begin with a slash.
    guard path.first == UInt8(ascii: "/") else { throw moved }
    var place = try attempt { () throws(SystemError) in try Descriptor.root() }
    var status = try attempt { () throws(SystemError) in try place.status() }
    var name = ""
    for component in path.split(separator: UInt8(ascii: "/")) {
      guard status.kind == .directory else { throw moved }
      try check(status, name.isEmpty ? "/" : name)
      name += "/" + String(decoding: component, as: UTF8.self)
      do throws(SystemError) {
        place = try place.entry(Array(component))
        status = try place.status()
      } catch { throw error.isMissingFile ? moved : .error(error) }
    }
    guard status.device == file.device, status.inode == file.inode else { throw moved }
  }

  private func check(_ status: FileStatus, _ name: String) throws(Fault) {
    guard status.owner == user || status.owner == 0 else { throw .owner(name, status.owner) }
    let isSticky = status.kind == .directory && status.owner == 0 && status.permissions & 0o1000 != 0
    guard status.permissions & 0o022 == 0 || (isSticky && allowsSticky) else {
      throw .writable(name, mode: status.permissions)
    }
  }

  private func attempt<Result>(_ body: () throws(SystemError) -> Result) throws(Fault) -> Result {
    do throws(SystemError) { return try body() } catch { throw .error(error) }
  }
}
