import Glibc

/// Checks that a file can be trusted to be what root, or one user, has written: nobody else may write to it or replace
/// it. sshd_config(5), StrictModes; here up to the root directory.
///
/// Symbolic links are resolved first, and their target is checked. A directory of root's with the sticky bit, such as
/// /tmp, may be writable by others: they cannot replace what belongs to somebody else in it.
public struct PathTrust: Sendable {
  /// The user who may own the file and its directories, besides root.
  public let user: uid_t

  /// Trusts root and this user.
  public init(user: uid_t) { self.user = user }

  /// Why an open file cannot be trusted, as a sentence for people; nil when it can.
  public func fault(of file: Descriptor) -> String? {
    do throws(SystemError) {
      let status = try file.status()
      let path = try file.realPath()
      let name = String(decoding: path, as: UTF8.self)
      if let fault = fault(status, name) { return fault }
      return try fault(onTheWayTo: status, path)
    } catch { return "it cannot be seen who can write it: \(error)" }
  }

  /// Walks the real path down from the root, with a descriptor for each step and no symbolic link followed. So it
  /// checks exactly the directories that lead to the open file, or detects that they no longer do.
  private func fault(onTheWayTo file: FileStatus, _ path: [UInt8]) throws(SystemError) -> String? {
    let moved = "'\(String(decoding: path, as: UTF8.self))' was moved or replaced meanwhile"
    guard path.first == UInt8(ascii: "/") else { return moved }
    var place = try Descriptor.root()
    var status = try place.status()
    var name = ""
    for component in path.split(separator: UInt8(ascii: "/")) {
      guard status.kind == .directory else { return moved }
      if let fault = fault(status, name.isEmpty ? "/" : name) { return fault }
      name += "/" + String(decoding: component, as: UTF8.self)
      do throws(SystemError) {
        place = try place.entry(Array(component))
        status = try place.status()
      } catch {
        if error.isMissingFile { return moved }
        throw error
      }
    }
    return status.device == file.device && status.inode == file.inode ? nil : moved
  }

  private func fault(_ status: FileStatus, _ name: String) -> String? {
    guard status.owner == user || status.owner == 0 else {
      return "'\(name)' belongs to uid \(status.owner); it must belong to root"
        + (user == 0 ? "" : " or to uid \(user)")
    }
    let isSticky = status.kind == .directory && status.owner == 0 && status.permissions & 0o1000 != 0
    guard status.permissions & 0o022 != 0, !isSticky else { return nil }
    let mode = String(status.permissions, radix: 8)
    return "'\(name)' can be written by others (mode \(mode)); 'chmod go-w \(name)' prevents that"
  }
}
