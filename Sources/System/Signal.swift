import CLinux
import Glibc

/// Signals by name: RFC 4254, sections 6.9 and 6.10.
public enum Signal {
  /// The names that the RFC defines, without SIG.
  public static let numbers: [String: Int32] = [
    "ABRT": SIGABRT, "ALRM": SIGALRM, "FPE": SIGFPE, "HUP": SIGHUP, "ILL": SIGILL, "INT": SIGINT, "KILL": SIGKILL,
    "PIPE": SIGPIPE, "QUIT": SIGQUIT, "SEGV": SIGSEGV, "TERM": SIGTERM, "USR1": SIGUSR1, "USR2": SIGUSR2,
  ]

  /// What `break` becomes. RFC 4335
  public static let interrupt = SIGINT
  /// What a vanished client means to programs.
  public static let hangUp = SIGHUP
  /// Lets stopped programs go on, so that they hear of a hang-up.
  public static let resume = SIGCONT
  /// What asks a process to end.
  public static let terminate = SIGTERM
  /// What no process can refuse.
  public static let kill = SIGKILL

  /// The name to tell a client: one of the RFC's, or for others `BUS@bssh`, as the RFC wants additional names written.
  public static func name(_ number: Int32) -> String {
    if let known = numbers.first(where: { $0.value == number }) { return known.key }
    if let abbreviation = clinux_signal_name(number) { return String(cString: abbreviation) + "@bssh" }
    return "\(number)@bssh"
  }

  /// Keeps a signal from ending this process; ``isPending(_:)`` tells that it came. sigprocmask(2)
  public static func hold(_ number: Int32) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    sigprocmask(SIG_BLOCK, &set, nil)
  }

  /// True when this signal came while it was held. sigpending(2)
  public static func isPending(_ number: Int32) -> Bool {
    var set = sigset_t()
    return sigpending(&set) == 0 && sigismember(&set, number) == 1
  }

  /// Sends a signal to every process of a group; false when there is none that may be sent it. killpg(3)
  public static func send(_ number: Int32, toGroup group: pid_t) -> Bool {
    // kill(2) takes -1 for everybody.
    group > 1 && Glibc.kill(-group, number) == 0
  }
}
