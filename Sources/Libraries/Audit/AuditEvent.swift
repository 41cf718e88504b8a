import Wire

/// The connection and user that an event belongs to, as far as known.
public struct Subject: Equatable, Sendable {
  /// The UUID of the login; nil before there is one.
  public var sessionID: EventID?
  /// The user name that the client sent, whether or not such a user exists.
  public var user: String?
  /// The client's address, without brackets.
  public var clientAddress: String?
  /// The client's port.
  public var clientPort: UInt16?
  /// The number of the connection.
  public var connection: UInt64?
  /// The identification line that the client sent. RFC 4253, section 4.2
  public var clientVersion: String?
  /// The authentication methods attempted or granted: `publickey`, `publickey,totp`.
  public var method: String?
  /// The fingerprint of the key as `ssh-keygen -l` prints it: `SHA256:…`.
  public var keyFingerprint: String?
  /// The method of the first key exchange.
  public var keyExchange: String?

  public init() {}
}

/// An event: a line of the journal without its number and the hash of the line before.
public struct AuditEvent: Equatable, Sendable {
  /// Identifies the event; exporters may send an event twice.
  public var id: EventID
  /// Microseconds since 1970, UTC.
  public var time: Int64
  /// The name of the server. gethostname(2)
  public var host: String
  /// The connection and user.
  public var subject: Subject
  /// What happened.
  public var record: AuditRecord
  /// The series to which the event is written. It is not part of the line.
  public var series: JournalSeries

  /// - Parameter series: nil: the series of the event's type.
  public init(
    id: EventID, time: Int64, host: String, subject: Subject, record: AuditRecord, series: JournalSeries? = nil
  ) {
    self.series = series ?? record.type.series
    self.id = id
    self.time = time
    self.host = host
    self.subject = subject
    self.record = record
  }
}

/// A random number that identifies an event or a login: a UUID of version 4. RFC 9562, section 5.4
public struct EventID: Hashable, Sendable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64

  /// A new random identifier.
  public static func random(using generator: inout some RandomNumberGenerator) -> EventID {
    EventID(high: generator.next(), low: generator.next())
  }

  /// A new identifier from the system's random number generator.
  public static func random() -> EventID {
    var generator = SystemRandomNumberGenerator()
    return random(using: &generator)
  }

  /// Creates an identifier from 128 bits, of which those for version and variant are replaced.
  public init(high: UInt64, low: UInt64) {
    self.high = high & ~0xf000 | 0x4000
    self.low = low & ~(0b11 << 62) | 0b10 << 62
  }

  /// Parses a UUID of version 4 in lower case; nil for other text.
  public init?(_ text: some StringProtocol) {
    let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard groups.map(\.count) == [8, 4, 4, 4, 12] else { return nil }
    var digits: [UInt64] = []
    for digit in groups.joined() {
      guard let value = Hex.value(digit) else { return nil }
      digits.append(UInt64(value))
    }
    let number = { (part: ArraySlice<UInt64>) in part.reduce(0 as UInt64) { $0 << 4 | $1 } }
    self.init(high: number(digits[..<16]), low: number(digits[16...]))
    guard number(digits[..<16]) == high, number(digits[16...]) == low else { return nil }
  }

  /// `f81d4fae-7dec-41d0-a765-00a0c91e6bf6`
  public var description: String {
    let digits = [high, low].flatMap { part in
      stride(from: 60, through: 0, by: -4).map {
        "0123456789abcdef".utf8.dropFirst(Int(part >> UInt64($0) & 15)).first!
      }
    }
    var text = ""
    for (index, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(index) { text += "-" }
      text.unicodeScalars.append(Unicode.Scalar(digit))
    }
    return text
  }
}

extension EventID: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    self.init(high: try coder.number(value?.high), low: try coder.number(value?.low))
  }
}

extension Subject: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    sessionID = try coder.value(value?.sessionID)
    user = try coder.text(value?.user.map(AuditRecord.cut), max: AuditRecord.textLimit)
    clientAddress = try coder.text(value?.clientAddress.map(AuditRecord.cut), max: AuditRecord.textLimit)
    clientPort = try coder.number(value?.clientPort)
    connection = try coder.number(value?.connection)
    clientVersion = try coder.text(value?.clientVersion.map(AuditRecord.cut), max: AuditRecord.textLimit)
    method = try coder.text(value?.method.map(AuditRecord.cut), max: AuditRecord.textLimit)
    keyFingerprint = try coder.text(value?.keyFingerprint.map(AuditRecord.cut), max: AuditRecord.textLimit)
    keyExchange = try coder.text(value?.keyExchange.map(AuditRecord.cut), max: AuditRecord.textLimit)
  }
}

extension AuditEvent: WireFields {
  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    id = try coder.value(value?.id)
    time = try coder.number(value?.time)
    host = try coder.text(value?.host, max: 256)
    subject = try coder.value(value?.subject)
    record = try coder.value(value?.record)
    series = try coder.choice(value?.series)
  }
}
