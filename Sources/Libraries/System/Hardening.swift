import CLinux
import Glibc

/// A resource limit of a process. setrlimit(2)
public struct ResourceLimit: Sendable {
  let resource: Int32
  /// The limit in force.
  let soft: UInt64
  /// How far an unprivileged process may raise the soft limit.
  let hard: UInt64

  private init(resource: Int32, value: UInt64) { self.init(resource: resource, soft: value, hard: value) }

  private init(resource: Int32, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }

  /// Bytes of address space. RLIMIT_AS
  public static func addressSpace(_ bytes: UInt64) -> ResourceLimit { .init(resource: 9, value: bytes) }
  /// One more than the highest descriptor number. RLIMIT_NOFILE
  public static func openFiles(_ count: UInt64) -> ResourceLimit { .init(resource: 7, value: count) }
  /// Processes and threads of the user; 0 forbids starting any. RLIMIT_NPROC
  public static func processes(_ count: UInt64) -> ResourceLimit { .init(resource: 6, value: count) }
  /// Bytes of a core file; 0 forbids core files. RLIMIT_CORE
  public static func coreFile(_ bytes: UInt64) -> ResourceLimit { .init(resource: 4, value: bytes) }
  /// Bytes of a file that is written; 0 forbids writing to files. RLIMIT_FSIZE
  public static func fileSize(_ bytes: UInt64) -> ResourceLimit { .init(resource: 1, value: bytes) }

  /// The limit of a child: `count`, or the hard limit if that is lower. An unprivileged process cannot raise it.
  public func lowered(to count: UInt64) -> ResourceLimit { .init(resource: resource, value: min(hard, count)) }

  /// Sets the limit for this process. setrlimit(2)
  ///
  /// - Throws: `SystemError` with EPERM when this would raise the hard limit.
  public func apply() throws(SystemError) {
    var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
    try check("setrlimit") { setrlimit(__rlimit_resource_t(UInt32(resource)), &limit) }
  }

  /// The limit of descriptors of this process; 0 when it cannot be read. getrlimit(2), RLIMIT_NOFILE
  public static var openFilesNow: UInt64 {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(7), &limit) == 0 ? UInt64(limit.rlim_cur) : 0
  }

  /// Lowers the limit of processes of the user to `count`, for this process and its children; never raises it.
  /// RLIMIT_NPROC
  ///
  /// - Throws: `SystemError` with the errno of getrlimit(2) or setrlimit(2).
  public static func lowerProcesses(to count: UInt64) throws(SystemError) {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(6), &limit) }
    try ResourceLimit(resource: 6, soft: min(UInt64(limit.rlim_cur), count), hard: min(UInt64(limit.rlim_max), count))
      .apply()
  }

  /// Disables core files of this process. RLIMIT_CORE
  ///
  /// - Returns: the previous limit, to restore it in children.
  /// - Throws: `SystemError` with the errno of getrlimit(2) or setrlimit(2).
  public static func forbidCores() throws(SystemError) -> ResourceLimit {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(4), &limit) }
    let before = ResourceLimit(resource: 4, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    try ResourceLimit(resource: 4, soft: 0, hard: before.hard).apply()
    return before
  }

  /// Raises the soft limit of descriptors to the hard limit. RLIMIT_NOFILE
  ///
  /// - Returns: the previous limit, to restore it in children.
  /// - Throws: `SystemError` with the errno of getrlimit(2) or setrlimit(2).
  public static func raiseOpenFiles() throws(SystemError) -> ResourceLimit {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(7), &limit) }
    let before = ResourceLimit(resource: 7, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    try ResourceLimit(resource: 7, soft: before.hard, hard: before.hard).apply()
    return before
  }
}

/// Ways for a process to give up rights for good.
public enum Hardening {
  /// Forbids other processes of the same user to inspect this one, and core files of it and its children. prctl(2),
  /// PR_SET_DUMPABLE
  ///
  /// - Throws: `SystemError` with the errno of prctl(2) or setrlimit(2).
  public static func becomeUnobservable() throws(SystemError) {
    try forbidInspection()
    try ResourceLimit.coreFile(0).apply()
  }

  /// Forbids other processes of the same user to inspect this one, and core files of it; an execve(2) ends that.
  /// prctl(2), PR_SET_DUMPABLE
  ///
  /// - Throws: `SystemError` with the errno of prctl(2).
  public static func forbidInspection() throws(SystemError) {
    try check("PR_SET_DUMPABLE") { clinux_prctl(PR_SET_DUMPABLE, 0) }
  }

  /// Makes sure that nothing this process or its children execute gains privileges. prctl(2), PR_SET_NO_NEW_PRIVS
  ///
  /// - Throws: `SystemError` with the errno of prctl(2).
  public static func gainNoPrivileges() throws(SystemError) {
    try check("PR_SET_NO_NEW_PRIVS") { clinux_prctl(PR_SET_NO_NEW_PRIVS, 1) }
  }

