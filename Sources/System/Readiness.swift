import Glibc

/// Waiting for one of two descriptors. poll(2)
public enum Readiness {
  /// Waits until there is something to read, or until more can be written. True when there is something to read, be it
  /// the end.
  public static func wait(reading: Descriptor?, writing: Descriptor?) -> Bool {
    var waiting = [
      pollfd(fd: reading?.rawValue ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: writing?.rawValue ?? -1, events: Int16(POLLOUT), revents: 0),
    ]
    return poll(&waiting, 2, -1) > 0 && waiting[0].revents != 0
  }
}
