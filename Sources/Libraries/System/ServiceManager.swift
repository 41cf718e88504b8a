import Glibc

/// Tells systemd the state of this service. Does nothing without systemd. sd_notify(3)
public struct ServiceManager {
  private let socket: Descriptor?

  /// Connects to the socket named by `NOTIFY_SOCKET`, if there is one.
  public init() {
    socket = ProcessEnvironment.value(of: "NOTIFY_SOCKET").flatMap { path in
      do throws(SystemError) { return try Descriptor.datagram(to: path) } catch { return nil }
    }
  }

  /// True when connected to a service manager.
  public var isPresent: Bool { socket != nil }

  /// The service is ready; `status` is a line for people. READY=1
  public func ready(status: String) { send("READY=1", .status(status), "MAINPID=\(getpid())") }

  /// Sets the status line for people. STATUS=
  public func status(_ status: String) { send(.status(status)) }

  /// The configuration is being reloaded, until ``ready(status:)``. RELOADING=1
  public func reloading() { send("RELOADING=1", "MONOTONIC_USEC=\(Clock.microseconds)") }

  /// The service is stopping. STOPPING=1
  public func stopping() { send("STOPPING=1") }

  /// Sends assignments, one per line. Control characters are escaped, because a line break in a value would begin
  /// another assignment.
  private func send(_ assignments: String...) {
    guard let socket else { return }
    let text = assignments.map(Log.printable).joined(separator: "\n")
    // If the service manager does not accept it, nothing can be done.
    _ = try? socket.write(Array(text.utf8)[...])
  }
}

extension String {
  fileprivate static func status(_ text: String) -> String { "STATUS=" + text }
}
