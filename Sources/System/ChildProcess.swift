import CLinux
import Glibc

/// Whose rights a process has. setgroups(2), setresgid(2), setresuid(2)
public struct Identity: Equatable, Sendable {
  public var uid: uid_t
  public var gid: gid_t
  public var groups: [gid_t]

  public init(uid: uid_t, gid: gid_t, groups: [gid_t]) {
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }
}

/// How a process ended.
public enum ExitStatus: Equatable, Sendable, CustomStringConvertible {
  case code(Int32)
  case signal(Int32, coreDumped: Bool)
  /// Somebody else's child: only that it ended is known.
  case unknown

  /// True for a signal that only the process itself brings about, as a broken pointer or a system call that its sandbox
  /// forbids; people, and a kernel without memory, send others.
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
  /// What waitpid(2) has stored.
  fileprivate init(waitStatus status: Int32) {
    self =
      clinux_wait_exited(status) != 0
      ? .code(clinux_wait_exit_code(status))
      : .signal(clinux_wait_signal(status), coreDumped: clinux_wait_core_dumped(status) != 0)
  }
}

/// A process that we started.
public final class ChildProcess: Sendable {
  /// How to start a process.
  public struct Request {
    public var path: String
    /// What is started, whatever `path` names now; nil: what it names.
    public var executable: Executable?
    /// The arguments, the name first.
    public var arguments: [String]
    /// More arguments, which need not be UTF-8.
    public var argumentBytes: [[UInt8]] = []
    /// `NAME=value`.
    public var environment: [String] = []
    /// More of the environment, which need not be UTF-8.
    public var environmentBytes: [[UInt8]] = []
    /// These become descriptors 0, 1, 2 … of the process, at most 64; it gets no others.
    public var descriptors: [Descriptor]
    /// Where it starts; "/" when its identity may not go there. nil: where we are.
    public var directory: String?
    /// Leads a session of its own. setsid(2)
    public var newSession = false
    /// Descriptor 0 becomes its controlling terminal; needs `newSession`.
    public var controllingTerminal = false
    /// nil: ours.
    public var identity: Identity?
    /// Of all capabilities it keeps CAP_SYS_CHROOT, to put itself into an empty root once its libraries are loaded.
    public var keepsChroot = false
    /// How ready the kernel is to end it when memory runs out, -1000 to 1000; nil: as for us. proc(5), oom_score_adj
    public var outOfMemoryScore: Int?
    public var umask: mode_t?
    public var limits: [ResourceLimit] = []

    public init(path: String, arguments: [String], descriptors: [Descriptor]) {
      self.path = path
      self.arguments = arguments
      self.descriptors = descriptors
    }

    /// Starts an executable that is kept open.
    public init(_ executable: Executable, arguments: [String], descriptors: [Descriptor]) {
      self.init(path: executable.path, arguments: arguments, descriptors: descriptors)
      self.executable = executable
    }
  }

  public let pid: pid_t
  /// Readable when the process has ended. pidfd_open(2)
  public let descriptor: Descriptor

  /// A process that another of our processes made for us; throws when it is no child of ours that is still to be reaped.
  /// waitid(2), pidfd_open(2)
  ///
  /// - Parameter isChild: false: it is the child of a process whose place this one took, and whoever made it is believed.
  public init(adopting pid: pid_t, isChild: Bool = true) throws(SystemError) {
    var status: Int32 = 0
    guard pid > 0 else { throw SystemError("adopt \(pid)", code: ECHILD) }
    if isChild { try check("adopt \(pid)") { clinux_wait_peek(pid, &status) } }
    self.pid = pid
    // Its number is its own until we reap it.
    descriptor = Descriptor(owning: try check("pidfd_open") { clinux_pidfd_open(pid) })
  }

  /// Starts a process; throws when it could not be started, also when execve(2) or execveat(2) failed in it.
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

  /// How it ended; nil while it runs. It is not reaped: its number stays its own, and so does its group's. waitid(2)
  public var ending: ExitStatus? {
    var status: Int32 = 0
    return clinux_wait_peek(pid, &status) > 0 ? ExitStatus(waitStatus: status) : nil
  }

  /// True while a signal keeps it from running, as SIGSTOP does. waitid(2)
  public var isStopped: Bool { clinux_is_stopped(pid) == 1 }

  /// How it ended; nil while it runs. Reaps it: ask only until the answer is not nil. waitpid(2)
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

  /// Sends a signal to the process and never to another one; nothing happens when it has ended.
  public func signal(_ number: Int32) {
    _ = clinux_pidfd_signal(descriptor.rawValue, number)
  }

  /// Sends a signal to the process group that the process leads.
  public func signalGroup(_ number: Int32) {
    kill(-pid, number)
  }
}

extension Descriptor {
  /// A process, whosever child it is: readable when it has ended. pidfd_open(2)
  public static func process(_ pid: pid_t) throws(SystemError) -> Descriptor {
    Descriptor(owning: try check("process \(pid)") { clinux_pidfd_open(pid) })
  }
}

extension ThisProcess {
  /// The arguments that this process was started with, the name first; they need not be UTF-8.
  public static var arguments: [[UInt8]] {
    (0..<Int(CommandLine.argc)).compactMap { number in
      CommandLine.unsafeArgv[number].map { text in (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) } }
    }
  }

  /// Makes this process the program that an open executable is, with its environment and its descriptors but those that
  /// are close-on-exec. Returns only when it failed. execveat(2)
  public static func become(_ executable: Executable, arguments: [[UInt8]]) -> SystemError {
    let strings = CStrings(arguments)
    return withExtendedLifetime((strings, executable)) {
      _ = clinux_execute(executable.descriptor.rawValue, strings.pointers, clinux_environment())
      return .last("start \(executable.path)")
    }
  }

  /// Makes this process another program, with its environment and its descriptors. Returns only when it failed.
  /// execv(3)
  public static func become(_ path: String, arguments: [[UInt8]]) -> SystemError {
    let strings = CStrings(arguments)
    return withExtendedLifetime(strings) {
      execv(path, strings.pointers)
      return .last("start \(path)")
    }
  }
}

/// Strings for execve(2), ended by NULL, valid while this value lives.
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
