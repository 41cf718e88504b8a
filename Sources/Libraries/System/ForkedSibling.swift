import CLinux
import Glibc

/// Copies a process so that its parent gets another child like it.
///
/// The copy shares memory with the original until one of them writes, so it costs a fraction of starting an executable.
/// For processes with one thread only.
public enum ForkedSibling {
  /// This process is the original; `pid` is the id of the copy.
  case original(pid: pid_t)
  /// This process is the copy.
  case copy

  /// Copies this process; the copy is a child of this process's parent. clone3(2), CLONE_PARENT
  ///
  /// - Throws: `SystemError` with the errno of clone3(2): EAGAIN when the limit of processes is reached, for instance.
  public static func fork() throws(SystemError) -> ForkedSibling {
    let pid = clinux_fork_sibling()
    if pid < 0 { throw .last("clone") }
    return pid == 0 ? .copy : .original(pid: pid)
  }
}

extension Identity {
  /// Gives this process, which must have one thread, this identity, and drops all capabilities unless the new user is
  /// root. setgroups(2), setresgid(2), setresuid(2)
  ///
  /// - Throws: `SystemError` with EPERM when the change is not allowed, or not complete and final; EINVAL for an id of
  ///   4294967295. The identity is undefined then: end the process.
  public func assume() throws(SystemError) {
    try check("become uid \(uid)") { clinux_become(uid, gid, groups, groups.count) }
    // Inheritable capabilities survive a change of identity. Root keeps those it was given.
    if uid != 0 { try check("drop capabilities") { clinux_drop_capabilities() } }
  }
}
