import Wire

/// Why bytes are not a journal line.
public enum JournalLineError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line has more than ``JournalLine/lengthLimit`` bytes.
  case tooLong
  /// The next key is not this one.
  case missingKey(String)
  /// The value of this key is invalid.
  case value(of: String)
  /// Bytes follow the last value.
  case rest

  /// A sentence fragment for people.
  public var description: String {
    switch self {
    case .tooLong: "longer than \(JournalLine.lengthLimit) bytes"
    case .missingKey(let key): "'\(key)' is not in its place"
    case .value(let key): "'\(key)' has an invalid value"
    case .rest: "data follows the last value"
    }
  }
}

/// A line of the journal: an event, and its position in the chain.
///
/// A line is a JSON object with all ``keys`` in a fixed order; values that do not apply are `null`. Invalid UTF-8 is
/// replaced by U+FFFD, and the original bytes are added in Base64 under a key with the suffix `_raw` at the end.
public struct JournalLine: Equatable, Sendable {
  /// The version of the line format: `v`.
  public static let version: UInt64 = 3
  /// Maximum length of a line in bytes: all texts have their maximum length and every character is escaped.
  public static let lengthLimit = 432 << 10

  /// The keys of every line, in order.
  public static let keys = JournalKey.allCases.map(\.rawValue)
  /// The additional keys at the end of lines that need them.
  public static let rawKeys = ["path_raw", "dest_path_raw", "command_raw"]

  /// The event.
  public var event: AuditEvent
  /// The number of the line in its series, counted from 1 without gaps.
  public var sequence: UInt64
  /// The hash of the previous line in the series.
  public var previous: LineHash

  /// A line for `event` with this position in the chain.
  public init(_ event: AuditEvent, sequence: UInt64, previous: LineHash) {
    self.event = event
    self.sequence = sequence
    self.previous = previous
  }
}

extension JournalLine {
  /// The line, without a newline.
  public var json: [UInt8] {
    var writer = LineWriter()
    let (subject, record) = (event.subject, event.record)
    writer.text(event.id.description)
    writer.time(event.time)
    writer.text(record.type.rawValue)
    writer.text(subject.sessionID?.description)
    writer.text(subject.user)
    writer.text(subject.clientAddress)
    writer.bytes(record.path)
    writer.bytes(record.destination)
    writer.number(record.bytes)
    writer.text(record.result.rawValue)
    writer.text(record.details)
    writer.text(record.protocol?.rawValue)
    writer.number(Self.version)
    writer.number(sequence)
    writer.text(previous.description)
    writer.text(event.host)
    writer.number(subject.connection)
    writer.number(record.channel.map(UInt64.init))
    writer.number(subject.clientPort.map(UInt64.init))
    writer.text(subject.clientVersion)
    writer.text(subject.method)
    writer.text(subject.keyFingerprint)
    writer.bytes(record.command)
    writer.number(record.exitStatus.map(UInt64.init))
    writer.text(record.signal)
    writer.number(record.milliseconds)
    writer.number(record.bytesIn)
    writer.number(record.bytesOut)
    writer.text(record.rule)
    writer.text(record.reason?.code)
    writer.text(subject.keyExchange)
    writer.text(record.forwardKind?.rawValue)
    writer.text(record.target)
    writer.text(record.address)
    writer.text(record.originator)
    for (key, value) in zip(Self.rawKeys, [record.path, record.destination, record.command]) {
      if let value { writer.raw(key, value) }
    }
    return writer.finished()
  }
}

/// Encodes the values of a line, each under the next key.
private struct LineWriter {
  private var line: [UInt8] = []
  private var next = 0

  init() { line.reserveCapacity(1024) }

  private mutating func key() {
    line.append(UInt8(ascii: next == 0 ? "{" : ","))
    line.append(UInt8(ascii: "\""))
    line.append(contentsOf: JournalLine.keys[next].utf8)
    line.append(contentsOf: "\":".utf8)
    next += 1
  }

  private mutating func null() { line.append(contentsOf: "null".utf8) }

  mutating func text(_ value: String?) {
    key()
    if let value { JSONText.append(AuditRecord.cut(value), to: &line) } else { null() }
  }

  mutating func bytes(_ value: [UInt8]?) {
    key()
    if let value { JSONText.append(String(decoding: AuditRecord.cut(value), as: UTF8.self), to: &line) } else { null() }
  }

  mutating func number(_ value: UInt64?) {
    key()
    if let value { JSONText.append(value, to: &line) } else { null() }
  }

  mutating func time(_ value: Int64) {
    key()
    line.append(UInt8(ascii: "\""))
    Timestamp.append(value, to: &line)
    line.append(UInt8(ascii: "\""))
  }

  /// Adds the bytes unless their text representation is exact.
  mutating func raw(_ key: String, _ value: [UInt8]) {
    let value = AuditRecord.cut(value)
    guard String(validating: value, as: UTF8.self) == nil else { return }
    line.append(contentsOf: ",\"\(key)\":\"".utf8)
    line.append(contentsOf: Base64.encode(value))
    line.append(UInt8(ascii: "\""))
  }

  func finished() -> [UInt8] { line + [UInt8(ascii: "}")] }
}
