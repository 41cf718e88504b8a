import Glibc

/// Waits for one of two descriptors. poll(2)
public enum Readiness {
  /// Waits until `reading` is readable or at its end, or `writing` is writable; nil is ignored. True when `reading` is
  /// ready. False also when a signal interrupts.
  public static func wait(reading: Descriptor?, writing: Descriptor?) -> Bool {
    var waiting = [
      pollfd(fd: reading?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: writing?.rawValue ?? -1, events: Int16(POLLOUT), revents: 0),
    ]
    return poll(&waiting, 2, -1) > 0 && waiting[0].revents != 0
  }
}
