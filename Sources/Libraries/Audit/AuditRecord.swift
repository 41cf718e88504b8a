import Wire

/// An audit event as the reporting process sees it: what happened. The supervisor adds the subject and the time.
///
/// Contains no secret: no password, no key, no value of an environment variable.
public struct AuditRecord: Equatable, Sendable {
  /// Limit of a path, a command or a text, in bytes; ``cut(_:)`` truncates a longer one.
  public static let textLimit = 4096

  /// The type of the event.
  public var type: EventType
  /// Whether it succeeded.
  public var result: EventResult
  /// The protocol of file transfer; nil: none.
  public var `protocol`: EventProtocol?
  /// The absolute path, as the client sees it.
  public var path: [UInt8]?
  /// The second path of an operation that has two; for a link, its target.
  public var destination: [UInt8]?
  /// The number of transferred bytes.
  public var bytes: UInt64?
  /// A sentence for administrators.
  public var details: String?
  /// The channel's number in its connection.
  public var channel: UInt32?
  /// The command, as the client sent it.
  public var command: [UInt8]?
  /// The exit status of a command.
  public var exitStatus: UInt32?
  /// The signal that ended a command, without `SIG`. RFC 4254, section 6.10
  public var signal: String?
  /// The duration, in milliseconds.
  public var milliseconds: UInt64?
  /// The number of bytes from the client.
  public var bytesIn: UInt64?
  /// The number of bytes to the client.
  public var bytesOut: UInt64?
  /// The name of the deciding rule.
  public var rule: String?
  /// The reason, if the row of the type has reasons.
  public var reason: Reason?
  /// What a forward is.
  public var forwardKind: ForwardKind?
  /// The TCP target of a forward, as the client asked for it: `host:port`.
  public var target: String?
  /// The address and port that a forward is connected to.
  public var address: String?
  /// Where the client says that a forwarded connection comes from: `host:port`.
  public var originator: String?

  /// An event with these values and nothing else.
  public init(_ type: EventType, _ result: EventResult = .success, _ protocol: EventProtocol? = nil) {
    self.type = type
    self.result = result
    self.protocol = `protocol`
  }

  /// The first ``textLimit`` bytes of a text.
  public static func cut(_ text: [UInt8]) -> [UInt8] { Array(text.prefix(textLimit)) }

  /// At most the first ``textLimit`` bytes of a text, without a partial character.
  public static func cut(_ text: String) -> String {
    guard text.utf8.count > textLimit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: textLimit)
    while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil { text.utf8.formIndex(before: &end) }
    return String(text[..<end])
  }
}

extension AuditRecord: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    type = try coder.choice(value?.type)
    result = try coder.choice(value?.result)
    self.protocol = try coder.choice(value?.protocol)
    path = try coder.bytes(value?.path.map(AuditRecord.cut), max: AuditRecord.textLimit)
    destination = try coder.bytes(value?.destination.map(AuditRecord.cut), max: AuditRecord.textLimit)
    bytes = try coder.number(value?.bytes)
    details = try coder.text(value?.details.map(AuditRecord.cut), max: AuditRecord.textLimit)
    channel = try coder.number(value?.channel)
    command = try coder.bytes(value?.command.map(AuditRecord.cut), max: AuditRecord.textLimit)
    exitStatus = try coder.number(value?.exitStatus)
    signal = try coder.text(value?.signal.map(AuditRecord.cut), max: AuditRecord.textLimit)
    milliseconds = try coder.number(value?.milliseconds)
    bytesIn = try coder.number(value?.bytesIn)
    bytesOut = try coder.number(value?.bytesOut)
    rule = try coder.text(value?.rule.map(AuditRecord.cut), max: AuditRecord.textLimit)
    reason = try coder.value(value?.reason)
    forwardKind = try coder.choice(value?.forwardKind)
    target = try coder.text(value?.target.map(AuditRecord.cut), max: AuditRecord.textLimit)
    address = try coder.text(value?.address.map(AuditRecord.cut), max: AuditRecord.textLimit)
    originator = try coder.text(value?.originator.map(AuditRecord.cut), max: AuditRecord.textLimit)
  }
}
