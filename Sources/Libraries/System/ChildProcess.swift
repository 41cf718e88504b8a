import CLinux
import Glibc

/// User, group and supplementary groups of a process. setgroups(2), setresgid(2), setresuid(2)
public struct Identity: Equatable, Sendable {
  /// Real, effective and saved user.
  public var uid: uid_t
  /// Real, effective and saved group.
  public var gid: gid_t
  /// Supplementary groups.
  public var groups: [gid_t]

  public init(uid: uid_t, gid: gid_t, groups: [gid_t]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }
}

/// How a process ended. waitpid(2)
public enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
  /// It exited with this code, 0 to 255.
  case code(Int32)
  /// This signal killed it.
  case signal(Int32, coreDumped: Bool)
  /// It was not our child: only that it ended is known.
  case unknown

  /// True for a signal that a process brings upon itself, such as SIGSEGV for a bad pointer or SIGSYS from its seccomp
  /// filter. False for signals that are sent from outside, by people or by the kernel when memory runs out.
  public var isCrash: Bool {
    switch self {
    case .signal(let number, _): [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS].contains(number)
    case .code, .unknown: false
    }
  }

  /// `exited with 1`, `killed by signal 11`.
  public var description: String {
    switch self {
    case .code(let code): "exited with \(code)"
    case .signal(let number, let core): "killed by signal \(number)\(core ? " (core dumped)" : "")"
    case .unknown: "ended"
    }
  }
}

extension ExitStatus {
  /// Decodes the status of waitpid(2).
  fileprivate init(waitStatus status: Int32) {
    self =
      clinux_wait_exited(status) != 0
      ? .code(clinux_wait_exit_code(status))
      : .signal(clinux_wait_signal(status), coreDumped: clinux_wait_core_dumped(status) != 0)
  }
}

/// A child process.
public final class ChildProcess: Sendable {
  /// What to start, and how.
  public struct Request {
    /// The program's path, also used in messages.
    public var path: String
    /// The open file to execute instead of whatever `path` names now; nil: `path` is executed.
    public var executable: Executable?
    /// The arguments, beginning with argv[0].
    public var arguments: [String]
    /// More arguments, appended to `arguments`; need not be UTF-8.
    public var argumentBytes: [[UInt8]] = []
    /// The environment, as `NAME=value`.
    public var environment: [String] = []
    /// More variables, appended to `environment`; need not be UTF-8.
    public var environmentBytes: [[UInt8]] = []
    /// These become descriptors 0, 1, 2 … of the new process, at most 64. It inherits no others. They stay open here.
    public var descriptors: [Descriptor]
    /// The working directory; `/` is used when the new identity cannot enter it. nil: that of this process.
    public var directory: String?
    /// The process leads a new session. setsid(2)
    public var newSession = false
    /// Descriptor 0 becomes the controlling terminal; requires `newSession`.
    public var controllingTerminal = false
    /// The identity to take; nil: that of this process.
    public var identity: Identity?
    /// Keeps CAP_SYS_CHROOT, and no other capability, so that the process can enter an empty root once its libraries
    /// are loaded. Applies with `identity` only.
    public var keepsChroot = false
    /// The process's oom_score_adj, -1000 to 1000; nil: that of this process. proc(5)
    public var outOfMemoryScore: Int?
    /// The file mode creation mask; nil: that of this process. umask(2)
    public var umask: mode_t?
    /// Resource limits, set before the identity changes.
    public var limits: [ResourceLimit] = []

    /// Starts the file at `path`.
    public init(path: String, arguments: [String], descriptors: [Descriptor]) {
      self.path = path
      self.arguments = arguments
      self.descriptors = descriptors
    }

    /// Starts an executable that is already open.
    public init(_ executable: Executable, arguments: [String], descriptors: [Descriptor]) {
      self.init(path: executable.path, arguments: arguments, descriptors: descriptors)
      self.executable = executable
    }
  }

  /// The process id; it stays reserved for this process until ``reap()``.
  public let pid: pid_t
  /// Readable once the process has ended. pidfd_open(2)
  public let descriptor: Descriptor

  /// Adopts a process that another of our processes created for us.
  ///
  /// - Parameter isChild: false when the process is a child of this process's predecessor in a hand-over; whoever names
  ///   it is then trusted.
  /// - Throws: `SystemError` with ECHILD when `pid` is not positive, or is not a child that is still to be reaped;
  ///   otherwise with the errno of pidfd_open(2). waitid(2)
  public init(adopting pid: pid_t, isChild: Bool = true) throws(SystemError) {
    var status: Int32 = 0
    guard pid > 0 else { throw SystemError("adopt \(pid)", code: ECHILD) }
    if isChild { try check("adopt \(pid)") { clinux_wait_peek(pid, &status) } }
    self.pid = pid
    // The id cannot be reused before we reap the process.
    descriptor = Descriptor(owning: try check("pidfd_open") { clinux_pidfd_open(pid) })
  }

