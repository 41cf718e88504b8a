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
  /// What a vanished terminal means to programs.
  public static let hangUp = SIGHUP
  /// Lets stopped programs go on, so that they hear of another signal.
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

  /// Sends a signal to every process of a group; false when there is none that may be sent it. killpg(3)
  public static func send(_ number: Int32, toGroup group: pid_t) -> Bool {
    // kill(2) takes -1 for everybody.
    group > 1 && Glibc.kill(-group, number) == 0
  }
}
