import Audit
import Wire

/// The fields of an event for receivers with structured data, without those that do not apply.
public struct EventFields: Sendable {
  /// The value of a field.
  public enum Value: Equatable, Sendable {
    /// A text.
    case text(String)
    /// A non-negative number.
    case number(UInt64)

    /// The value as text.
    public var description: String {
      switch self {
      case .text(let text): text
      case .number(let number): String(number)
      }
    }
  }

  /// One field of an event.
  public struct Field: Sendable {
    /// The name in the journal, such as `client_ip`.
    public let key: String
    /// The name of the OpenTelemetry attribute, such as `client.ip`: the one that bssh uses, if it has one.
    public let attribute: String
    /// The value.
    public let value: Value
  }

  /// The fields in the order of the journal.
  public let all: [Field]

  /// The fields of a line of the journal.
  public init(_ line: JournalLine) {
    let (event, subject, record) = (line.event, line.event.subject, line.event.record)
    var all: [Field] = []
    func text(_ key: JournalKey, _ value: String?) {
      if let value { all.append(Field(key: key.rawValue, attribute: key.attribute, value: .text(value))) }
    }
    func bytes(_ key: JournalKey, _ value: [UInt8]?) { text(key, value.map { String(decoding: $0, as: UTF8.self) }) }
    func number(_ key: JournalKey, _ value: (some BinaryInteger)?) {
      if let value { all.append(Field(key: key.rawValue, attribute: key.attribute, value: .number(UInt64(value)))) }
    }
    text(.id, event.id.description)
    text(.timestamp, Timestamp.text(event.time))
    text(.eventType, record.type.rawValue)
    text(.sessionID, subject.sessionID?.description)
    text(.user, subject.user)
    text(.clientAddress, subject.clientAddress)
    bytes(.path, record.path)
    bytes(.destination, record.destination)
    number(.bytes, record.bytes)
    text(.result, record.result.rawValue)
    text(.details, record.details)
    text(.protocol, record.protocol?.rawValue)
    number(.sequence, line.sequence)
    text(.previous, line.previous.description)
    text(.host, event.host)
    number(.connection, subject.connection)
    number(.channel, record.channel)
    number(.clientPort, subject.clientPort)
    text(.clientVersion, subject.clientVersion)
    text(.method, subject.method)
    text(.keyFingerprint, subject.keyFingerprint)
    bytes(.command, record.command)
    number(.exitStatus, record.exitStatus)
    text(.signal, record.signal)
    number(.duration, record.milliseconds)
    number(.bytesIn, record.bytesIn)
    number(.bytesOut, record.bytesOut)
    text(.rule, record.rule)
    text(.reason, record.reason?.code)
    text(.keyExchange, subject.keyExchange)
    text(.forwardKind, record.forwardKind?.rawValue)
    text(.target, record.target)
    text(.address, record.address)
    text(.originator, record.originator)
    for (key, value) in [
      (JournalKey.path, record.path), (.destination, record.destination), (.command, record.command),
    ] {
      if let value, String(validating: value, as: UTF8.self) == nil {
        let raw = String(decoding: Base64.encode(value), as: UTF8.self)
        all.append(Field(key: key.rawValue + "_raw", attribute: key.attribute + "_raw", value: .text(raw)))
      }
    }
    self.all = all
  }

  /// A summary for people: `auth_failure anna from 192.0.2.1: failure (wrong_password)`.
  public static func summary(_ line: JournalLine) -> String {
    let (subject, record) = (line.event.subject, line.event.record)
    var text = record.type.rawValue
    if let user = subject.user { text += " \(user)" }
    if let address = subject.clientAddress { text += " from \(address)" }
    text += ": \(record.result.rawValue)"
    if let reason = record.reason { text += " (\(reason))" }
    if let path = record.path { text += " \(String(decoding: path, as: UTF8.self))" }
    if let destination = record.destination { text += " -> \(String(decoding: destination, as: UTF8.self))" }
    if let target = record.target { text += " \(target)" }
    if let command = record.command { text += " \(String(decoding: command, as: UTF8.self))" }
    if let details = record.details { text += ", \(details)" }
    return text
  }
}
