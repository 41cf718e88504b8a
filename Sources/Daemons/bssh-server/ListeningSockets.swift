import Glibc
import System

/// Listening sockets that systemd passes; sd_listen_fds(3).
enum ListeningSockets {
  /// Takes ownership of them; none if they are meant for another process. Call it once, before other descriptors are
  /// opened.
  static func take() -> [Descriptor] {
    guard let pid = ProcessEnvironment.value(of: "LISTEN_PID"), pid == "\(getpid())",
      let count = ProcessEnvironment.value(of: "LISTEN_FDS").flatMap({ Int32($0) }), (1...16).contains(count)
    else { return [] }
    return (3..<3 + count).compactMap { number in
      var listens: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      let isSocket = getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0
      return isSocket && listens == 1 ? Descriptor(owning: number) : nil
    }
  }
}
