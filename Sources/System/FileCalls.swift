import CLinux
import Glibc

/// How a file is opened. open(2)
public struct FileAccess: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let read = FileAccess(rawValue: 1)
  public static let write = FileAccess(rawValue: 2)
  /// Every write goes to the end. O_APPEND
  public static let append = FileAccess(rawValue: 4)
  /// O_TRUNC
  public static let truncate = FileAccess(rawValue: 8)
  /// The opener does not wait for the other side of a pipe or for a device. O_NONBLOCK
  public static let withoutWaiting = FileAccess(rawValue: 16)

  /// Flags of open(2).
  var flags: Int32 {
    var flags = O_NOCTTY
    if contains(.read) && contains(.write) {
      flags |= O_RDWR
    } else if contains(.write) {
      flags |= O_WRONLY
    } else {
      flags |= O_RDONLY
    }
    if contains(.append) { flags |= O_APPEND }
    if contains(.truncate) { flags |= O_TRUNC }
    if contains(.withoutWaiting) { flags |= O_NONBLOCK }
    return flags
  }
}

/// Finding and opening files below a directory that serves as root.
extension Descriptor {
  /// A directory, to look for files in it. O_PATH
  public static func findDirectory(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(
      owning: try check("open \(path)") { clinux_open(path, clinux_path_only | O_DIRECTORY | O_CLOEXEC, 0) })
  }

  /// A directory, to use and to list. open(2)
  public static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_DIRECTORY)
  }

  /// A directory in this one, to use and to list; no link is followed. openat(2)
  public func openDirectory(_ name: [UInt8]) throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName(name, "open \(String(decoding: name, as: UTF8.self))") {
        clinux_openat(number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      })
  }

  /// This directory, with a place of its own among its entries. openat(2) of "."
  public func reopenDirectory() throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName([UInt8(ascii: ".")], "open") { clinux_openat(number, $0, O_RDONLY | O_DIRECTORY, 0) })
  }

  /// Looks `path` up with this directory as root: `..` stops here, links lead to what they mean here, and no magic link
  /// of /proc is followed. The result can be looked at and named, not read. openat2(2), O_PATH
  ///
  /// - Parameters:
  ///   - following: whether a link as the last component is followed.
  ///   - directory: refuses everything but a directory.
  public func find(_ path: [UInt8], following: Bool, directory: Bool = false) throws(SystemError) -> Descriptor {
    try resolve(path, clinux_path_only | (following ? 0 : O_NOFOLLOW) | (directory ? O_DIRECTORY : 0))
  }

  /// Like ``find(_:following:directory:)``, links followed, and opens it for reading at once: without waiting for the
  /// other side of a pipe. openat2(2)
  ///
  /// - Parameter links: false: a path with a link anywhere in it fails with ELOOP.
  public func openForReading(_ path: [UInt8], links: Bool = true) throws(SystemError) -> Descriptor {
    let access: FileAccess = [.read, .withoutWaiting]
    return try resolve(path, access.flags, links: links)
  }

  /// Like ``find(_:following:directory:)``, but makes a regular file that was not there, and opens it; fails when
  /// something is there, be it a link to nowhere, or when there is a link on the way. openat2(2), O_EXCL
  public func makeFile(at path: [UInt8], _ access: FileAccess, mode: UInt32) throws(SystemError) -> Descriptor {
    try resolve(path, access.flags | O_CREAT | O_EXCL, mode: mode, links: false)
  }

  private func resolve(
    _ path: [UInt8], _ flags: Int32, mode: UInt32 = 0, links: Bool = true
  ) throws(SystemError) -> Descriptor {
    let number = rawValue
    let resolve = UInt64(
      CLINUX_RESOLVE_IN_ROOT | CLINUX_RESOLVE_NO_MAGICLINKS | (links ? 0 : CLINUX_RESOLVE_NO_SYMLINKS))
    var attempts = 0
    while true {
      do throws(SystemError) {
        return Descriptor(
          owning: try withName(path, "open") { (path) in clinux_openat2(number, path, flags, mode, resolve) })
      } catch {
        // The kernel says so when something was renamed while it stood at a "..".
        attempts += 1
        guard error.code == EAGAIN, attempts < 1000 else { throw error }
      }
    }
  }

  /// Opens this very file, found before, to use it. open(2) of /proc/self/fd
  public func reopen(_ access: FileAccess) throws(SystemError) -> Descriptor {
    let link = "/proc/self/fd/\(rawValue)"
    return Descriptor(owning: try check("open") { clinux_open(link, access.flags | O_CLOEXEC, 0) })
  }

  /// Makes a regular file `name` in this directory and opens it; fails when the name is taken. openat(2), O_EXCL
  public func makeFile(_ name: [UInt8], _ access: FileAccess, mode: UInt32) throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName(name, "open") { (name) in
        clinux_openat(number, name, access.flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
      })
  }
}

