/// Why a recording cannot be played.
public enum AsciicastError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The first line is not the header of an asciicast.
  case header
  /// The asciicast has another version.
  case version(String)
  /// A line is longer than ``AsciicastReader/lineLimit`` bytes.
  case tooLong
  /// A line is not an event.
  case event

  /// A sentence fragment for people.
  public var description: String {
    switch self {
    case .header: "not an asciicast: the first line is not a header"
    case .version(let version): "an asciicast of version \(version); versions 2 and 3 can be played"
    case .tooLong: "longer than \(AsciicastReader.lineLimit >> 20) MiB"
    case .event: "not an event of an asciicast"
    }
  }
}

/// Parses an asciicast line by line: version 2, which we and asciinema write, and version 3, which newer versions of
/// asciinema write.
public struct AsciicastReader: Sendable {
  /// Maximum length of a line in bytes.
  public static let lineLimit = 16 << 20

  /// Something that happened on the terminal.
  public struct Event: Equatable, Sendable {
    /// The type of the event.
    public enum Kind: Equatable, Sendable {
      case output, input, resize, marker, other
    }

    /// Microseconds since the start of the recording.
    public var time: Int64
    /// The type of the event.
    public var kind: Kind
    /// The data: output, input, the new size or the label of a marker.
    public var text: String
  }

  /// 2 or 3.
  public private(set) var version: UInt64 = 0
  /// The number of columns; 0 if not stated.
  public private(set) var columns: UInt64 = 0
  /// The number of rows; 0 if not stated.
  public private(set) var rows: UInt64 = 0
  /// Maximum time in microseconds that a player should wait between events; nil if not stated.
  public private(set) var idleLimit: Int64?
  /// The time of the last event.
  private var last: Int64 = 0

  /// Parses the header, which is the first line, without its newline.
  ///
  /// - Throws: `AsciicastError`: `tooLong`, `header` if the line is not a valid header, or `version` for a version
  ///   other than 2 and 3.
  public init(header: ArraySlice<UInt8>) throws(AsciicastError) {
    guard header.count <= AsciicastReader.lineLimit else { throw .tooLong }
    var reader = JSONReader(header)
    guard takeObject(&reader, depth: 0, { $0.take($1, &$2) }), reader.isAtEnd, version > 0 else { throw .header }
    guard version == 2 || version == 3 else { throw .version("\(version)") }
  }

  /// Parses a value of the header; false if it is invalid.
  private mutating func take(_ key: String, _ reader: inout JSONReader) -> Bool {
    switch key {
    case "version":
      guard let number = reader.number() else { return false }
      version = number
    case "width": return Self.takeNumber(&columns, &reader)
    case "height": return Self.takeNumber(&rows, &reader)
    case "idle_time_limit":
      if reader.consume("null") { return true }
      guard let time = reader.microseconds() else { return false }
      idleLimit = time
    // In version 3, `term` contains the size.
    case "term" where reader.isAtObject: return takeObject(&reader, depth: 1) { $0.takeSize($1, &$2) }
    default: return reader.skipValue(depth: 1)
    }
    return true
  }

  private mutating func takeSize(_ key: String, _ reader: inout JSONReader) -> Bool {
    switch key {
    case "cols": Self.takeNumber(&columns, &reader)
    case "rows": Self.takeNumber(&rows, &reader)
    default: reader.skipValue(depth: 2)
    }
  }

  private static func takeNumber(_ value: inout UInt64, _ reader: inout JSONReader) -> Bool {
    guard let number = reader.number() else { return false }
    value = number
    return true
  }

  private mutating func takeObject(
    _ reader: inout JSONReader, depth: Int,
    _ member: (inout AsciicastReader, String, inout JSONReader) -> Bool
  ) -> Bool {
    guard depth < 2, reader.consume("{") else { return false }
    reader.skipSpace()
    if !reader.consume("}") {
      repeat {
        reader.skipSpace()
        guard let key = reader.text() else { return false }
        reader.skipSpace()
        guard reader.consume(":") else { return false }
        reader.skipSpace()
        guard member(&self, key, &reader) else { return false }
        reader.skipSpace()
      } while reader.consume(",")
      guard reader.consume("}") else { return false }
    }
    if depth == 0 { reader.skipSpace() }
    return true
  }

  /// Parses a line after the header, without its newline; nil for an empty line, or a comment in version 3.
  ///
  /// Times never decrease: an event that is earlier than the previous one gets the time of that one.
  ///
  /// - Throws: `AsciicastError`: `tooLong`, or `event` if the line is not an event.
  public mutating func event(_ line: ArraySlice<UInt8>) throws(AsciicastError) -> Event? {
    guard line.count <= AsciicastReader.lineLimit else { throw .tooLong }
    if line.isEmpty || line == [UInt8(ascii: "\r")] { return nil }
    if version == 3, line.first == UInt8(ascii: "#") { return nil }
    var reader = JSONReader(line)
    guard reader.consume("[") else { throw .event }
    reader.skipSpace()
    guard let time = reader.microseconds(), reader.consumeComma(), let code = reader.text(), reader.consumeComma(),
      let text = reader.text()
    else { throw .event }
    reader.skipSpace()
    guard reader.consume("]") else { throw .event }
    reader.skipSpace()
    guard reader.isAtEnd else { throw .event }
    let (sum, overflow) = last.addingReportingOverflow(time)
    last = version == 3 ? (overflow ? last : sum) : max(last, time)
    let kind: Event.Kind =
      switch code {
      case "o": .output
      case "i": .input
      case "r": .resize
      case "m": .marker
      default: .other
      }
    return Event(time: last, kind: kind, text: text)
  }
}

extension JSONReader {
  /// True if an object is next.
  var isAtObject: Bool {
    var ahead = self
    return ahead.consume("{")
  }

  mutating func skipSpace() { while consume(" ") || consume("\t") || consume("\r") || consume("\n") {} }

  mutating func consumeComma() -> Bool {
    skipSpace()
    guard consume(",") else { return false }
    skipSpace()
    return true
  }

  /// Parses a number of seconds from 0 to about a hundred years; returns microseconds.
  mutating func microseconds() -> Int64? {
    guard let text = decimal(), let seconds = Double(text), seconds >= 0, seconds < 3.2e9 else { return nil }
    return Int64((seconds * 1_000_000).rounded())
  }

  /// Skips any value with at most 32 levels of nesting.
  mutating func skipValue(depth: Int) -> Bool {
    guard depth < 32 else { return false }
    if consume("{") { return skipMembers(until: "}", depth: depth, hasKeys: true) }
    if consume("[") { return skipMembers(until: "]", depth: depth, hasKeys: false) }
    return consume("null") || consume("true") || consume("false") || decimal() != nil || text() != nil
  }

  private mutating func skipMembers(until end: String, depth: Int, hasKeys: Bool) -> Bool {
    skipSpace()
    if consume(end) { return true }
    repeat {
      skipSpace()
      if hasKeys {
        guard text() != nil else { return false }
        skipSpace()
        guard consume(":") else { return false }
        skipSpace()
      }
      guard skipValue(depth: depth + 1) else { return false }
      skipSpace()
    } while consume(",")
    return consume(end)
  }
}
