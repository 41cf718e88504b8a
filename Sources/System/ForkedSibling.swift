import CLinux
import Glibc

/// A process that copied itself, for its own parent to have another child like it.
///
/// A copy shares the memory of the original until one of them writes: it costs a fraction of what starting an
/// executable does. Only for processes with one thread.
public enum ForkedSibling {
  /// This is the original: the copy's number.
  case original(pid: pid_t)
  /// This is the copy.
  case copy

  /// Copies this process. clone(2) with CLONE_PARENT
  public static func fork() throws(SystemError) -> ForkedSibling {
    let pid = clinux_fork_sibling()
    if pid < 0 { throw .last("clone") }
    return pid == 0 ? .copy : .original(pid: pid)
  }
}

extension Identity {
  /// Makes this process, which has one thread, this identity, without capabilities unless it is root.
  public func assume() throws(SystemError) {
    try check("become uid \(uid)") { clinux_become(uid, gid, groups, groups.count) }
    // Inheritable capabilities outlive a change of identity. Root keeps what it was given.
    if uid != 0 { try check("drop capabilities") { clinux_drop_capabilities() } }
  }
}
