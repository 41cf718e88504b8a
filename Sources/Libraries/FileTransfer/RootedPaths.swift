import Glibc
import System

/// A name in a directory, whether it exists or not.
struct DirectoryEntry {
  /// The directory.
  let parent: Descriptor
  /// One component, never `..`; `.` for the directory itself.
  let name: [UInt8]
  /// Absolute, as the client sees it.
  let path: [UInt8]
}

/// Resolves the client's paths to descriptors, below a directory that is the client's `/`.
///
/// The kernel resolves (RESOLVE_IN_ROOT in openat2(2)), and the name of the descriptor is read afterwards: no decision
/// about a path is made before its resolution.
final class RootedPaths {
  private static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")
  private static let deleted = Array(" (deleted)".utf8)

  /// The client's `/`.
  let root: Descriptor
  /// Directories above the root that users other than root can change: ``RootDirectory/exposed``.
  let exposed: [String]
  /// The current path of the root without a trailing slash: empty for the real root.
  private var rootPath: [UInt8] = []
  /// Where relative paths begin: absolute, as the client sees it.
  private(set) var start: [UInt8] = [slash]

  /// - Parameter root: the client's `/`; nil for the machine's, where relative paths begin in the working directory.
  /// - Throws: `.system` when the root cannot be opened.
  init(root: String?) throws(FileError) {
    let found = try system { () throws(SystemError) in try RootDirectory.find(root ?? "/") }
    self.root = found.directory
    exposed = found.exposed
    try readRootPath()
    if root == nil {
      let here = try system { () throws(SystemError) in try Descriptor.findDirectory(".") }
      start = try path(of: here)
    }
  }

  /// Makes relative paths begin in this directory.
  ///
  /// - Throws: `.system` when the directory cannot be resolved.
  func enter(_ directory: [UInt8]) throws(FileError) {
    start = try path(of: try find(directory, following: true, directory: true))
  }

  /// Resolves `path` now, to a descriptor that can be examined but not read (O_PATH).
  ///
  /// - Throws: `.system`, with ENOTDIR when `directory` is set and `path` is not a directory.
  func find(_ path: [UInt8], following: Bool, directory: Bool = false) throws(FileError) -> Descriptor {
    let whole = try absolute(path)
    return try system { () throws(SystemError) in
      try root.find(whole, following: following, directory: directory)
    }
  }

  /// Resolves `path` now and opens it for reading.
  ///
  /// - Throws: `.system` when that fails.
  func openForReading(_ path: [UInt8]) throws(FileError) -> Descriptor {
    let whole = try absolute(path)
    return try system { () throws(SystemError) in try root.openForReading(whole) }
  }

  /// Opens `path` for reading and returns its resolved path; nil when there is a link on the way, or on any error.
  ///
  /// Without a link, the resolved path is the simplified text of `path`. It must not be judged by rules: a file system
  /// may accept several spellings of one name.
  ///
  /// - Throws: `.system` for an invalid path only.
  func openDirectly(_ path: [UInt8]) throws(FileError) -> (file: Descriptor, path: [UInt8])? {
    let whole = try absolute(path)
    guard let file = try? root.openForReading(whole, links: false) else { return nil }
    return (file, RootedPaths.simplified(whole))
  }

  /// Creates a file at `path`, opens it and returns its resolved path; nil when the name exists, when there is a link
  /// on the way, or on any error. The path must not be judged by rules, as with ``openDirectly(_:)``.
  ///
  /// - Throws: `.system` for an invalid path only.
  func makeDirectly(
    _ path: [UInt8], _ access: FileAccess, mode: UInt32
  ) throws(FileError) -> (file: Descriptor, path: [UInt8])? {
    let whole = try absolute(path)
    guard let file = try? root.makeFile(at: whole, access, mode: mode) else { return nil }
    return (file, RootedPaths.simplified(whole))
  }

  /// An absolute path without `.`, `..` and redundant slashes. It names the same file when there is no link on the way.
  static func simplified(_ path: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(path.count)
    for name in path.split(separator: slash) where !name.elementsEqual([dot]) {
      if name.elementsEqual([dot, dot]) {
        result.removeSubrange((result.lastIndex(of: slash) ?? 0)...)
      } else {
        result.append(slash)
        result += name
      }
    }
    return result.isEmpty ? [slash] : result
  }

  /// The existing directory that `path` is in, and its name there. Trailing slashes are ignored.
  ///
  /// - Throws: `.system` when the directory cannot be resolved.
  func entry(_ path: [UInt8]) throws(FileError) -> DirectoryEntry {
    var whole = try absolute(path)[...]
    while whole.count > 1, whole.last == RootedPaths.slash { whole.removeLast() }
    let cut = (whole.lastIndex(of: RootedPaths.slash) ?? whole.startIndex) + 1
    let name = Array(whole[cut...])
    if name.isEmpty || name == [RootedPaths.dot] || name == Array("..".utf8) {
      let directory = try find(Array(whole), following: true, directory: true)
      return DirectoryEntry(parent: directory, name: [RootedPaths.dot], path: try self.path(of: directory))
    }
    let parent = try find(Array(whole[..<cut]), following: true, directory: true)
    return DirectoryEntry(parent: parent, name: name, path: join(try self.path(of: parent), name))
  }

  /// The current path of an open file, as the client sees it.
  ///
  /// - Throws: `.system` with ENOENT when there is none, because the file was deleted or moved out of the root.
  func path(of file: Descriptor) throws(FileError) -> [UInt8] {
    let real = try system { () throws(SystemError) in try file.realPath() }
    var found = below(real)
    if found == nil {
      try readRootPath()
      found = below(real)
    }
    guard let found else { throw .system(SystemError("open", code: ENOENT)) }
    // The kernel marks deleted files with a suffix that a name can also have.
    if found.suffix(RootedPaths.deleted.count) == RootedPaths.deleted[...] {
      let same = try? system { () throws(SystemError) in
        try root.find(found, following: false).attributes().isSameFile(as: try file.attributes())
      }
      guard same == true else { throw .system(SystemError("open", code: ENOENT)) }
    }
    return found
  }

  /// `path` if it is absolute, else `path` below ``start``.
  ///
  /// - Throws: `.system` with ENOENT for an empty path, EINVAL for one with a zero byte.
  func absolute(_ path: [UInt8]) throws(FileError) -> [UInt8] {
    guard let first = path.first else { throw .system(SystemError("open", code: ENOENT)) }
    if path.contains(0) { throw .system(SystemError("open", code: EINVAL)) }
    return first == RootedPaths.slash ? path : join(start, path)
  }

  private func join(_ directory: [UInt8], _ name: [UInt8]) -> [UInt8] {
    directory == [RootedPaths.slash] ? directory + name : directory + [RootedPaths.slash] + name
  }

  private func below(_ real: [UInt8]) -> [UInt8]? {
    guard real.first == RootedPaths.slash, real.starts(with: rootPath) else { return nil }
    let rest = real.dropFirst(rootPath.count)
    if rest.isEmpty { return [RootedPaths.slash] }
    return rest.first == RootedPaths.slash ? Array(rest) : nil
  }

  private func readRootPath() throws(FileError) {
    let path = try system { () throws(SystemError) in try root.realPath() }
    rootPath = path == [RootedPaths.slash] ? [] : path
  }
}