  /// Interprets the result of a Landlock call. False where the kernel has no Landlock, and where a container's seccomp
  /// filter forbids it: only the administrator can cause that, never a client.
  private static func holds(_ result: Int32) throws(SystemError) -> Bool {
    if result == 0 { return true }
    if errno == ENOSYS || errno == EOPNOTSUPP { return false }
    let failure = SystemError.last("Landlock")
    if isLandlockForbidden { return false }
    throw failure
  }

  /// True when even asking for the version of Landlock, which needs no privilege, is forbidden.
  private static var isLandlockForbidden: Bool { clinux_landlock_version() < 0 && (errno == EPERM || errno == EACCES) }

  /// Why a Landlock function here returned false, and how to change that; for people.
  public static var missingLandlock: String {
    isLandlockForbidden
      ? "a filter of system calls, as containers have, forbids Landlock; it should allow landlock_create_ruleset, "
        + "landlock_add_rule and landlock_restrict_self"
      : "the kernel has no Landlock"
  }

  /// Forbids every access to files by path. Landlock; needs no_new_privs.
  ///
  /// - Returns: false where Landlock is not available; ``missingLandlock`` tells the reason.
  /// - Throws: `SystemError` with the errno of the Landlock call that failed.
  public static func forbidFiles() throws(SystemError) -> Bool {
    try holds(clinux_landlock_no_files())
  }

  /// Forbids executing files, changing files outside `root`, and reading files outside `root` and the other
  /// directories. Landlock; needs no_new_privs.
  ///
  /// - Parameters:
  ///   - root: nil allows reading every file, and changing none.
  ///   - mayChange: whether files below the root may be changed.
  ///   - opened: more directories whose files may be read.
  ///   - readable: the same by path; missing ones are skipped.
  /// - Returns: false where Landlock, in its second version, is not available; ``missingLandlock`` tells the reason.
  /// - Throws: `SystemError` with the errno of the Landlock call that failed.
  public static func confineFiles(
    to root: Descriptor?, mayChange: Bool, opened: [Descriptor] = [], readable: [String]
  ) throws(SystemError) -> Bool {
    let directories = opened + readable.compactMap { try? Descriptor.findDirectory($0) }
    let numbers = directories.map(\.rawValue)
    let result = withExtendedLifetime(directories) {
      clinux_landlock_files(root?.rawValue ?? -1, mayChange ? 1 : 0, numbers, numbers.count)
    }
    return try holds(result)
  }

  /// Makes calls fail with EPERM that start programs or processes, signal, slow down or inspect other processes, or
  /// create sockets. seccomp(2); needs no_new_privs.
  ///
  /// - Throws: `SystemError` with the errno of seccomp(2).
  public static func forbidProgramsAndSockets() throws(SystemError) {
    try check("load the seccomp filter") { clinux_forbid_programs_and_sockets() }
  }

  /// Forbids executing files, and changing any except for creating files in `directories` and writing to files below
  /// them. Landlock and seccomp(2); needs no_new_privs.
  ///
  /// Without Landlock, files can be created anywhere; still no existing file can be opened for writing or changed by
  /// its name.
  ///
  /// - Returns: false where Landlock is not available; ``missingLandlock`` tells the reason.
  /// - Throws: `SystemError` with the errno of seccomp(2) or of the Landlock call that failed.
  public static func allowOnlyAdditions(to directories: [Descriptor]) throws(SystemError) -> Bool {
    try check("load the seccomp filter") { clinux_open_only_new_files() }
    let places = directories.map(\.rawValue)
    let result = withExtendedLifetime(directories) { clinux_landlock_additions(places, places.count) }
    return try holds(result)
  }

  /// Makes calls fail with EPERM that start programs or processes, signal, slow down or inspect other processes, or
  /// accept connections. Starting threads and connecting stay allowed. seccomp(2); needs no_new_privs.
  ///
  /// - Throws: `SystemError` with the errno of seccomp(2).
  public static func forbidProgramsAndListening() throws(SystemError) {
    try check("load the seccomp filter") { clinux_forbid_programs_and_listening() }
  }

  /// Makes `directory` the root of this process, and drops all capabilities. chroot(2)
  ///
  /// - Throws: `SystemError` with EPERM without CAP_SYS_CHROOT; otherwise with the errno of chroot(2), chdir(2) or
  ///   capset(2).
  public static func enterRoot(_ directory: String) throws(SystemError) {
    try check("chroot \(directory)") { chroot(directory) }
    try check("chdir") { chdir("/") }
    try check("drop capabilities") { clinux_drop_capabilities() }
  }

  /// True when the effective user is root.
  public static var isRoot: Bool { geteuid() == 0 }

  /// Applies a compiled seccomp filter: instructions of 8 bytes each, `struct sock_filter`. seccomp(2); needs
  /// no_new_privs.
  ///
  /// - Throws: `SystemError` with EINVAL for a filter that the kernel does not accept; otherwise with the errno of
  ///   seccomp(2).
  public static func applySystemCallFilter(_ filter: [UInt8]) throws(SystemError) {
    try check("load the seccomp filter") { clinux_apply_filter(filter, filter.count / 8) }
  }
}
