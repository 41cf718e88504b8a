import CSeccomp
import Glibc
import System

/// What a transport may still do once it is in its sandbox: talk on descriptors that it has, and use memory.
struct Sandbox {
  /// System calls that stay allowed; any other kills the process. Each with the reason it is there.
  ///
  /// - read, write, recvmsg, sendmsg, recvfrom, sendto: descriptors that it was given.
  /// - poll: libssh waits for its socket with it, without ever blocking.
  /// - epoll_wait, epoll_ctl, epoll_create1: its own event loop.
  /// - ioctl with FIONREAD: how long a message is; no other ioctl.
  /// - fcntl with F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: libssh asks whether its socket blocks.
  /// - setsockopt with TCP_QUICKACK: a login does not wait for delayed acknowledgements.
  /// - close: channels end. shutdown: the connection does, and the client still hears why.
  /// - getsockopt: libssh asks what its socket is.
  /// - brk, mmap, mremap, munmap, madvise, mprotect: memory, never executable.
  /// - futex: locks inside libcrypto.
  /// - getrandom: keys. clock_gettime, gettimeofday: where the vDSO has no clock.
  /// - getpid: libcrypto notices a fork by it.
  /// - rt_sigreturn, exit, exit_group, restart_syscall: to end, and to go on.
  static let allowed = [
    "read", "write", "recvmsg", "sendmsg", "recvfrom", "sendto", "poll", "epoll_wait", "epoll_pwait", "epoll_ctl",
    "epoll_create1", "close", "shutdown", "getsockopt", "brk", "mremap", "munmap", "madvise", "futex", "getrandom",
    "clock_gettime", "gettimeofday", "getpid", "rt_sigreturn", "exit", "exit_group", "restart_syscall",
  ]

  /// The compiled filter.
  private let filter: [UInt8]

  /// Gives up what a transport's zygote does not need, and prepares the rest.
  ///
  /// - Parameters:
  ///   - root: an empty directory to take as root; empty: none, the process was not started as root.
  ///   - mayRecord: it may get files to write to; it can still open none.
  /// - Returns: how to close the sandbox, and what the kernel could not do.
  static func enter(root: String, mayRecord: Bool) throws(SystemError) -> (Sandbox, weaknesses: [String]) {
    var weaknesses: [String] = []
    try Hardening.becomeUnobservable()
    let sandbox = Sandbox(filter: try compiledFilter())
    if !root.isEmpty { try Hardening.enterRoot(root) }
    try Hardening.gainNoPrivileges()
    if try !Hardening.forbidFiles() { weaknesses.append(Hardening.missingLandlock) }
    if !mayRecord { try ResourceLimit.fileSize(0).apply() }
    return (sandbox, weaknesses)
  }

  /// Gives up everything that a transport does not need. From now on it can meet the network.
  func close() throws(SystemError) {
    try Hardening.becomeUnobservable()
    try ResourceLimit.processes(0).apply()
    try Hardening.applySystemCallFilter(filter)
  }

  // libseccomp and Linux have these as macros that Swift does not import.
  /// SCMP_ACT_KILL_PROCESS
  private static let killProcess: UInt32 = 0x8000_0000
  /// SCMP_ACT_ALLOW
  private static let allowCall: UInt32 = 0x7fff_0000
  /// F_DUPFD_CLOEXEC
  private static let duplicateDescriptor: Int32 = 1030
  /// FIONREAD
  private static let queuedBytes: UInt64 = 0x541B

  /// Compiled once: libseccomp takes longer than all else that a copy does before it serves.
  private static func compiledFilter() throws(SystemError) -> [UInt8] {
    guard let filter = seccomp_init(killProcess) else { throw SystemError("seccomp", code: ENOMEM) }
    defer { seccomp_release(filter) }
    for name in allowed { try allow(filter, name) }
    for name in ["mmap", "mprotect"] {
      try allow(
        filter, name, scmp_arg_cmp(arg: 2, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(PROT_EXEC), datum_b: 0))
    }
    for command in [F_GETFL, F_SETFL, duplicateDescriptor] {
      try allow(filter, "fcntl", scmp_arg_cmp(arg: 1, op: SCMP_CMP_EQ, datum_a: UInt64(command), datum_b: 0))
    }
    try allow(
      filter, "setsockopt", scmp_arg_cmp(arg: 1, op: SCMP_CMP_EQ, datum_a: UInt64(IPPROTO_TCP), datum_b: 0),
      scmp_arg_cmp(arg: 2, op: SCMP_CMP_EQ, datum_a: UInt64(TCP_QUICKACK), datum_b: 0))
    try allow(filter, "ioctl", scmp_arg_cmp(arg: 1, op: SCMP_CMP_EQ, datum_a: queuedBytes, datum_b: 0))
    let file = try Descriptor.memory(name: "seccomp")
    let result = seccomp_export_bpf(filter, file.rawValue)
    if result != 0 { throw SystemError("compile the seccomp filter", code: -result) }
    return try file.read(count: 1 << 16, at: 0)
  }

  private static func allow(_ filter: scmp_filter_ctx, _ name: String, _ arguments: scmp_arg_cmp...) throws(SystemError)
  {
    let number = seccomp_syscall_resolve_name(name)
    // A call that this architecture does not have needs no rule.
    if number < 0 { return }
    let result = seccomp_rule_add_array(filter, allowCall, number, UInt32(arguments.count), arguments)
    if result != 0 { throw SystemError("allow \(name)", code: -result) }
  }
}
