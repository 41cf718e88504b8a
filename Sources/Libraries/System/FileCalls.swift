import CLinux
import Glibc

/// How to open a file. open(2)
public struct FileAccess: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// For reading. O_RDONLY, or O_RDWR together with `write`
  public static let read = FileAccess(rawValue: 1)
  /// For writing. O_WRONLY, or O_RDWR together with `read`
  public static let write = FileAccess(rawValue: 2)
  /// Every write appends. O_APPEND
  public static let append = FileAccess(rawValue: 4)
  /// The content is discarded. O_TRUNC
  public static let truncate = FileAccess(rawValue: 8)
  /// open(2) does not wait for the other end of a FIFO or for a device, and later calls do not block. O_NONBLOCK
  public static let withoutWaiting = FileAccess(rawValue: 16)

  /// The flags for open(2).
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

/// Finding and opening files, also below a directory that serves as root.
extension Descriptor {
  /// Opens a directory only to look up entries in it. O_PATH
  ///
  /// - Throws: `SystemError` with the errno of open(2); ENOTDIR when it is no directory.
  public static func findDirectory(_ path: String) throws(SystemError) -> Descriptor {
    Descriptor(
      owning: try check("open \(path)") { clinux_open(path, clinux_path_only | O_DIRECTORY | O_CLOEXEC, 0) })
  }

  /// Opens a directory that can be listed. open(2)
  ///
  /// - Throws: `SystemError` with the errno of open(2); ENOTDIR when it is no directory.
  public static func openDirectory(_ path: String) throws(SystemError) -> Descriptor {
    try open(path, O_RDONLY | O_DIRECTORY)
  }

  /// Opens a directory below this one that can be listed; a symbolic link is not followed. openat(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of openat(2), ENOTDIR or
  ///   ELOOP for a symbolic link.
  public func openDirectory(_ name: [UInt8]) throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName(name, "open \(String(decoding: name, as: UTF8.self))") {
        clinux_openat(number, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
      })
  }

  /// Opens this directory again, with a read offset of its own. openat(2) of `.`
  ///
  /// - Throws: `SystemError` with the errno of openat(2).
  public func reopenDirectory() throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName([UInt8(ascii: ".")], "open") { clinux_openat(number, $0, O_RDONLY | O_DIRECTORY, 0) })
  }

  /// Resolves `path` with this directory as root: `..` does not lead out of it, absolute symbolic links start in it,
  /// and magic links of /proc are not followed. The result serves to inspect and to reference the file, not to read it.
  /// openat2(2), O_PATH
  ///
  /// - Parameters:
  ///   - following: whether a symbolic link as the last component is followed.
  ///   - directory: whether anything but a directory is refused.
  /// - Throws: `SystemError` with ENOTDIR when a directory is required; EINVAL for a path with a zero byte; otherwise
  ///   with the errno of openat2(2).
  public func find(_ path: [UInt8], following: Bool, directory: Bool = false) throws(SystemError) -> Descriptor {
    try resolve(path, clinux_path_only | (following ? 0 : O_NOFOLLOW) | (directory ? O_DIRECTORY : 0))
  }

  /// Resolves `path` like ``find(_:following:directory:)``, following symbolic links, and opens it for reading; does
  /// not wait for the writer of a FIFO. openat2(2)
  ///
  /// - Parameter links: false refuses a path that contains a symbolic link anywhere.
  /// - Throws: `SystemError` with ELOOP when `links` is false and there is one; EINVAL for a path with a zero byte;
  ///   otherwise with the errno of openat2(2).
  public func openForReading(_ path: [UInt8], links: Bool = true) throws(SystemError) -> Descriptor {
    let access: FileAccess = [.read, .withoutWaiting]
    return try resolve(path, access.flags, links: links)
  }

  /// Resolves `path` like ``find(_:following:directory:)``, but without any symbolic link, and creates and opens a
  /// regular file there. openat2(2), O_EXCL
  ///
  /// - Throws: `SystemError` with EEXIST when something exists there, even a dangling symbolic link; ELOOP when a
  ///   symbolic link is on the way; EINVAL for a path with a zero byte; otherwise with the errno of openat2(2).
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
        // The kernel fails with EAGAIN when something was renamed while it resolved a "..".
        attempts += 1
        guard error.code == EAGAIN, attempts < 1000 else { throw error }
      }
    }
  }

  /// Opens this file, found with O_PATH, for access. open(2) of /proc/self/fd
  ///
  /// - Throws: `SystemError` with the errno of open(2).
  public func reopen(_ access: FileAccess) throws(SystemError) -> Descriptor {
    let link = "/proc/self/fd/\(rawValue)"
    return Descriptor(owning: try check("open") { clinux_open(link, access.flags | O_CLOEXEC, 0) })
  }

  /// Creates and opens a regular file in this directory; `name` is one component. openat(2), O_EXCL
  ///
  /// - Throws: `SystemError` with EEXIST when the name is taken; EINVAL for a name with a zero byte; otherwise with the
  ///   errno of openat(2).
  public func makeFile(_ name: [UInt8], _ access: FileAccess, mode: UInt32) throws(SystemError) -> Descriptor {
    let number = rawValue
    return Descriptor(
      owning: try withName(name, "open") { (name) in
        clinux_openat(number, name, access.flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
      })
  }
}

