import Glibc

/// Whether a file can be believed to be what root, or one user, has written: nobody else may write to it, nor put another
/// one in its place. sshd_config(5), StrictModes; here up to the root directory.
///
/// Links are followed before; what they lead to is judged. A directory of root's that has the sticky bit, as /tmp, may be
/// written by others: they cannot replace in it what is not theirs.
public struct PathTrust: Sendable {
  /// Who may own the file and its directories, besides root.
  public let user: uid_t

  public init(user: uid_t) { self.user = user }

  /// Why a file that is open is not believed; nil: it is.
  public func fault(of file: Descriptor) -> String? {
    do throws(SystemError) {
      let status = try file.status()
      let path = try file.realPath()
      let name = String(decoding: path, as: UTF8.self)
      if let fault = fault(status, name) { return fault }
      return try fault(onTheWayTo: status, path)
    } catch { return "it cannot be seen who can write it: \(error)" }
  }

  /// Walks the real path from the root down, a descriptor for each step and no link followed, and so sees exactly the
  /// directories that lead to the open file, or sees that they no longer do.
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
