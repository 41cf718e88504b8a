import CLinux
import Glibc

/// Files that are appended to by several processes.
extension Descriptor {
  /// Opens a regular file `name` in this directory to read it and to append to it, and makes it when there is none. A
  /// link is not followed, and nobody is waited for. openat(2)
  public func openToAppend(_ name: [UInt8], mode: UInt32) throws(SystemError) -> Descriptor {
    try openRegular(name, O_RDWR | O_APPEND | O_CREAT, mode)
  }

  /// Opens a regular file `name` in this directory for reading and writing, and makes it when there is none; as above.
  public func openToChange(_ name: [UInt8], mode: UInt32) throws(SystemError) -> Descriptor {
    try openRegular(name, O_RDWR | O_CREAT, mode)
  }

  /// Opens a regular file `name` in this directory for reading; as above.
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

  /// Has the file alone among those who ask for it like this, and waits while another has it. Whoever ends gives it back.
  /// flock(2)
  public func lock() throws(SystemError) {
    let number = rawValue
    try check("lock") { flock(number, LOCK_EX) }
  }

  /// Has the file alone, if nobody else does; true: it does now. flock(2)
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

  /// Gives back what ``lock()`` took.
  public func unlock() { _ = flock(rawValue, LOCK_UN) }

  /// The content, and what is needed to find it, is on the disk. fdatasync(2)
  public func synchronizeData() throws(SystemError) {
    let number = rawValue
    try check("fdatasync") { fdatasync(number) }
  }

  /// fchmod(2), of a file that is open and not only found.
  public func setOpenPermissions(_ permissions: UInt32) throws(SystemError) {
    let number = rawValue
    try check("chmod") { fchmod(number, permissions & 0o7777) }
  }
}
