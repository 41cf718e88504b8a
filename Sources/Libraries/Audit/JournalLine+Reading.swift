import Wire

extension JournalLine {
  /// Parses a line of this version, of version 1, which has no `key_exchange`, or of version 2, which has nothing that
  /// follows it; without its newline.
  ///
  /// - Throws: `JournalLineError`, see its cases.
  public init(json: ArraySlice<UInt8>) throws(JournalLineError) {
    guard json.count <= Self.lengthLimit else { throw .tooLong }
    var reader = JournalLineParser(json)
    let id = try reader.required("id") { EventID($0) }
    let time = try reader.required("timestamp") { Timestamp.microseconds($0) }
    var record = AuditRecord(try reader.required("event_type") { EventType(rawValue: $0) })
    var subject = Subject()
    subject.sessionID = try reader.optional("session_id") { EventID($0) }
    subject.user = try reader.text("user")
    subject.clientAddress = try reader.text("client_ip")
    record.path = try reader.text("path").map { Array($0.utf8) }
    record.destination = try reader.text("dest_path").map { Array($0.utf8) }
    record.bytes = try reader.number("bytes")
    record.result = try reader.required("result") { EventResult(rawValue: $0) }
    record.details = try reader.text("details")
    record.protocol = try reader.optional("protocol") { EventProtocol(rawValue: $0) }
    guard let version = try reader.number("v"), (1...Self.version).contains(version) else { throw .value(of: "v") }
    guard let sequence = try reader.number("seq"), sequence > 0 else { throw .value(of: "seq") }
    let previous = try reader.required("prev") { LineHash($0) }
    let host = try reader.required("host") { $0 }
    subject.connection = try reader.number("connection_id")
    record.channel = try reader.small("channel")
    subject.clientPort = try reader.small("client_port")
    subject.clientVersion = try reader.text("client_version")
    subject.method = try reader.text("method")
    subject.keyFingerprint = try reader.text("key_fingerprint")
    record.command = try reader.text("command").map { Array($0.utf8) }
    record.exitStatus = try reader.small("exit_status")
    record.signal = try reader.text("signal")
    record.milliseconds = try reader.number("duration_ms")
    record.bytesIn = try reader.number("bytes_in")
    record.bytesOut = try reader.number("bytes_out")
    record.rule = try reader.text("rule")
    record.reason = try reader.text("reason").map { Reason(code: $0) }
    if version > 1 { subject.keyExchange = try reader.text("key_exchange") }
    if version > 2 {
      record.forwardKind = try reader.optional("forward_kind") { ForwardKind(rawValue: $0) }
      record.target = try reader.text("target")
      record.address = try reader.text("address")
      record.originator = try reader.text("originator")
    }
    for (key, field) in zip(Self.rawKeys, [\AuditRecord.path, \.destination, \.command]) {
      if let raw = try reader.raw(key, of: record[keyPath: field]) { record[keyPath: field] = raw }
    }
    try reader.end()
    self.init(
      AuditEvent(id: id, time: time, host: host, subject: subject, record: record), sequence: sequence,
      previous: previous)
  }
}

/// Parses the values of a line. Each method expects the key that comes next.
private struct JournalLineParser {
  private var reader: JSONReader
  private var isFirst = true

  init(_ bytes: ArraySlice<UInt8>) { reader = JSONReader(bytes) }

  private mutating func key(_ name: String) throws(JournalLineError) {
    guard reader.consumeKey(name, isFirst: isFirst) else { throw .missingKey(name) }
    isFirst = false
  }

  mutating func text(_ name: String) throws(JournalLineError) -> String? {
    try key(name)
    if reader.consume("null") { return nil }
    guard let text = reader.text() else { throw .value(of: name) }
    return text
  }

  mutating func number(_ name: String) throws(JournalLineError) -> UInt64? {
    try key(name)
    if reader.consume("null") { return nil }
    guard let number = reader.number() else { throw .value(of: name) }
    return number
  }

  mutating func small<Value: FixedWidthInteger>(_ name: String) throws(JournalLineError) -> Value? {
    guard let number = try number(name) else { return nil }
    guard let value = Value(exactly: number) else { throw .value(of: name) }
    return value
  }

  mutating func optional<Value>(
    _ name: String, _ convert: (String) -> Value?
  ) throws(JournalLineError) -> Value? {
    guard let text = try text(name) else { return nil }
    guard let value = convert(text) else { throw .value(of: name) }
    return value
  }

  mutating func required<Value>(
    _ name: String, _ convert: (String) -> Value?
  ) throws(JournalLineError) -> Value {
    guard let value = try optional(name, convert) else { throw .value(of: name) }
    return value
  }

  /// Parses the bytes whose text representation is `shown`; nil if the key is absent.
  mutating func raw(_ name: String, of shown: [UInt8]?) throws(JournalLineError) -> [UInt8]? {
    guard reader.consumeKey(name, isFirst: false) else { return nil }
    guard let text = reader.text(), let bytes = Base64.decode(Array(text.utf8)),
      String(validating: bytes, as: UTF8.self) == nil, let shown,
      String(decoding: bytes, as: UTF8.self).utf8.elementsEqual(shown)
    else { throw .value(of: name) }
    return bytes
  }

  mutating func end() throws(JournalLineError) {
    guard reader.consume("}"), reader.isAtEnd else { throw .rest }
  }
}
