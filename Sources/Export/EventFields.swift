import Audit
import Wire

/// The parts of an event for a receiver that has fields of its own, without those that do not apply.
public struct EventFields: Sendable {
  /// A value.
  public enum Value: Equatable, Sendable {
    case text(String)
    case number(UInt64)

    /// As text.
    public var description: String {
      switch self {
      case .text(let text): text
      case .number(let number): String(number)
      }
    }
  }

  /// A field of an event.
  public struct Field: Sendable {
    /// The journal's name for it: `client_ip`.
    public let key: String
    /// OpenTelemetry's, which is bssh's where bssh has one: `client.ip`.
    public let attribute: String
    public let value: Value
  }

  /// In the journal's order.
  public let all: [Field]

  /// The fields of a line of the journal.
  public init(_ line: JournalLine) {
    let (event, subject, fact) = (line.event, line.event.subject, line.event.fact)
    var all: [Field] = []
    func text(_ key: String, _ value: String?, as attribute: String? = nil) {
      if let value { all.append(Field(key: key, attribute: attribute ?? key, value: .text(value))) }
    }
    func bytes(_ key: String, _ value: [UInt8]?, as attribute: String? = nil) {
      text(key, value.map { String(decoding: $0, as: UTF8.self) }, as: attribute)
    }
    func number(_ key: String, _ value: (some BinaryInteger)?, as attribute: String? = nil) {
      if let value { all.append(Field(key: key, attribute: attribute ?? key, value: .number(UInt64(value)))) }
    }
    text("id", event.id.description, as: "event.id")
    text("timestamp", Timestamp.text(event.time))
    text("event_type", fact.type.rawValue, as: "event.type")
    text("session_id", subject.sessionID?.description, as: "session.id")
    text("user", subject.user, as: "user.name")
    text("client_ip", subject.clientAddress, as: "client.ip")
    bytes("path", fact.path, as: "file.path")
    bytes("dest_path", fact.destination, as: "file.dest_path")
    number("bytes", fact.bytes, as: "file.bytes")
    text("result", fact.result.rawValue)
    text("details", fact.details)
    text("protocol", fact.protocol?.rawValue)
    number("seq", line.sequence)
    text("prev", line.previous.description)
    text("host", event.host, as: "host.name")
    number("connection_id", subject.connection, as: "connection.id")
    number("channel", fact.channel)
    number("client_port", subject.clientPort, as: "client.port")
    text("client_version", subject.clientVersion, as: "client.version")
    text("method", subject.method)
    text("key_fingerprint", subject.keyFingerprint, as: "key.fingerprint")
    bytes("command", fact.command)
    number("exit_status", fact.exitStatus)
    text("signal", fact.signal)
    number("duration_ms", fact.milliseconds)
    number("bytes_in", fact.bytesIn)
    number("bytes_out", fact.bytesOut)
    text("rule", fact.rule)
    text("reason", fact.reason)
    for (key, attribute, value) in [
      ("path_raw", "file.path_raw", fact.path), ("dest_path_raw", "file.dest_path_raw", fact.destination),
      ("command_raw", "command_raw", fact.command),
    ] {
      if let value, String(validating: value, as: UTF8.self) == nil {
        text(key, String(decoding: Base64.encode(value), as: UTF8.self), as: attribute)
      }
    }
    self.all = all
  }

  /// A line for people: `auth_failure anna from 192.0.2.1: failure (wrong_password)`.
  public static func summary(_ line: JournalLine) -> String {
    let (subject, fact) = (line.event.subject, line.event.fact)
    var text = fact.type.rawValue
    if let user = subject.user { text += " \(user)" }
    if let address = subject.clientAddress { text += " from \(address)" }
    text += ": \(fact.result.rawValue)"
    if let reason = fact.reason { text += " (\(reason))" }
    if let path = fact.path { text += " \(String(decoding: path, as: UTF8.self))" }
    if let destination = fact.destination { text += " -> \(String(decoding: destination, as: UTF8.self))" }
    if let command = fact.command { text += " \(String(decoding: command, as: UTF8.self))" }
    if let details = fact.details { text += ", \(details)" }
    return text
  }
}
