import CLinux
import Glibc

/// A limit on what a process may use. setrlimit(2)
public struct ResourceLimit: Sendable {
  let resource: Int32
  /// What counts now, and how far the process may raise it.
  let soft: UInt64
  let hard: UInt64

  private init(resource: Int32, value: UInt64) { self.init(resource: resource, soft: value, hard: value) }

  private init(resource: Int32, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }

  /// Bytes of memory.
  public static func addressSpace(_ bytes: UInt64) -> ResourceLimit { .init(resource: 9, value: bytes) }
  /// One more than the highest descriptor number.
  public static func openFiles(_ count: UInt64) -> ResourceLimit { .init(resource: 7, value: count) }
  /// Processes of this user; 0 forbids to start any.
  public static func processes(_ count: UInt64) -> ResourceLimit { .init(resource: 6, value: count) }
  /// Bytes of a core file; 0 for none.
  public static func coreFile(_ bytes: UInt64) -> ResourceLimit { .init(resource: 4, value: bytes) }
  /// Bytes of a file that is written; 0 forbids to write files.
  public static func fileSize(_ bytes: UInt64) -> ResourceLimit { .init(resource: 1, value: bytes) }

  /// Puts this process under the limit.
  public func apply() throws(SystemError) {
    var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
    try check("setrlimit") { setrlimit(__rlimit_resource_t(UInt32(resource)), &limit) }
  }

  /// Descriptors that this process may have. RLIMIT_NOFILE
  public static var openFilesNow: UInt64 {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(7), &limit) == 0 ? UInt64(limit.rlim_cur) : 0
  }

  /// Lets this process and its children have no more processes of their user than `count`, or than before. RLIMIT_NPROC
  public static func lowerProcesses(to count: UInt64) throws(SystemError) {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(6), &limit) }
    try ResourceLimit(resource: 6, soft: min(UInt64(limit.rlim_cur), count), hard: min(UInt64(limit.rlim_max), count))
      .apply()
  }

  /// Leaves no core file of this process, and returns the limit that held before, for its children.
  public static func forbidCores() throws(SystemError) -> ResourceLimit {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(4), &limit) }
    let before = ResourceLimit(resource: 4, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    try ResourceLimit(resource: 4, soft: 0, hard: before.hard).apply()
    return before
  }

  /// Lets this process have as many descriptors as it may, and returns the limit that held before, for its children.
  public static func raiseOpenFiles() throws(SystemError) -> ResourceLimit {
    var limit = rlimit()
    try check("getrlimit") { getrlimit(__rlimit_resource_t(7), &limit) }
    let before = ResourceLimit(resource: 7, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    try ResourceLimit(resource: 7, soft: before.hard, hard: before.hard).apply()
    return before
  }
}

/// Rights that a process gives up.
public enum Hardening {
  /// No other process of the same user may look into this one, and it leaves no core file; nor do its children.
  public static func becomeUnobservable() throws(SystemError) {
    try forbidInspection()
    try ResourceLimit.coreFile(0).apply()
  }

  /// No other process of the same user may look into this one, and it leaves no core file. What it executes may.
  public static func forbidInspection() throws(SystemError) {
    try check("PR_SET_DUMPABLE") { clinux_prctl(PR_SET_DUMPABLE, 0) }
  }

  /// Nothing that this process or its children execute can gain rights.
  public static func gainNoPrivileges() throws(SystemError) {
    try check("PR_SET_NO_NEW_PRIVS") { clinux_prctl(PR_SET_NO_NEW_PRIVS, 1) }
  }

  /// What a result of a Landlock call means. False where the kernel has none, and where a container's filter of system
  /// calls forbids it: whoever set that up has decided it, and no client can.
  private static func holds(_ result: Int32) throws(SystemError) -> Bool {
    if result == 0 { return true }
    if errno == ENOSYS || errno == EOPNOTSUPP { return false }
    let failure = SystemError.last("Landlock")
    if isLandlockForbidden { return false }
    throw failure
  }

  /// True when not even the version of Landlock may be asked for, which needs no rights.
  private static var isLandlockForbidden: Bool { clinux_landlock_version() < 0 && (errno == EPERM || errno == EACCES) }

  /// Why Landlock does not hold where it returned false, and what changes that; for people.
  public static var missingLandlock: String {
    isLandlockForbidden
      ? "a filter of system calls, as containers have, forbids Landlock; it should allow landlock_create_ruleset, "
        + "landlock_add_rule and landlock_restrict_self"
      : "the kernel has no Landlock"
  }

  /// Forbids every access to files by path (Landlock). False where it cannot be had: ``missingLandlock`` says why.
  public static func forbidFiles() throws(SystemError) -> Bool {
    try holds(clinux_landlock_no_files())
  }

  /// Forbids to execute anything, to change files but below `root`, and to read others (Landlock). False where it
  /// cannot be had.
  ///
  /// - Parameters:
  ///   - root: nil: every file can be read, and none changed.
  ///   - mayChange: whether files below the root can be changed.
  ///   - opened: more directories whose files can be read.
  ///   - readable: such directories by their paths; those that are not there are left out.
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

  /// Forbids to start programs and processes, to signal, slow down and look into others, and to make sockets; such calls
  /// fail with EPERM. seccomp(2)
  public static func forbidProgramsAndSockets() throws(SystemError) {
    try check("load the seccomp filter") { clinux_forbid_programs_and_sockets() }
  }

  /// Forbids to change anything, and to execute anything, but to make new files, in these directories (Landlock), and to
  /// write to what is open. False where Landlock cannot be had: then new files can be made anywhere, but still no file
  /// that exists be opened for writing or changed by its name. seccomp(2)
  public static func allowOnlyAdditions(to directories: [Descriptor]) throws(SystemError) -> Bool {
    try check("load the seccomp filter") { clinux_open_only_new_files() }
    let places = directories.map(\.rawValue)
    let result = withExtendedLifetime(directories) { clinux_landlock_additions(places, places.count) }
    return try holds(result)
  }

  /// Forbids to start programs and processes, to signal, slow down and look into others, and to take connections; such
  /// calls fail with EPERM. Threads can be started, and connections made. seccomp(2)
  public static func forbidProgramsAndListening() throws(SystemError) {
    try check("load the seccomp filter") { clinux_forbid_programs_and_listening() }
  }

  /// Puts this process into `directory` as its root and gives up the right to do so again.
  public static func enterRoot(_ directory: String) throws(SystemError) {
    try check("chroot \(directory)") { chroot(directory) }
    try check("chdir") { chdir("/") }
    try check("drop capabilities") { clinux_drop_capabilities() }
  }

  /// True when this process has root's identity.
  public static var isRoot: Bool { geteuid() == 0 }

  /// Allows only the system calls that `filter`, a compiled seccomp program, allows. seccomp(2)
  public static func applySystemCallFilter(_ filter: [UInt8]) throws(SystemError) {
    try check("load the seccomp filter") { clinux_apply_filter(filter, filter.count / 8) }
  }
}
