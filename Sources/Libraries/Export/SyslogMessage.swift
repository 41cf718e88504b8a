import Audit

/// An event as a syslog message, with its fields as structured data. RFC 5424, section 6
public struct SyslogMessage: Sendable {
  /// SD-ID of the structured data. The enterprise number is the one for documentation (RFC 5612), because this server
  /// has none.
  static let dataID = "bssh@32473"
  /// APP-NAME, and the identifier in journald.
  static let program = "bssh-audit"

  private let line: JournalLine
  private let facility: UInt8

  /// - Parameter facility: 0…23. RFC 5424, section 6.2.1
  public init(_ line: JournalLine, facility: UInt8) {
    self.line = line
    self.facility = facility
  }

  private var severity: Severity { line.event.record.severity }

  /// The message without a trailing newline.
  ///
  /// - Parameter isShort: omits the text for people and values longer than 256 bytes.
  public func rfc5424(isShort: Bool = false) -> [UInt8] {
    let priority = Int(facility) << 3 | severity.syslog
    var text = "<\(priority)>1 \(Timestamp.text(line.event.time)) \(Self.printable(line.event.host, 255))"
    text += " \(Self.program) - \(line.event.record.type.rawValue) [\(Self.dataID)"
    for field in EventFields(line).all where field.key != "timestamp" {
      if isShort && field.value.description.utf8.count > 256 { continue }
      text += " \(field.key)=\"\(Self.escaped(Self.oneLine(field.value.description)))\""
    }
    return Array((text + "] " + (isShort ? "" : Self.oneLine(EventFields.summary(line)))).utf8)
  }

  /// The message for journald: fields, with an explicit length if the value has several lines.
  ///
  /// https://systemd.io/JOURNAL_NATIVE_PROTOCOL
  public var journalEntry: [UInt8] {
    var bytes: [UInt8] = []
    Self.append("MESSAGE", EventFields.summary(line), to: &bytes)
    Self.append("PRIORITY", "\(severity.syslog)", to: &bytes)
    Self.append("SYSLOG_FACILITY", "\(facility)", to: &bytes)
    Self.append("SYSLOG_IDENTIFIER", Self.program, to: &bytes)
    for field in EventFields(line).all {
      Self.append("BSSH_" + field.key.uppercased(), field.value.description, to: &bytes)
    }
    return bytes
  }

  private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
    bytes += name.utf8
    if value.utf8.contains(UInt8(ascii: "\n")) {
      bytes.append(UInt8(ascii: "\n"))
      let length = UInt64(value.utf8.count)
      for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(shift))) }
    } else {
      bytes.append(UInt8(ascii: "="))
    }
    bytes += value.utf8
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Replaces everything but PRINTUSASCII by `_` and truncates to `limit` bytes; `-` for empty text. RFC 5424, section
  /// 6
  private static func printable(_ text: String, _ limit: Int) -> String {
    let bytes = text.utf8.map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "_") }.prefix(limit)
    return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
  }

  /// Escapes a PARAM-VALUE. RFC 5424, section 6.3.3
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" || scalar == "]" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }

  /// Escapes characters that could end a line or control a terminal, as `\u{a}`.
  private static func oneLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
