import CLinux
import Glibc

/// What this process is and where it is.
public enum ThisProcess {
  /// Whose rights it has. geteuid(2)
  public static var user: uid_t { geteuid() }

  /// The groups whose rights it has, each once. getgroups(2), getegid(2)
  public static var groups: [gid_t] {
    var groups = [gid_t](repeating: 0, count: 65536)
    let count = getgroups(Int32(groups.count), &groups)
    let own = getegid()
    let others = groups.prefix(Int(max(0, count)))
    return others.contains(own) ? Array(others) : [own] + others
  }

  /// The name of the machine; `localhost` where it has none. gethostname(2)
  public static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 257)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.isEmpty ? "localhost" : name
  }

  /// True when a process has this number. kill(2)
  public static func exists(_ process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }

  /// Makes `path` the directory in which it is and its children start. chdir(2)
  public static func enter(_ path: String) throws(SystemError) {
    try check("chdir \(path)") { chdir(path) }
  }

  /// Makes this process the leader of a new session without a terminal, with a keyring of its own where the kernel
  /// has keyrings. setsid(2), keyctl(2)
  public static func leadSession() throws(SystemError) {
    try check("setsid") { setsid() }
    clinux_join_new_keyring()
  }

  /// What sets the audit user id of this process, to be opened while it is root; nil where the kernel keeps none. The
  /// file is root's, and whether it may be written is decided when it is opened. proc_pid_loginuid(5)
  public static func openLoginUser() -> Descriptor? {
    try? Descriptor.open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC)
  }

  /// Sets the audit user id, by which auditd(8) and last(1) know whose processes these and all that they start are.
  /// Without CAP_AUDIT_CONTROL that is possible once.
  ///
  /// - Parameter file: what ``openLoginUser()`` opened, by this very process.
  public static func setLoginUser(_ user: uid_t, _ file: Descriptor) throws(SystemError) {
    try file.writeAll(Array("\(user)".utf8))
  }

  /// Permissions that files get taken away when they are made. umask(2)
  public static func setUmask(_ mask: UInt32) { _ = umask(mask & 0o777) }

  /// Room that a process must be given as an argument after its name, for ``setTitle(_:)``.
  public static let titleRoom = String(repeating: " ", count: 64)

  /// What ps(1) shows for this process: written over its arguments, and cut to what they have room for.
  public static func setTitle(_ title: String) {
    guard titleBytes > 1, let first = CommandLine.unsafeArgv[0] else { return }
    memset(first, 0, titleBytes)
    for (i, byte) in title.utf8.prefix(titleBytes - 1).enumerated() { first[i] = CChar(bitPattern: byte) }
  }

  /// What pgrep(1) and top(1) call this process: at most 15 bytes. First of all in each of our programs: one that was
  /// started from an ``Executable`` is called by a number. PR_SET_NAME
  public static func setName(_ name: String) {
    _ = name.withCString { clinux_prctl(PR_SET_NAME, UInt(bitPattern: $0)) }
  }

  /// Bytes of the arguments, which the kernel lays out one after the other, each ended by a zero. Measured once: a
  /// title has no more the lengths that the arguments had.
  private static let titleBytes: Int = {
    let arguments = CommandLine.unsafeArgv
    guard let first = arguments[0] else { return 0 }
    var bytes = 0
    for i in 0..<Int(CommandLine.argc) where arguments[i] == first + bytes { bytes += strlen(first + bytes) + 1 }
    return bytes
  }()

  /// Closes every descriptor over 2 but `kept`. `forgotten` owns some of those closed, and is never to close them again:
  /// their numbers may be somebody else's by then.
  public static func keepOnly(_ kept: [Descriptor], forgetting forgotten: MessageSocket) throws(SystemError) {
    _ = Unmanaged.passRetained(forgotten)
    var next: Int32 = 3
    for number in kept.map(\.rawValue).sorted() {
      if number > next { try check("close_range") { clinux_close_range(UInt32(next), UInt32(number - 1)) } }
      next = max(next, number + 1)
    }
    try check("close_range") { clinux_close_range(UInt32(next), .max) }
  }

  /// Makes this the standard error. dup2(2)
  public static func setStandardError(_ descriptor: Descriptor) throws(SystemError) {
    let number = descriptor.rawValue
    try check("dup2") { dup2(number, STDERR_FILENO) }
  }
}
