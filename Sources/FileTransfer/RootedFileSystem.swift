import Glibc
import System

/// The files below a directory, for one client: what a path means is decided by the kernel with that directory as root,
/// a gate is asked before each operation, and an observer hears what was done.
///
/// Names and paths are bytes. A path that begins with `/` begins at the root, any other at `start`; `..` stops at the
/// root, and absolute links mean the root's files. Nothing is checked by name and then used by name: an operation works
/// on the descriptor that was judged, or on one component of a directory whose descriptor was judged.
public final class RootedFileSystem {
  let paths: RootedPaths
  let gate: any TransferGate
  let observer: (any FileObserver)?
  /// True when nothing may be changed.
  public let isReadOnly: Bool
  private let hasRoot: Bool

  /// - Parameters:
  ///   - root: the directory that is the client's `/`; nil for the machine's.
  public init(
    root: String? = nil, isReadOnly: Bool = false, gate: any TransferGate = OpenGate(),
    observer: (any FileObserver)? = nil
  ) throws(FileError) {
    paths = try RootedPaths(root: root)
    hasRoot = root != nil
    self.isReadOnly = isReadOnly
    self.gate = gate
    self.observer = observer
  }

  /// Directories above the root that others than root can change: ``RootDirectory/exposed``.
  public var exposed: [String] { paths.exposed }

  /// Where relative paths begin: `/` below a root, else where this process is.
  public var start: [UInt8] { paths.start }

  /// Makes relative paths begin in this directory.
  public func enter(_ directory: [UInt8]) throws(FileError) { try paths.enter(directory) }

  /// Where name services keep what they read: account names are asked for long after a root is closed off.
  private static let readable = ["/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib"]

  /// Makes the kernel forbid to this process, for good, what no path of the client leads to (Landlock): below a root to
  /// change files outside of it, or to read any but those of name services; where only reading is allowed, to change
  /// files; and in both cases to execute any.
  ///
  /// A second line, behind the one that resolves paths: on a kernel without it nothing happens. Needs that the process
  /// can gain no privileges.
  public func closeOff() throws(FileError) {
    guard hasRoot || isReadOnly else { return }
    _ = try system { () throws(SystemError) in
      try Hardening.confineFiles(
        to: hasRoot ? paths.root : nil, mayChange: !isReadOnly, readable: RootedFileSystem.readable)
    }
  }

  /// The path without links and `..`; its last component need not exist. An empty path is `start`.
  public func realPath(_ path: [UInt8]) throws(FileError) -> [UInt8] {
    if path.isEmpty { return start }
    let (resolved, size): ([UInt8], UInt64?)
    do throws(FileError) {
      let file = try paths.find(path, following: true)
      (resolved, size) = (try paths.path(of: file), try regularSize(file))
    } catch {
      guard error.isMissingFile else { throw error }
      (resolved, size) = (try paths.entry(path).path, nil)
    }
    try ask(.status, [resolved], size: size)
    return resolved
  }

  /// What is at `path`, or at the end of its links when `following`.
  public func attributes(_ path: [UInt8], following: Bool) throws(FileError) -> FileAttributes {
    let file = try paths.find(path, following: following)
    let attributes = try system { () throws(SystemError) in try file.attributes() }
    if !gate.allowsEverything { try ask(.status, [try paths.path(of: file)], size: attributes.regularSize) }
    return attributes
  }

  /// What an open file is.
  public func attributes(_ file: OpenFile) throws(FileError) -> FileAttributes {
    let attributes = try file.attributes()
    if !gate.allowsEverything { try ask(.status, [file.path], size: attributes.regularSize) }
    return attributes
  }

  /// What an open directory is.
  public func attributes(_ directory: OpenDirectory) throws(FileError) -> FileAttributes {
    if !gate.allowsEverything { try ask(.status, [directory.path], size: nil) }
    return try directory.attributes()
  }

  /// How full the file system is that holds an open file.
  public func fileSystemStatus(_ file: OpenFile) throws(FileError) -> FileSystemStatus {
    try ask(.status, [file.path], size: nil)
    return try file.fileSystemStatus()
  }

  /// How full the file system is that holds an open directory.
  public func fileSystemStatus(_ directory: OpenDirectory) throws(FileError) -> FileSystemStatus {
    try ask(.status, [directory.path], size: nil)
    return try directory.fileSystemStatus()
  }

  /// How full the file system is that holds `path`.
  public func fileSystemStatus(_ path: [UInt8]) throws(FileError) -> FileSystemStatus {
    let file = try paths.find(path, following: true)
    try ask(.status, [try paths.path(of: file)], size: nil)
    return try system { () throws(SystemError) in try file.fileSystemStatus() }
  }

  /// The text of a symbolic link.
  public func readLink(_ path: [UInt8]) throws(FileError) -> [UInt8] {
    let link = try paths.find(path, following: false)
    let attributes = try system { () throws(SystemError) in try link.attributes() }
    guard attributes.kind == .symbolicLink else { throw .system(SystemError("readlink", code: EINVAL)) }
    try ask(.readLink, [try paths.path(of: link)], size: nil)
    return try system { () throws(SystemError) in try link.linkTarget() }
  }

  /// Opens a directory to read its names.
  public func openDirectory(_ path: [UInt8]) throws(FileError) -> OpenDirectory {
    try attempt(.list, [path]) { () throws(FileError) in
      let directory = try paths.find(path, following: true, directory: true)
      let resolved = try paths.path(of: directory)
      try ask(.list, [resolved], size: nil)
      let stream = try system { () throws(SystemError) in try directory.reopen(.read) }
      return OpenDirectory(DirectoryStream(stream), path: resolved, gate: gate, observer: observer)
    }
  }

  /// Asks the gate; a refusal is observed and thrown.
  func ask(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) throws(FileError) {
    switch gate.check(operation, paths, size: size) {
    case .allowed: return
    case .denied(let rule):
      observer?.record(.denied(operation, paths: paths, rule: rule))
      throw .denied(rule: rule)
    }
  }

  /// Does what a client asks for; what it is not permitted is observed and thrown.
  func attempt<Result>(
    _ operation: FileOperation, _ named: [[UInt8]], _ body: () throws(FileError) -> Result
  ) throws(FileError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      if error.isRefusal, let observer {
        let shown = named.map { name in (try? paths.absolute(name)).map(RootedPaths.simplified) ?? name }
        observer.record(.refused(operation, paths: shown, error))
      }
      throw error
    }
  }

  func requireWritable() throws(FileError) {
    if isReadOnly { throw .readOnly }
  }

  private func regularSize(_ file: Descriptor) throws(FileError) -> UInt64? {
    try system { () throws(SystemError) in try file.attributes().regularSize }
  }
}

extension FileAttributes {
  /// Bytes, of a regular file only.
  var regularSize: UInt64? { kind == .regular ? size : nil }
}

extension FileError {
  /// True when nothing is at the path.
  var isMissingFile: Bool {
    guard case .system(let error) = self else { return false }
    return error.code == ENOENT
  }
}
