import Wire

/// Something that happened, as whoever saw it tells it: what, and not who or when, which the supervisor adds.
///
/// Never holds a secret: no password, no key, no value of a variable.
public struct Fact: Equatable, Sendable {
  /// Bytes of a path, a command or a text at most; what is longer is cut by ``cut``.
  public static let textLimit = 4096

  public var type: EventType
  public var result: EventResult
  public var `protocol`: EventProtocol?
  /// As the client sees it, absolute.
  public var path: [UInt8]?
  /// The second path of what has two; for a link, what it leads to.
  public var destination: [UInt8]?
  /// Bytes that were moved.
  public var bytes: UInt64?
  /// A sentence for people.
  public var details: String?
  /// The number of the channel in its connection.
  public var channel: UInt32?
  /// What was to be run, as the client wrote it.
  public var command: [UInt8]?
  public var exitStatus: UInt32?
  /// The signal that ended a command, without `SIG`. RFC 4254, section 6.10
  public var signal: String?
  public var milliseconds: UInt64?
  public var bytesIn: UInt64?
  public var bytesOut: UInt64?
  /// The name of the rule that decided.
  public var rule: String?
  /// Why, as far as the row of its type has reasons.
  public var reason: Reason?

  public init(_ type: EventType, _ result: EventResult = .success, _ protocol: EventProtocol? = nil) {
    self.type = type
    self.result = result
    self.protocol = `protocol`
  }

  /// The first ``textLimit`` bytes of a text.
  public static func cut(_ text: [UInt8]) -> [UInt8] { Array(text.prefix(textLimit)) }

  /// The first ``textLimit`` bytes of a text, without a part of a character.
  public static func cut(_ text: String) -> String {
    guard text.utf8.count > textLimit else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: textLimit)
    while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil { text.utf8.formIndex(before: &end) }
    return String(text[..<end])
  }
}

extension Fact: WireCodable {
  public func encode(to writer: inout WireWriter) {
    writer.text(type.rawValue)
    writer.text(result.rawValue)
    writer.optional(`protocol`) { $0.text($1.rawValue) }
    for value in [path, destination, command] { writer.optional(value) { $0.string(Fact.cut($1)) } }
    for value in [details, signal, rule] { writer.optional(value) { $0.text(Fact.cut($1)) } }
    writer.optional(reason) { $1.encode(to: &$0) }
    for value in [bytes, milliseconds, bytesIn, bytesOut] { writer.optional(value) { $0.uint64($1) } }
    for value in [channel, exitStatus] { writer.optional(value) { $0.uint32($1) } }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    guard let type = EventType(rawValue: try reader.text(limit: 64)),
      let result = EventResult(rawValue: try reader.text(limit: 64))
    else { throw .malformed }
    self.init(type, result)
    self.protocol = try reader.optional { (r: inout WireReader) throws(WireError) in
      guard let value = EventProtocol(rawValue: try r.text(limit: 64)) else { throw .malformed }
      return value
    }
    for field in [\Fact.path, \.destination, \.command] {
      self[keyPath: field] = try reader.optional { (r: inout WireReader) throws(WireError) in
        Array(try r.string(limit: Fact.textLimit))
      }
    }
    for field in [\Fact.details, \.signal, \.rule] {
      self[keyPath: field] = try reader.optional { (r: inout WireReader) throws(WireError) in
        try r.text(limit: Fact.textLimit)
      }
    }
    reason = try reader.optional { (r: inout WireReader) throws(WireError) in try Reason(from: &r) }
    for field in [\Fact.bytes, \.milliseconds, \.bytesIn, \.bytesOut] {
      self[keyPath: field] = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    }
    for field in [\Fact.channel, \.exitStatus] {
      self[keyPath: field] = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint32() }
    }
  }
}