/// Changing the entries of a directory. A name is one component, and symbolic links are not followed.
extension Descriptor {
  /// Creates a directory. mkdirat(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of mkdirat(2).
  public func makeDirectory(_ name: [UInt8], mode: UInt32) throws(SystemError) {
    let number = rawValue
    try withName(name, "mkdir") { (name) in mkdirat(number, name, mode) }
  }

  /// Removes an entry that is not a directory. unlinkat(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of unlinkat(2).
  public func removeFile(_ name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "unlink") { (name) in unlinkat(number, name, 0) }
  }

  /// Removes an empty directory. unlinkat(2), AT_REMOVEDIR
  ///
  /// - Throws: `SystemError` with ENOTEMPTY when it has entries; EINVAL for a name with a zero byte; otherwise with the
  ///   errno of unlinkat(2).
  public func removeDirectory(_ name: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withName(name, "rmdir") { (name) in unlinkat(number, name, AT_REMOVEDIR) }
  }

  /// Renames an entry, replacing what has the new name. renameat(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a name with a zero byte; otherwise with the errno of renameat(2).
  public func rename(_ name: [UInt8], to directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "rename") { renameat(from, $0, to, $1) }
  }

  /// Renames an entry and replaces nothing. renameat2(2), RENAME_NOREPLACE
  ///
  /// - Throws: `SystemError` with EEXIST when the new name is taken; EINVAL for a name with a zero byte or a file
  ///   system that cannot do this; otherwise with the errno of renameat2(2).
  public func renameToNew(_ name: [UInt8], in directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "rename") { clinux_rename_new(from, $0, to, $1) }
  }

  /// Creates a hard link. linkat(2)
  ///
  /// - Throws: `SystemError` with EEXIST when the new name is taken; EINVAL for a name with a zero byte; otherwise with
  ///   the errno of linkat(2).
  public func link(_ name: [UInt8], in directory: Descriptor, _ newName: [UInt8]) throws(SystemError) {
    let (from, to) = (rawValue, directory.rawValue)
    try withTwoNames(name, newName, "link") { linkat(from, $0, to, $1, 0) }
  }

  /// Creates a symbolic link `name` with the text `target`. symlinkat(2)
  ///
  /// - Throws: `SystemError` with EEXIST when the name is taken; EINVAL for a zero byte in one of them; otherwise with
  ///   the errno of symlinkat(2).
  public func makeSymbolicLink(_ name: [UInt8], to target: [UInt8]) throws(SystemError) {
    let number = rawValue
    try withTwoNames(target, name, "symlink") { symlinkat($0, number, $1) }
  }

  /// The text of this symbolic link, which was opened with O_PATH. readlinkat(2)
  ///
  /// - Throws: `SystemError` with ENAMETOOLONG when the text is longer than PATH_MAX; otherwise with the errno of
  ///   readlinkat(2).
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

/// Changing the attributes of a file, also through an O_PATH descriptor.
extension Descriptor {
  /// Sets the permission bits. chmod(2) of /proc/self/fd, because fchmod(2) does not accept O_PATH descriptors.
  ///
  /// - Throws: `SystemError` with the errno of chmod(2).
  public func setPermissions(_ permissions: UInt32) throws(SystemError) {
    let link = "/proc/self/fd/\(rawValue)"
    try check("chmod") { chmod(link, permissions & 0o7777) }
  }

  /// Sets owner and group. fchownat(2), AT_EMPTY_PATH
  ///
  /// - Throws: `SystemError` with the errno of fchownat(2).
  public func setOwner(_ owner: UInt32, group: UInt32) throws(SystemError) {
    let number = rawValue
    try check("chown") { clinux_chown_descriptor(number, owner, group) }
  }

  /// Sets the times of access and modification. utimensat(2), AT_EMPTY_PATH
  ///
  /// - Throws: `SystemError` with the errno of utimensat(2).
  public func setTimes(access: FileTime, modification: FileTime) throws(SystemError) {
    let number = rawValue
    try check("utimes") {
      clinux_set_times(
        number, access.seconds, access.nanoseconds, modification.seconds, modification.nanoseconds)
    }
  }

  /// Sets the size. truncate(2) of /proc/self/fd, because ftruncate(2) does not accept O_PATH descriptors.
  ///
  /// - Throws: `SystemError` with EINVAL for a size above `Int64.max`; otherwise with the errno of truncate(2).
  public func setSize(_ size: UInt64) throws(SystemError) {
    guard let size = off_t(exactly: size) else { throw SystemError("truncate", code: EINVAL) }
    let link = "/proc/self/fd/\(rawValue)"
    try check("truncate") { truncate(link, size) }
  }

  /// Sets the size of a file that is open for writing. ftruncate(2)
  ///
  /// - Throws: `SystemError` with EINVAL for a size above `Int64.max`; otherwise with the errno of ftruncate(2).
  public func setOpenSize(_ size: UInt64) throws(SystemError) {
    guard let size = off_t(exactly: size) else { throw SystemError("truncate", code: EINVAL) }
    let number = rawValue
    try check("truncate") { ftruncate(number, size) }
  }

  /// Writes content and attributes to the disk. fsync(2)
  ///
  /// - Throws: `SystemError` with the errno of fsync(2).
  public func synchronize() throws(SystemError) {
    let number = rawValue
    try check("fsync") { fsync(number) }
  }
}
