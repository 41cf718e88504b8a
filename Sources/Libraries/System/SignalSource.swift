import CLinux
import Glibc

/// Receives signals through a descriptor. signalfd(2)
public final class SignalSource {
  /// Readable when a signal is pending.
  public let descriptor: Descriptor

  /// Blocks `signals` and receives them from now on. Processes started by ``ChildProcess`` have them unblocked.
  ///
  /// - Throws: `SystemError` with EMFILE or ENFILE when no descriptor is free.
  public init(_ signals: [Int32]) throws(SystemError) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    sigprocmask(SIG_BLOCK, &set, nil)
    descriptor = Descriptor(
      owning: try check("signalfd") { signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) })
  }

  /// The next pending signal; nil when there is none.
  public func next() -> Int32? { nextWithSender()?.signal }

  /// The next pending signal with the ids of the sending process and its user; nil when there is none.
  public func nextWithSender() -> (signal: Int32, process: UInt32, user: UInt32)? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    guard read(descriptor.rawValue, &information, size) == size else { return nil }
    return (Int32(information.ssi_signo), information.ssi_pid, information.ssi_uid)
  }

  /// Ignores SIGPIPE: writing to a closed pipe or socket fails with EPIPE instead of ending the process.
  public static func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Ignores SIGXFSZ: writing beyond ``ResourceLimit/fileSize(_:)`` fails with EFBIG instead of ending the process.
  public static func ignoreFileSizes() {
    _ = signal(SIGXFSZ, SIG_IGN)
  }
}