  /// Starts a process.
  ///
  /// - Throws: `SystemError` with EINVAL for more than 64 descriptors or an id of 4294967295; otherwise with the errno
  ///   of the call that failed, here or in the new process: execve(2) or execveat(2), for instance. With an `identity`,
  ///   failures from the change of identity on are not thrown: the process writes a line to its descriptor 2 and exits
  ///   with 127.
  public init(_ request: Request) throws(SystemError) {
    let arguments = CStrings(request.arguments.map { Array($0.utf8) } + request.argumentBytes)
    let environment = CStrings(request.environment.map { Array($0.utf8) } + request.environmentBytes)
    let numbers = request.descriptors.map(\.rawValue)
    let limits = request.limits.map { clinux_limit(resource: $0.resource, soft: $0.soft, hard: $0.hard) }
    let groups = request.identity?.groups ?? []
    let score = request.outOfMemoryScore.map { CStrings([Array(String($0).utf8)]) }
    let pid = withExtendedLifetime((arguments, environment, request.descriptors, request.executable, score)) {
      request.path.withCString { path in
        CStrings.optional(request.directory) { directory in
          numbers.withUnsafeBufferPointer { numbers in
            limits.withUnsafeBufferPointer { limits in
              groups.withUnsafeBufferPointer { groups in
                var raw = clinux_spawn()
                raw.path = path
                raw.executable = request.executable?.descriptor.rawValue ?? -1
                raw.argv = UnsafePointer(arguments.pointers)
                raw.envp = UnsafePointer(environment.pointers)
                raw.descriptors = numbers.baseAddress
                raw.descriptor_count = numbers.count
                raw.directory = directory
                raw.new_session = request.newSession ? 1 : 0
                raw.controlling_terminal = request.controllingTerminal ? 1 : 0
                if let identity = request.identity {
                  raw.change_identity = 1
                  raw.uid = identity.uid
                  raw.gid = identity.gid
                  raw.groups = groups.baseAddress
                  raw.group_count = groups.count
                  raw.keep_chroot = request.keepsChroot ? 1 : 0
                }
                raw.oom_score = score.flatMap { UnsafePointer($0.pointers[0]) }
                raw.umask = request.umask.map { Int32($0) } ?? -1
                raw.limits = limits.baseAddress
                raw.limit_count = limits.count
                return clinux_spawn(&raw)
              }
            }
          }
        }
      }
    }
    if pid < 0 { throw .last("start \(request.path)") }
    self.pid = pid
    descriptor = try Descriptor.process(pid)
  }

  /// How it ended; nil while it runs. Does not reap it, so its id and its group's id stay reserved. waitid(2)
  public var ending: ExitStatus? {
    var status: Int32 = 0
    return clinux_wait_peek(pid, &status) > 0 ? ExitStatus(waitStatus: status) : nil
  }

  /// True while a stop signal, such as SIGSTOP, suspends it. waitid(2)
  public var isStopped: Bool { clinux_is_stopped(pid) == 1 }

  /// How it ended; nil while it runs. Reaps it, so don't call this again after a result that is not nil. waitpid(2)
  public func reap() -> ExitStatus? {
    var status: Int32 = 0
    while true {
      let result = waitpid(pid, &status, WNOHANG)
      if result == 0 { return nil }
      if result < 0 {
        if errno == EINTR { continue }
        return .unknown
      }
      return ExitStatus(waitStatus: status)
    }
  }

  /// Sends a signal to this process, never to another that reuses its id. Does nothing after it ended.
  /// pidfd_send_signal(2)
  public func signal(_ number: Int32) {
    _ = clinux_pidfd_signal(descriptor.rawValue, number)
  }

  /// Sends a signal to the process group that this process leads. Call it only before ``reap()``. kill(2)
  public func signalGroup(_ number: Int32) {
    kill(-pid, number)
  }
}

extension Descriptor {
  /// A descriptor of any process, readable once the process has ended. pidfd_open(2)
  ///
  /// - Throws: `SystemError` with ESRCH when there is no such process; otherwise with the errno of pidfd_open(2).
  public static func process(_ pid: pid_t) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("process \(pid)") { clinux_pidfd_open(pid) })
  }
}

extension ThisProcess {
  /// The arguments of this process, beginning with argv[0]; need not be UTF-8.
  public static var arguments: [[UInt8]] {
    (0..<Int(CommandLine.argc)).compactMap { number in
      CommandLine.unsafeArgv[number].map { text in (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) } }
    }
  }

  /// Replaces this process's program with an open executable. The environment stays, and so do descriptors without
  /// close-on-exec. execveat(2)
  ///
  /// - Returns: only on failure, with the errno of execveat(2).
  public static func become(_ executable: Executable, arguments: [[UInt8]]) -> SystemError {
    let strings = CStrings(arguments)
    return withExtendedLifetime((strings, executable)) {
      _ = clinux_execute(executable.descriptor.rawValue, strings.pointers, clinux_environment())
      return .last("start \(executable.path)")
    }
  }

  /// Replaces this process's program with the one at `path`. The environment stays, and so do descriptors without
  /// close-on-exec. execv(3)
  ///
  /// - Returns: only on failure, with the errno of execve(2).
  public static func become(_ path: String, arguments: [[UInt8]]) -> SystemError {
    let strings = CStrings(arguments)
    return withExtendedLifetime(strings) {
      execv(path, strings.pointers)
      return .last("start \(path)")
    }
  }
}

/// A NULL-terminated array of C strings for execve(2), valid while this object lives.
final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [[UInt8]]) {
    count = strings.count
    pointers = .allocate(capacity: count + 1)
    for (i, string) in strings.enumerated() {
      pointers[i] = strdup(string.map { CChar(bitPattern: $0) } + [0])
    }
    pointers[count] = nil
  }

  deinit {
    for i in 0..<count { free(pointers[i]) }
    pointers.deallocate()
  }

  static func optional<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    if let string { string.withCString(body) } else { body(nil) }
  }
}
