import CLinux
import Glibc

/// Files that several processes append to.
extension Descriptor {
  /// Opens a regular file in this directory for reading and appending, and creates it if necessary. Follows no symbolic
  /// link and does not block. openat(2)
  ///
  /// - Throws: `SystemError` with EINVAL when it is not a regular file or the name has a zero byte; ELOOP for a
  ///   symbolic link; otherwise with the errno of openat(2).
  public func openToAppend(_ name: [UInt8], mode: UInt32) throws(SystemError) -> Descriptor {
    try openRegular(name, O_RDWR | O_APPEND | O_CREAT, mode)
  }

  /// Opens a regular file in this directory for reading and writing, and creates it if necessary. Follows no symbolic
  /// link and does not block. openat(2)
  ///
  /// - Throws: `SystemError` as ``openToAppend(_:mode:)`` does.
  public func openToChange(_ name: [UInt8], mode: UInt32) throws(SystemError) -> Descriptor {
    try openRegular(name, O_RDWR | O_CREAT, mode)
  }

  /// Opens a regular file in this directory for reading. Follows no symbolic link and does not block. openat(2)
  ///
  /// - Throws: `SystemError` as ``openToAppend(_:mode:)`` does; ENOENT when there is none.
  public func openToRead(_ name: [UInt8]) throws(SystemError) -> Descriptor { try openRegular(name, O_RDONLY, 0) }

  private func openRegular(_ name: [UInt8], _ flags: Int32, _ mode: UInt32) throws(SystemError) -> Descriptor {
    let number = rawValue
    let what = "open " + String(decoding: name, as: UTF8.self)
    let file = Descriptor(
      owning: try withName(name, what) { (name) in
        clinux_openat(number, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode)
      })
    guard try file.attributes().kind == .regular else { throw SystemError(what, code: EINVAL) }
    return file
  }

  /// Takes the exclusive advisory lock of this open file, and waits while another process has it. The lock ends with
  /// ``unlock()`` or when all descriptors of this open file are closed. flock(2)
  ///
  /// - Throws: `SystemError` with the errno of flock(2).
  public func lock() throws(SystemError) {
    let number = rawValue
    try check("lock") { flock(number, LOCK_EX) }
  }

  /// Takes the exclusive advisory lock without waiting; false when somebody else has it. flock(2)
  ///
  /// - Throws: `SystemError` with the errno of flock(2), except EWOULDBLOCK.
  public func tryLock() throws(SystemError) -> Bool {
    let number = rawValue
    do throws(SystemError) {
      try check("lock") { flock(number, LOCK_EX | LOCK_NB) }
      return true
    } catch {
      if error.code == EWOULDBLOCK { return false }
      throw error
    }
  }

  /// Releases the lock of ``lock()`` or ``tryLock()``. flock(2), LOCK_UN
  public func unlock() { _ = flock(rawValue, LOCK_UN) }

  /// Writes the content, and the metadata needed to read it, to the disk. fdatasync(2)
  ///
  /// - Throws: `SystemError` with the errno of fdatasync(2).
  public func synchronizeData() throws(SystemError) {
    let number = rawValue
    try check("fdatasync") { fdatasync(number) }
  }

  /// Sets the permission bits of a file that is open for access, not with O_PATH. fchmod(2)
  ///
  /// - Throws: `SystemError` with the errno of fchmod(2).
  public func setOpenPermissions(_ permissions: UInt32) throws(SystemError) {
    let number = rawValue
    try check("chmod") { fchmod(number, permissions & 0o7777) }
  }
}
