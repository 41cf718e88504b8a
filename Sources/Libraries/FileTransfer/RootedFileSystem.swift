import Glibc
import System

/// The files below a root directory, for one client. The kernel resolves paths with that directory as root, a gate is
/// asked before each operation, and an observer receives what was done.
///
/// Names and paths are bytes. A path that begins with `/` begins at the root, any other at ``start``; `..` stops at the
/// root, and absolute links are resolved below the root. Nothing is checked by name and then used by name: an operation
/// works on the descriptor that was judged, or on one component of a directory whose descriptor was judged.
///
/// Operations throw ``FileError``: `.system` with the code of the system call that failed, which is ENOENT for an empty
/// path and EINVAL for one with a zero byte; `.denied` when the gate refuses; `.readOnly` when the operation would
/// change something and ``isReadOnly`` is set.
public final class RootedFileSystem {
  /// Resolves paths below the root.
  let paths: RootedPaths
  /// Asked before each operation.
  let gate: any TransferGate
  /// Receives what was done or refused.
  let observer: (any FileObserver)?
  /// True when nothing may be changed.
  public let isReadOnly: Bool
  private let hasRoot: Bool

  /// - Parameters:
  ///   - root: the directory that is the client's `/`; nil for the machine's, where relative paths begin in the working
  ///     directory.
  /// - Throws: `.system` when the root cannot be opened, with ELOOP when a symbolic link on the way could have been put
  ///   there by a user other than root.
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

  /// Directories above the root that users other than root can change: ``RootDirectory/exposed``.
  public var exposed: [String] { paths.exposed }

  /// Where relative paths begin: `/` below a root, else the working directory of this process.
  public var start: [UInt8] { paths.start }

  /// Makes relative paths begin in this directory.
  ///
  /// - Throws: `.system` when the directory cannot be resolved.
  public func enter(_ directory: [UInt8]) throws(FileError) { try paths.enter(directory) }

  /// Directories that name services read: account names are looked up long after the process was confined.
  private static let readable = ["/etc", "/usr", "/lib", "/lib64", "/run", "/var/lib"]

  /// Confines this process for good, with Landlock, to the files that the client may reach. Below a root it can then
  /// change no files outside of it, and read only those of name services; in a read-only session it can change no
  /// files. In both cases it can execute nothing. Without root and read-only session, nothing happens.
  ///
  /// A second line of defence behind the resolution of paths: a kernel without Landlock ignores it. The process must
  /// have given up gaining privileges. landlock(7)
  ///
  /// - Throws: `.system` when the kernel has Landlock and refuses the rules.
  public func closeOff() throws(FileError) {
    guard hasRoot || isReadOnly else { return }
    _ = try system { () throws(SystemError) in
      try Hardening.confineFiles(
        to: hasRoot ? paths.root : nil, mayChange: !isReadOnly, readable: RootedFileSystem.readable)
    }
  }

  /// The path without links and `..`; its last component need not exist. An empty path stands for ``start``.
  ///
  /// - Throws: `.denied`, or `.system` when the path cannot be resolved.
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

  /// The attributes of `path`, or of the target of its links when `following`.
  ///
  /// - Throws: `.denied`, or `.system` when the path cannot be resolved.
  public func attributes(_ path: [UInt8], following: Bool) throws(FileError) -> FileAttributes {
    let file = try paths.find(path, following: following)
    let attributes = try system { () throws(SystemError) in try file.attributes() }
    if !gate.allowsEverything { try ask(.status, [try paths.path(of: file)], size: attributes.regularSize) }
    return attributes
  }

  /// The attributes of an open file.
  ///
  /// - Throws: `.denied`, or `.system` when fstat(2) fails.
  public func attributes(_ file: OpenFile) throws(FileError) -> FileAttributes {
    let attributes = try file.attributes()
    if !gate.allowsEverything { try ask(.status, [file.path], size: attributes.regularSize) }
    return attributes
  }

