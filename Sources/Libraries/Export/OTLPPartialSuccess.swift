/// `ExportLogsPartialSuccess`: the records that a receiver discarded from an accepted request.
enum OTLPPartialSuccess {
  /// Reads it from an `ExportLogsServiceResponse`.
  static func read(protobuf: [UInt8]) -> (rejected: UInt64, message: String) {
    var response = ProtobufReader(protobuf[...])
    while let (field, value) = response.next() {
      guard field == 1, case .bytes(let bytes) = value else { continue }
      var (rejected, message): (UInt64, String) = (0, "")
      var partial = ProtobufReader(bytes)
      while let (field, value) = partial.next() {
        switch (field, value) {
        case (1, .integer(let count)): rejected = count
        case (2, .bytes(let text)): message = String(decoding: text.prefix(1024), as: UTF8.self)
        default: continue
        }
      }
      return (rejected, message)
    }
    return (0, "")
  }

  /// Reads it from the JSON encoding. Searches for the two values at any depth, because nothing else matters.
  static func read(json: [UInt8]) -> (rejected: UInt64, message: String) {
    var (rejected, message): (UInt64, String) = (0, "")
    var rest = json[...]
    while let key = nextToken(&rest) {
      guard key == "rejectedLogRecords" || key == "errorMessage", nextToken(&rest) == ":", let value = nextToken(&rest)
      else { continue }
      if key == "errorMessage" { message = value } else { rejected = UInt64(value) ?? 0 }
    }
    return (rejected, message)
  }

  /// The next string without quotation marks, number, or single other character.
  private static func nextToken(_ rest: inout ArraySlice<UInt8>) -> String? {
    rest = rest.drop { $0 <= 0x20 }
    guard let first = rest.first else { return nil }
    guard first == UInt8(ascii: "\"") else {
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      let token = digits.isEmpty ? rest.prefix(1) : digits
      rest = rest.dropFirst(token.count)
      return String(decoding: token, as: UTF8.self)
    }
    rest = rest.dropFirst()
    var content: [UInt8] = []
    while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
      // A backslash is dropped and the character after it kept, even for escapes such as `
      // `.
      content.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
    }
    return String(decoding: content.prefix(1024), as: UTF8.self)
  }
}

/// Delays in HTTP responses. RFC 9110, sections 5.6.7 and 10.2.3
enum HTTPDate {
  /// The delay in milliseconds from `Retry-After`, which is a number of seconds or a date; nil if it is neither. `now`:
  /// seconds since 1970.
  static func retryAfter(_ text: String?, now: Int64) -> Int64? {
    guard let text else { return nil }
    if let seconds = UInt32(text) { return Int64(seconds) * 1000 }
    return seconds(text).map { max($0 - now, 0) * 1000 }
  }

  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`. The two obsolete formats are not supported.
  private static func seconds(_ text: String) -> Int64? {
    let words = text.utf8.split(separator: UInt8(ascii: " ")).map { String(Substring($0)) }
    guard words.count == 6, words[5] == "GMT", let day = UInt8(words[1]), (1...31).contains(day),
      let month = months.firstIndex(of: words[2]), let year = UInt16(words[3]), (1970...9999).contains(year)
    else { return nil }
    let time = words[4].utf8.split(separator: UInt8(ascii: ":")).compactMap { UInt8(String(Substring($0))) }
    guard time.count == 3, time[0] < 24, time[1] < 60, time[2] < 61 else { return nil }
    // A year that begins in March has its leap day at the end.
    let shifted = Int64(month < 2 ? month + 10 : month - 2)
    let y = Int64(year) - (month < 2 ? 1 : 0)
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (shifted * 306 + 5) / 10 + Int64(day) - 1 - 719_468
    return days * 86400 + Int64(time[0]) * 3600 + Int64(time[1]) * 60 + Int64(time[2])
  }
}
