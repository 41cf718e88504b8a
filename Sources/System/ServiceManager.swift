import Glibc

/// Tells systemd how this service does: sd_notify(3). Without systemd every call does nothing.
public struct ServiceManager {
  private let socket: Descriptor?

  /// Takes the socket that `NOTIFY_SOCKET` names, when there is one.
  public init() {
    socket = ProcessEnvironment.value(of: "NOTIFY_SOCKET").flatMap { path in
      do throws(SystemError) { return try Descriptor.datagram(to: path) } catch { return nil }
    }
  }

  /// True when somebody listens.
  public var isPresent: Bool { socket != nil }

  /// The service works; `status` is a line for people.
  public func ready(status: String) { send("READY=1", .status(status), "MAINPID=\(getpid())") }

  /// A line for people.
  public func status(_ status: String) { send(.status(status)) }

  /// The configuration is being loaded again; `ready` says when that is over.
  public func reloading() { send("RELOADING=1", "MONOTONIC_USEC=\(Clock.microseconds)") }

  /// The service is about to end.
  public func stopping() { send("STOPPING=1") }

  /// Sends assignments, one on a line. A line break in one would begin another one, which systemd takes from us: so no
  /// control character gets through.
  private func send(_ assignments: String...) {
    guard let socket else { return }
    let text = assignments.map(Log.printable).joined(separator: "\n")
    // Nothing can be done about a service manager that does not listen.
    _ = try? socket.write(Array(text.utf8)[...])
  }
}

extension String {
  fileprivate static func status(_ text: String) -> String { "STATUS=" + text }
}
