import CLinux
import Glibc

/// A directory that a login sees as `/`, resolved so that no user's symbolic link leads to another directory.
///
/// sshd(8) requires every directory above a ChrootDirectory to belong to root. Here a root may be below directories of
/// users, but no symbolic link in these is followed: whoever can change them can replace the root with another
/// directory of their own, and with nothing else.
public struct RootDirectory {
  /// The root, opened to look up entries in it. O_PATH
  public let directory: Descriptor
  /// The directories above it that users other than root can change, each with owner and mode, for people.
  public let exposed: [String]

  /// Limit of symbolic links on the way. path_resolution(7)
  private static let linkLimit = 40

  /// Resolves an absolute path, component by component.
  ///
  /// A symbolic link is followed only in a directory that belongs to root and is writable neither by its group nor by
  /// others, because only root can have created it there.
  ///
  /// - Throws: `SystemError` with ELOOP for any other symbolic link, naming it and its directory, and for more than 40;
  ///   ENOTDIR when a component is no directory; otherwise with the errno of openat(2).
  public static func find(_ path: String) throws(SystemError) -> RootDirectory {
    var walk = try Walk()
    try walk.follow(path)
    return RootDirectory(directory: walk.place.directory, exposed: walk.exposed)
  }

  /// The directory at `path` and those above it that users other than root can change, each with owner and mode; empty
  /// when they cannot be inspected.
  public static func exposed(at path: String) -> [String] {
    guard var walk = try? Walk(), (try? walk.follow(path)) != nil else { return [] }
    walk.look()
    return walk.exposed
  }

  private struct Place {
    let directory: Descriptor
    let path: String
    /// Only root can change its entries. Rights from an access control list show up in the group's bits.
    let isRootsAlone: Bool
    /// Path, owner and mode, for people.
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
    /// From the root directory down.
    private var trail: [Place]
    private(set) var exposed: [String] = []

    init() throws(SystemError) { trail = [try Place(try Descriptor.root(), "/")] }

    /// The current directory.
    var place: Place { trail[trail.count - 1] }

    /// Records the current directory if users other than root can change it.
    mutating func look() {
      if !place.isRootsAlone, !exposed.contains(place.description) { exposed.append(place.description) }
    }

    mutating func follow(_ path: String) throws(SystemError) {
      // In reverse order: the next component is the last element.
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
  /// The directory with this name in this one, opened with O_PATH; nil for anything else, symbolic links included.
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
