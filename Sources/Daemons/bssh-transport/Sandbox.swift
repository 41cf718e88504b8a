import CSeccomp
import Glibc
import System

/// The sandbox of a transport, which may then only use its descriptors and memory.
struct Sandbox {
  /// Allowed system calls; any other kills the process. The reasons:
  ///
  /// - read, write, recvmsg, recvfrom: use of the descriptors that it was given.
  /// - sendmsg, sendto without MSG_FASTOPEN: the same. With that flag they would connect a socket that has failed, and
  ///   the sockets of forwarded connections belong to the user.
  /// - poll: libssh polls its socket, without blocking.
  /// - epoll_wait, epoll_ctl, epoll_create1: its own event loop.
  /// - ioctl with FIONREAD: the length of a message; no other ioctl.
  /// - fcntl with F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: libssh asks whether its socket blocks.
  /// - setsockopt with TCP_QUICKACK: a login does not wait for delayed acknowledgements.
  /// - close: channels end. shutdown: the connection ends, and the client still gets the reason.
  /// - getsockopt: libssh asks for the type of its socket.
  /// - brk, mmap, mremap, munmap, madvise, mprotect: memory, never executable.
  /// - futex: locks in libcrypto.
  /// - getrandom: keys. clock_gettime, gettimeofday: where the vDSO has no clock.
  /// - getpid: libcrypto detects a fork with it.
  /// - rt_sigreturn, exit, exit_group, restart_syscall: returning from signals, and exiting.
  static let allowed = [
    "read", "write", "recvmsg", "recvfrom", "poll", "epoll_wait", "epoll_pwait", "epoll_ctl",
    "epoll_create1", "close", "shutdown", "getsockopt", "brk", "mremap", "munmap", "madvise", "futex", "getrandom",
    "clock_gettime", "gettimeofday", "getpid", "rt_sigreturn", "exit", "exit_group", "restart_syscall",
  ]

  /// The compiled filter.
  private let filter: [UInt8]

  /// Gives up what a transport's zygote does not need, and prepares the filter for ``close()``.
  ///
  /// - Parameters:
  ///   - root: an empty directory to use as root; empty: none, because the process was not started as root.
  ///   - mayRecord: the process may be given files to write to; it still cannot open any.
  /// - Returns: the sandbox to close, and the protections that the kernel could not provide.
  /// - Throws: `SystemError` when a right cannot be given up, or the filter cannot be compiled.
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

  /// Gives up everything that a transport does not need. Call it before the process reads from the network.
  ///
  /// - Throws: `SystemError` with the errno of prctl(2), setrlimit(2) or seccomp(2).
  func close() throws(SystemError) {
    try Hardening.becomeUnobservable()
    try ResourceLimit.processes(0).apply()
    try Hardening.applySystemCallFilter(filter)
  }

  // Macros of libseccomp and Linux that Swift does not import.
  /// SCMP_ACT_KILL_PROCESS
  private static let killProcess: UInt32 = 0x8000_0000
  /// SCMP_ACT_ALLOW
  private static let allowCall: UInt32 = 0x7fff_0000
  /// F_DUPFD_CLOEXEC
  private static let duplicateDescriptor: Int32 = 1030
  /// FIONREAD
  private static let queuedBytes: UInt64 = 0x541B
  /// MSG_FASTOPEN
  static let fastOpen: Int32 = 0x2000_0000

  /// Compiles the filter, once in the zygote: libseccomp takes longer than everything else that a copy does before it
  /// serves.
  static func compiledFilter() throws(SystemError) -> [UInt8] {
    guard let filter = seccomp_init(killProcess) else { throw SystemError("seccomp", code: ENOMEM) }
    defer { seccomp_release(filter) }
    for name in allowed { try allow(filter, name) }
    for name in ["mmap", "mprotect"] {
      try allow(
        filter, name, scmp_arg_cmp(arg: 2, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(PROT_EXEC), datum_b: 0))
    }
    for (name, flags) in [("sendmsg", 2), ("sendto", 3)] as [(String, UInt32)] {
      try allow(
        filter, name, scmp_arg_cmp(arg: flags, op: SCMP_CMP_MASKED_EQ, datum_a: UInt64(fastOpen), datum_b: 0))
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
