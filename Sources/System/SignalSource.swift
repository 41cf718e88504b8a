import CLinux
import Glibc

/// Signals as a descriptor to wait for: signalfd(2).
public final class SignalSource {
  /// Readable when a signal has come.
  public let descriptor: Descriptor

  /// Blocks `signals` and collects them from now on. Children that ``ChildProcess`` starts get them unblocked.
  public init(_ signals: [Int32]) throws(SystemError) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    sigprocmask(SIG_BLOCK, &set, nil)
    descriptor = Descriptor(
      owning: try check("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) })
  }

  /// The next signal that has come; nil when there is none.
  public func next() -> Int32? { nextWithSender()?.signal }

  /// The next signal that has come, and who sent it; nil when there is none.
  public func nextWithSender() -> (signal: Int32, process: UInt32, user: UInt32)? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    guard read(descriptor.rawValue, &information, size) == size else { return nil }
    return (Int32(information.ssi_signo), information.ssi_pid, information.ssi_uid)
  }

  /// Lets writing to a closed pipe or socket fail with EPIPE and not end the process.
  public static func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Lets writing beyond ``ResourceLimit/fileSize(_:)`` fail with EFBIG and not end the process.
  public static func ignoreFileSizes() {
    _ = signal(SIGXFSZ, SIG_IGN)
  }
}
