import CLinux
import Glibc

/// The directory that a login sees as `/` of files, found so that no link of a user leads to another one.
///
/// sshd(8) wants every directory of a ChrootDirectory to be root's. Here a root may be below directories of users, but
/// then no symbolic link in these counts: who can change them can put another directory of theirs in its place, and
/// nothing that is not theirs.
public struct RootDirectory {
  public let directory: Descriptor
  /// The directories above it that others than root can change, each with whose it is, for people.
  public let exposed: [String]

  /// Symbolic links on the way. path_resolution(7)
  private static let linkLimit = 40

  /// Finds `path`, an absolute path, component by component.
  ///
  /// A symbolic link is followed where root alone can have put it: in a directory that is root's and that neither its
  /// group nor others can write. Any other fails with ELOOP, and the error names both.
  public static func find(_ path: String) throws(SystemError) -> RootDirectory {
    var walk = try Walk()
    try walk.follow(path)
    return RootDirectory(directory: walk.place.directory, exposed: walk.exposed)
  }

  /// The directory at `path` and those above it, as far as others than root can change them; empty where they cannot be
  /// looked at.
  public static func exposed(at path: String) -> [String] {
    guard var walk = try? Walk(), (try? walk.follow(path)) != nil else { return [] }
    walk.look()
    return walk.exposed
  }

  private struct Place {
    let directory: Descriptor
    let path: String
    /// Nobody but root can change its entries. What an access control list gives shows in the group's rights.
    let isRootsAlone: Bool
    /// For people.
    let description: String

    init(_ directory: Descriptor, _ path: String) throws(SystemError) {
      self.directory = directory
      self.path = path
      let status = try directory.status()
      isRootsAlone = status.owner == 0 && status.permissions & 0o022 == 0
      description = "\(path) (uid \(status.owner), mode \(String(status.permissions, radix: 8)))"
    }
  }

  private struct Walk {
    /// From the machine's root down.
    private var trail: [Place]
    private(set) var exposed: [String] = []

    init() throws(SystemError) { trail = [try Place(try Descriptor.root(), "/")] }

    /// Where it has come to.
    var place: Place { trail[trail.count - 1] }

    /// Takes note of the place when others than root can change it.
    mutating func look() {
      if !place.isRootsAlone, !exposed.contains(place.description) { exposed.append(place.description) }
    }

    mutating func follow(_ path: String) throws(SystemError) {
      // The next one last.
      var names = Walk.names(Array(path.utf8))
      var links = 0
      while let name = names.popLast() {
        if name == [UInt8(ascii: ".")] { continue }
        if name == Array("..".utf8) {
          if trail.count > 1 { trail.removeLast() }
          continue
        }
        look()
        let path = (place.path == "/" ? "" : place.path) + "/" + String(decoding: name, as: UTF8.self)
        if let directory = try place.directory.directory(named: name, path) {
          trail.append(try Place(directory, path))
          continue
        }
        let entry = try place.directory.entry(name)
        guard try entry.status().kind == .symbolicLink else { throw SystemError("open \(path)", code: ENOTDIR) }
        guard place.isRootsAlone else {
          throw SystemError(
            "the symbolic link \(path) in \(place.description), which not only root can change", code: ELOOP)
        }
        links += 1
        guard links <= RootDirectory.linkLimit else { throw SystemError("open \(path)", code: ELOOP) }
        let target = try entry.linkTarget()
        if target.first == UInt8(ascii: "/") { trail.removeLast(trail.count - 1) }
        names += Walk.names(target)
      }
    }

    private static func names(_ path: [UInt8]) -> [[UInt8]] {
      path.split(separator: UInt8(ascii: "/")).reversed().map { Array($0) }
    }
  }
}

extension Descriptor {
  /// The directory of this name in this one, to look for files in it; nil for anything else, links too. O_PATH
  fileprivate func directory(named name: [UInt8], _ path: String) throws(SystemError) -> Descriptor? {
    let number = rawValue
    do throws(SystemError) {
      return Descriptor(
        owning: try withName(name, "open \(path)") { (name) in
          clinux_openat(number, name, clinux_path_only | O_DIRECTORY | O_NOFOLLOW, 0)
        })
    } catch {
      if error.code == ENOTDIR || error.code == ELOOP { return nil }
      throw error
    }
  }
}
