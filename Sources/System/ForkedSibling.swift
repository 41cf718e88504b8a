import CLinux
import Glibc

/// A process that copied itself, for its own parent to have another child like it.
///
/// A copy shares the memory of the original until one of them writes: it costs a fraction of what starting an
/// executable does. Only for processes with one thread.
public enum ForkedSibling {
  /// This is the original: the copy's number, and a descriptor that is readable when the copy has ended.
  case original(pid: pid_t, descriptor: Descriptor)
  /// This is the copy.
  case copy

  /// Copies this process. clone(2) with CLONE_PARENT
  public static func fork() throws(SystemError) -> ForkedSibling {
    var descriptor: Int32 = -1
    let pid = clinux_fork_sibling(&descriptor)
    if pid < 0 { throw .last("clone") }
    return pid == 0 ? .copy : .original(pid: pid, descriptor: Descriptor(owning: descriptor))
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
