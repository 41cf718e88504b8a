/// Parses a JSON object with strings, non-negative integers and `null` under known names, in a fixed order and without
/// whitespace, as in journal lines. RFC 8259
///
/// Each line has a single valid encoding, except for escapes in strings.
struct JSONReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// True at the end of the input.
  var isAtEnd: Bool { position == bytes.endIndex }

  /// Consumes these bytes if they are next.
  mutating func consume(_ expected: String) -> Bool {
    guard bytes[position...].starts(with: expected.utf8) else { return false }
    position += expected.utf8.count
    return true
  }

  /// Consumes the key `name` with its punctuation. `isFirst`: it is the first one of the object.
  mutating func consumeKey(_ name: String, isFirst: Bool) -> Bool {
    let start = position
    if consume(isFirst ? "{\"" : ",\""), consume(name), consume("\":") { return true }
    position = start
    return false
  }

  /// Parses a non-negative integer without leading zeros.
  mutating func number() -> UInt64? {
    let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
    guard digits.count == 1 || digits.first != 0x30, digits.count <= 20,
      let number = UInt64(String(decoding: digits, as: UTF8.self))
    else { return nil }
    position += digits.count
    return number
  }

  /// Parses the characters of a number, at most 32, without conversion.
  mutating func decimal() -> String? {
    let characters = bytes[position...].prefix { "+-.0123456789Ee".utf8.contains($0) }
    guard (1...32).contains(characters.count), let first = characters.first, first == 0x2d || first >= 0x30 else {
      return nil
    }
    position += characters.count
    return String(decoding: characters, as: UTF8.self)
  }

  /// Parses a string.
  mutating func text() -> String? {
    guard consume("\"") else { return nil }
    var plain: [UInt8] = []
    while let byte = next() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: plain, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escaped() else { return nil }
        plain.append(contentsOf: UTF8.encode(scalar)!)
      case ..<0x20: return nil
      default: plain.append(byte)
      }
    }
    return nil
  }

  private mutating func next() -> UInt8? {
    guard position < bytes.endIndex else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  /// Parses what follows a backslash.
  private mutating func escaped() -> Unicode.Scalar? {
    switch next() {
    case UInt8(ascii: "\""): "\""
    case UInt8(ascii: "\\"): "\\"
    case UInt8(ascii: "/"): "/"
    case UInt8(ascii: "b"): "\u{8}"
    case UInt8(ascii: "f"): "\u{c}"
    case UInt8(ascii: "n"): "\n"
    case UInt8(ascii: "r"): "\r"
    case UInt8(ascii: "t"): "\t"
    case UInt8(ascii: "u"): unicode()
    case nil, .some: nil
    }
  }

  /// Parses four hexadecimal digits, or two such groups with `\u` between them for a surrogate pair.
  private mutating func unicode() -> Unicode.Scalar? {
    guard let first = unit() else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard consume("\\u"), let second = unit(), UTF16.isTrailSurrogate(second) else { return nil }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private mutating func unit() -> UInt16? {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next(), let value = Hex.value((0x41...0x46).contains(byte) ? byte + 0x20 : byte) else {
        return nil
      }
      unit = unit << 4 | UInt16(value)
    }
    return unit
  }
}