/// Changing the entries of a directory: `name` is one component, and no link is followed.
extension Descriptor {
  /// mkdirat(2)
  public func makeDirectory(_ name: [UInt8], mode: UInt32) throws(SystemError) {
    let number = rawValue
    try withName(name, "mkdir") { (name) in mkdirat(number, name, mode) }
  }

  /// unlinkat(2)
  public func removeFile(_ name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "unlink") { (name) in unlinkat(number, name, 0) }
  }

  /// unlinkat(2), AT_REMOVEDIR
  public func removeDirectory(_ name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "rmdir") { (name) in unlinkat(number, name, AT_REMOVEDIR) }
  }

  /// Renames an entry and replaces what had the name. renameat(2)
  public func rename(_ name: [UInt8], to directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "rename") { renameat(from, $0, to, $1) }
  }

  /// Renames an entry; fails when the name is taken. renameat2(2), RENAME_NOREPLACE
  public func renameToNew(_ name: [UInt8], in directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "rename") { clinux_rename_new(from, $0, to, $1) }
  }

  /// Gives a file a second name. linkat(2)
  public func link(_ name: [UInt8], in directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "link") { linkat(from, $0, to, $1, 0) }
  }

  /// Makes `name` a symbolic link with this text. symlinkat(2)
  public func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withTwoNames(target, name, "symlink") { symlinkat($0, number, $1) }
  }

  /// The text of the symbolic link that this descriptor was found as. readlinkat(2)
  public func linkTarget() throws(SystemError) -> [UInt8] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let number = rawValue
    let length = try check("readlink") { readlinkat(number, "", &buffer, buffer.count) }
    if length == buffer.count { throw SystemError("readlink", code: ENAMETOOLONG) }
    return buffer.prefix(length).map { UInt8(bitPattern: $0) }
  }

  private func withTwoNames(
    _ first: [UInt8], _ second: [UInt8], _ operation: String,
    _ body: ([CChar], [CChar]) -> Int32
  ) throws(SystemError) {
    if second.contains(0) { throw SystemError(operation, code: EINVAL) }
    let second = second.map { CChar(bitPattern: $0) } + [0]
    try withName(first, operation) { (first) in body(first, second) }
  }
}

/// Changing what a file is: also through a descriptor that was only found.
extension Descriptor {
  /// chmod(2) of /proc/self/fd, because fchmod(2) takes no descriptor that was only found.
  public func setPermissions(_ permissions: UInt32) throws(SystemError) {
    let link = "/proc/self/fd/\(rawValue)"
    try check("chmod") { chmod(link, permissions & 0o7777) }
  }

  /// fchownat(2), AT_EMPTY_PATH
  public func setOwner(_ owner: UInt32, group: UInt32) throws(SystemError) {
    let number = rawValue
    try check("chown") { clinux_chown_descriptor(number, owner, group) }
  }

  /// utimensat(2), AT_EMPTY_PATH
  public func setTimes(access: FileTime, modification: FileTime) throws(SystemError) {
    let number = rawValue
    try check("utimes") {
      clinux_set_times(
        number, access.seconds, access.nanoseconds, modification.seconds, modification.nanoseconds)
    }
  }

  /// truncate(2) of /proc/self/fd, because ftruncate(2) takes no descriptor that was only found.
  public func setSize(_ size: UInt64) throws(SystemError) {
    guard let size = off_t(exactly: size) else { throw SystemError("truncate", code: EINVAL) }
    let link = "/proc/self/fd/\(rawValue)"
    try check("truncate") { truncate(link, size) }
  }

  /// Changes the size of a file that is open for writing. ftruncate(2)
  public func setOpenSize(_ size: UInt64) throws(SystemError) {
    guard let size = off_t(exactly: size) else { throw SystemError("truncate", code: EINVAL) }
    let number = rawValue
    try check("truncate") { ftruncate(number, size) }
  }

  /// fsync(2)
  public func synchronize() throws(SystemError) {
    let number = rawValue
    try check("fsync") { fsync(number) }
  }
}
