import AccessControl
import Audit
import IPC
import Model

/// A connection that a client asks to be forwarded, as its audit records show it.
struct RequestedForward: Equatable {
  /// The transport's number of the channel.
  let channel: UInt32
  /// The target, as the client sent it.
  let target: ForwardTarget
  /// Where the client says that the connection comes from; nobody checks it. Empty: it does not say.
  let originator: (host: [UInt8], port: UInt32)

  static func == (first: Self, second: Self) -> Bool {
    first.channel == second.channel && first.target == second.target && first.originator == second.originator
  }
}

/// The audit records of a forward: one when it is connected, could not be connected or is denied, and one at its end if
/// it was connected.
extension AuditRecord {
  /// The record of a connected forward.
  ///
  /// - Parameter address: the address connected to; nil for a Unix socket.
  static func opened(_ forward: RequestedForward, at address: IPAddress?) -> AuditRecord {
    var record = AuditRecord(.forwardOpen, .success, of: forward)
    record.setAddress(address, of: forward)
    return record
  }

  /// The record of a permitted forward that could not be connected.
  ///
  /// - Parameter details: the error of the system, or of the resolver.
  static func failed(_ forward: RequestedForward, _ reason: ForwardFailure, _ details: String? = nil) -> AuditRecord {
    var record = AuditRecord(.forwardOpen, reason == .noResources ? .error : .failure, of: forward)
    record.reason = Reason(reason)
    record.details = details
    return record
  }

  /// The record of a refused forward.
  static func denied(_ forward: RequestedForward, _ refusal: ForwardRefusal) -> AuditRecord {
    var record = AuditRecord(.forwardDenied, .denied, of: forward)
    record.reason = Reason(refusal.reason)
    record.rule = refusal.rule
    return record
  }

  /// The record of the end of a connected forward.
  ///
  /// - Parameters:
  ///   - address: the address connected to; nil for a Unix socket.
  ///   - bytesIn: data from the client; nil: the transport ended without a report.
  ///   - bytesOut: data to the client, as `bytesIn`.
  ///   - milliseconds: since it was connected.
  static func closed(
    _ forward: RequestedForward, at address: IPAddress?, bytesIn: UInt64?, bytesOut: UInt64?, milliseconds: UInt64
  ) -> AuditRecord {
    var record = AuditRecord(.forwardClosed, .success, of: forward)
    record.setAddress(address, of: forward)
    (record.bytesIn, record.bytesOut) = (bytesIn, bytesOut)
    if let bytesIn, let bytesOut { record.bytes = bytesIn &+ bytesOut }
    record.milliseconds = milliseconds
    return record
  }

  private init(_ type: EventType, _ result: EventResult, of forward: RequestedForward) {
    self.init(type, result, .forward)
    channel = forward.channel
    switch forward.target {
    case .tcp(let host, let port):
      forwardKind = .local
      target = Self.place(host, port)
    case .socket(let socket):
      forwardKind = .localSocket
      path = socket
    }
    originator = forward.originator.host.isEmpty ? nil : Self.place(forward.originator.host, forward.originator.port)
  }

  private mutating func setAddress(_ address: IPAddress?, of forward: RequestedForward) {
    guard let address, case .tcp(_, let port) = forward.target else { return }
    self.address = Self.place(Array("\(address)".utf8), port)
  }

  /// `host:port`; a host with a colon in brackets, and at most the first 300 bytes of it. U+FFFD stands for what is no
  /// text: invalid UTF-8 and NUL.
  private static func place(_ host: [UInt8], _ port: UInt32) -> String {
    let text = String(decoding: host.prefix(300).map { $0 == 0 ? 0xff : $0 }, as: UTF8.self)
    return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
  }
}
