import Glibc
import System

/// One name in one directory, whether something has it or not.
struct DirectoryEntry {
  let parent: Descriptor
  /// One component, never `..`; `.` for the directory itself.
  let name: [UInt8]
  /// Absolute, as the client sees it.
  let path: [UInt8]
}

/// Turns the client's paths into descriptors, below a directory that is the client's `/`.
///
/// The kernel resolves (RESOLVE_IN_ROOT), and what a descriptor is called is asked afterwards: no decision about a path
/// is made before its resolution.
final class RootedPaths {
  private static let slash = UInt8(ascii: "/")
  private static let dot = UInt8(ascii: ".")
  private static let deleted = Array(" (deleted)".utf8)

  let root: Descriptor
  /// Directories above the root that others than root can change: ``RootDirectory/exposed``.
  let exposed: [String]
  /// Where the root is now, without a slash at the end: empty for the real root.
  private var rootPath: [UInt8] = []
  /// Where relative paths begin: absolute, as the client sees it.
  private(set) var start: [UInt8] = [slash]

  /// - Parameter root: the client's `/`; nil for the machine's, and then relative paths begin where this process is.
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
  func enter(_ directory: [UInt8]) throws(FileError) {
    start = try path(of: try find(directory, following: true, directory: true))
  }

  /// What is at `path` now.
  func find(_ path: [UInt8], following: Bool, directory: Bool = false) throws(FileError) -> Descriptor {
    let whole = try absolute(path)
    return try system { () throws(SystemError) in
      try root.find(whole, following: following, directory: directory)
    }
  }

  /// Opens what is at `path` now, to read it.
  func openForReading(_ path: [UInt8]) throws(FileError) -> Descriptor {
    let whole = try absolute(path)
    return try system { () throws(SystemError) in try root.openForReading(whole) }
  }

  /// Opens what is at `path` now, to read it, and tells its path; nil when there is a link on the way, or any trouble.
  ///
  /// Without a link the path is what the client wrote. Not for judging by names: a file system may have one name in
  /// several spellings.
  func openDirectly(_ path: [UInt8]) throws(FileError) -> (file: Descriptor, path: [UInt8])? {
    let whole = try absolute(path)
    guard let file = try? root.openForReading(whole, links: false) else { return nil }
    return (file, RootedPaths.simplified(whole))
  }

  /// Makes a file at `path`, opens it, and tells its path; nil when something is there, there is a link on the way, or
  /// any trouble. Not for judging by names, as ``openDirectly(_:)``.
  func makeDirectly(
    _ path: [UInt8], _ access: FileAccess, mode: UInt32
  ) throws(FileError) -> (file: Descriptor, path: [UInt8])? {
    let whole = try absolute(path)
    guard let file = try? root.makeFile(at: whole, access, mode: mode) else { return nil }
    return (file, RootedPaths.simplified(whole))
  }

  /// An absolute path without `.`, `..` and slashes that say nothing: the same place, when no link is on the way.
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

  /// The place of `path`: its directory, which exists, and the name in it. Slashes at its end say nothing.
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

  /// The path, as the client sees it, under which this file is now.
  ///
  /// Fails with ENOENT when it has none: it was deleted or moved out of the root meanwhile.
  func path(of file: Descriptor) throws(FileError) -> [UInt8] {
    let real = try system { () throws(SystemError) in try file.realPath() }
    var found = below(real)
    if found == nil {
      try readRootPath()
      found = below(real)
    }
    guard let found else { throw .system(SystemError("open", code: ENOENT)) }
    // The kernel marks names that are gone in a way that a name can have, too.
    if found.suffix(RootedPaths.deleted.count) == RootedPaths.deleted[...] {
      let same = try? system { () throws(SystemError) in
        try root.find(found, following: false).attributes().isSameFile(as: try file.attributes())
      }
      guard same == true else { throw .system(SystemError("open", code: ENOENT)) }
    }
    return found
  }

  /// `path`, or it below `start`; a zero byte is in no name.
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
