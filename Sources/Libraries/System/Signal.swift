import CLinux
import Glibc

/// Signals by name. RFC 4254, sections 6.9 and 6.10
public enum Signal {
  /// Signal numbers by the RFC's names, without SIG.
  public static let numbers: [String: Int32] = [
    "ABRT": SIGABRT, "ALRM": SIGALRM, "FPE": SIGFPE, "HUP": SIGHUP, "ILL": SIGILL, "INT": SIGINT, "KILL": SIGKILL,
    "PIPE": SIGPIPE, "QUIT": SIGQUIT, "SEGV": SIGSEGV, "TERM": SIGTERM, "USR1": SIGUSR1, "USR2": SIGUSR2,
  ]

  /// Sent for a `break` request. RFC 4335
  public static let interrupt = SIGINT
  /// Sent when the terminal goes away.
  public static let hangUp = SIGHUP
  /// Continues stopped programs, so that they can react to another signal.
  public static let resume = SIGCONT
  /// Asks a process to end.
  public static let terminate = SIGTERM
  /// Ends a process unconditionally.
  public static let kill = SIGKILL

  /// The signal's name for a client: one of the RFC's, or in its form for additional names, like `BUS@bssh`.
  public static func name(_ number: Int32) -> String {
    if let known = numbers.first(where: { $0.value == number }) { return known.key }
    if let abbreviation = clinux_signal_name(number) { return String(cString: abbreviation) + "@bssh" }
    return "\(number)@bssh"
  }

  /// Sends a signal to every process of a group; false when there is none that may be signalled. killpg(3)
  public static func send(_ number: Int32, toGroup group: pid_t) -> Bool {
    // kill(2) takes -1 as every process.
    group > 1 && Glibc.kill(-group, number) == 0
  }
}