  /// The attributes of an open directory.
  ///
  /// - Throws: `.denied`, or `.system` when fstat(2) fails.
  public func attributes(_ directory: OpenDirectory) throws(FileError) -> FileAttributes {
    if !gate.allowsEverything { try ask(.status, [directory.path], size: nil) }
    return try directory.attributes()
  }

  /// Size and free space of the file system of an open file.
  ///
  /// - Throws: `.denied`, or `.system` when fstatvfs(3) fails.
  public func fileSystemStatus(_ file: OpenFile) throws(FileError) -> FileSystemStatus {
    try ask(.status, [file.path], size: nil)
    return try file.fileSystemStatus()
  }

  /// Size and free space of the file system of an open directory.
  ///
  /// - Throws: `.denied`, or `.system` when fstatvfs(3) fails.
  public func fileSystemStatus(_ directory: OpenDirectory) throws(FileError) -> FileSystemStatus {
    try ask(.status, [directory.path], size: nil)
    return try directory.fileSystemStatus()
  }

  /// Size and free space of the file system of `path`.
  ///
  /// - Throws: `.denied`, or `.system` when the path cannot be resolved.
  public func fileSystemStatus(_ path: [UInt8]) throws(FileError) -> FileSystemStatus {
    let file = try paths.find(path, following: true)
    try ask(.status, [try paths.path(of: file)], size: nil)
    return try system { () throws(SystemError) in try file.fileSystemStatus() }
  }

  /// The target of a symbolic link, as it is stored.
  ///
  /// - Throws: `.denied`, or `.system`, with EINVAL when `path` is not a symbolic link.
  public func readLink(_ path: [UInt8]) throws(FileError) -> [UInt8] {
    let link = try paths.find(path, following: false)
    let attributes = try system { () throws(SystemError) in try link.attributes() }
    guard attributes.kind == .symbolicLink else { throw .system(SystemError("readlink", code: EINVAL)) }
    try ask(.readLink, [try paths.path(of: link)], size: nil)
    return try system { () throws(SystemError) in try link.linkTarget() }
  }

  /// Opens a directory to read its names.
  ///
  /// - Throws: `.denied`, or `.system`, with ENOTDIR when `path` is not a directory.
  public func openDirectory(_ path: [UInt8]) throws(FileError) -> OpenDirectory {
    try attempt(.list, [path]) { () throws(FileError) in
      let directory = try paths.find(path, following: true, directory: true)
      let resolved = try paths.path(of: directory)
      try ask(.list, [resolved], size: nil)
      let stream = try system { () throws(SystemError) in try directory.reopen(.read) }
      return OpenDirectory(DirectoryStream(stream), path: resolved, gate: gate, observer: observer)
    }
  }

  /// Asks the gate; records a refusal.
  ///
  /// - Throws: `.denied` when the gate refuses.
  func ask(_ operation: FileOperation, _ paths: [[UInt8]], size: UInt64?) throws(FileError) {
    switch gate.check(operation, paths, size: size) {
    case .allowed: return
    case .denied(let rule):
      observer?.record(.denied(operation, paths: paths, rule: rule))
      throw .denied(rule: rule)
    }
  }

  /// Runs an operation on the paths that the client named; records a refusal of permission.
  ///
  /// - Throws: what `body` throws.
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

  /// - Throws: `.readOnly` when nothing may be changed.
  func requireWritable() throws(FileError) {
    if isReadOnly { throw .readOnly }
  }

  private func regularSize(_ file: Descriptor) throws(FileError) -> UInt64? {
    try system { () throws(SystemError) in try file.attributes().regularSize }
  }
}

extension FileAttributes {
  /// Size in bytes of a regular file; nil for anything else.
  var regularSize: UInt64? { kind == .regular ? size : nil }
}

extension FileError {
  /// True when the path does not exist.
  var isMissingFile: Bool {
    guard case .system(let error) = self else { return false }
    return error.code == ENOENT
  }
}
