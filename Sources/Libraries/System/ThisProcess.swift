import CLinux
import Glibc

/// Identity, name and environment of this process.
public enum ThisProcess {
  /// The effective user id. geteuid(2)
  public static var user: uid_t { geteuid() }

  /// The effective group id and the supplementary groups, each once. getgroups(2), getegid(2)
  public static var groups: [gid_t] {
    var groups = [gid_t](repeating: 0, count: 65536)
    let count = getgroups(Int32(groups.count), &groups)
    let own = getegid()
    let others = groups.prefix(Int(max(0, count)))
    return others.contains(own) ? Array(others) : [own] + others
  }

  /// The host name; `localhost` when it has none. gethostname(2)
  public static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 257)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "localhost" : name
  }

  /// True when a process has this id. kill(2)
  public static func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }

  /// Changes the working directory. chdir(2)
  ///
  /// - Throws: `SystemError` with the errno of chdir(2).
  public static func enter(_ path: String) throws(SystemError) {
    try check("chdir \(path)") { chdir(path) }
  }

  /// Makes this process the leader of a new session without a terminal, with a new session keyring where the kernel has
  /// keyrings. setsid(2), keyctl(2)
  ///
  /// - Throws: `SystemError` with EPERM when it leads a process group.
  public static func leadSession() throws(SystemError) {
    try check("setsid") { setsid() }
    clinux_join_new_keyring()
  }

  /// Opens the file that sets the audit user id; nil where the kernel has none. Call it as root: the file belongs to
  /// root, and permission to write is checked when it is opened. proc_pid_loginuid(5)
  public static func openLoginUser() -> Descriptor? {
    try? Descriptor.open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC)
  }

  /// Sets the audit user id, by which auditd(8) and last(1) attribute this process and its descendants to a user.
  /// Without CAP_AUDIT_CONTROL that is possible once. proc_pid_loginuid(5)
  ///
  /// - Parameter file: opened by ``openLoginUser()`` in this very process.
  /// - Throws: `SystemError` with EPERM when the id is already set; otherwise with the errno of write(2).
  public static func setLoginUser(_ user: uid_t, _ file: Descriptor) throws(SystemError) {
    try file.writeAll(Array("\(user)".utf8))
  }

  /// Sets the file mode creation mask. umask(2)
  public static func setUmask(_ mask: UInt32) { _ = umask(mask & 0o777) }

  /// Reserves room for ``setTitle(_:)``: pass it as an argument after the process's name.
  public static let titleRoom = String(repeating: " ", count: 64)

  /// Sets the command line that ps(1) shows, by overwriting the arguments; truncated to their length.
  public static func setTitle(_ title: String) {
    guard titleBytes > 1, let first = CommandLine.unsafeArgv[0] else { return }
    memset(first, 0, titleBytes)
    for (i, byte) in title.utf8.prefix(titleBytes - 1).enumerated() { first[i] = CChar(bitPattern: byte) }
  }

  /// Sets the name that pgrep(1) and top(1) show, truncated to 15 bytes. Each of our programs calls it first, because a
  /// process started from an ``Executable`` is named after a number. prctl(2), PR_SET_NAME
  public static func setName(_ name: String) {
    _ = name.withCString { clinux_prctl(PR_SET_NAME, UInt(bitPattern: $0)) }
  }

  /// Length of the arguments, which the kernel lays out contiguously, each with a zero byte. Measured only once,
  /// because a title overwrites their lengths.
  private static let titleBytes: Int = {
    let arguments = CommandLine.unsafeArgv
    guard let first = arguments[0] else { return 0 }
    var bytes = 0
    for i in 0..<Int(CommandLine.argc) where arguments[i] == first + bytes { bytes += strlen(first + bytes) + 1 }
    return bytes
  }()

  /// Closes every descriptor above 2 except `kept`. close_range(2)
  ///
  /// - Parameter forgotten: a socket whose descriptors are among the closed ones. It is never freed, because it would
  ///   close their numbers again, which may belong to others by then.
  /// - Throws: `SystemError` with the errno of close_range(2).
  public static func keepOnly(_ kept: [Descriptor], forgetting forgotten: MessageSocket) throws(SystemError) {
    _ = Unmanaged.passRetained(forgotten)
    var next: Int32 = 3
    for number in kept.map(\.rawValue).sorted() {
      if number > next { try check("close_range") { clinux_close_range(UInt32(next), UInt32(number - 1)) } }
      next = max(next, number + 1)
    }
    try check("close_range") { clinux_close_range(UInt32(next), .max) }
  }

  /// Makes a copy of this descriptor standard error. dup2(2)
  ///
  /// - Throws: `SystemError` with the errno of dup2(2).
  public static func setStandardError(_ descriptor: Descriptor) throws(SystemError) {
    let number = descriptor.rawValue
    try check("dup2") { dup2(number, STDERR_FILENO) }
  }
}
