/// Base32 (RFC 4648, section 6), tolerant of what people do when they copy it by hand.
public enum Base32 {
  /// Why text is not valid Base32. Contains only a position in the text, because the text is a secret.
  public enum DecodeError: Error, Equatable, Sendable {
    /// The character at this position, counted from 1, is not a Base32 digit.
    case character(Int)
    /// The number of digits cannot encode a whole number of bytes.
    case length
  }

  /// Encodes `bytes` in upper case without padding.
  public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 8 + 4) / 5)
    var pending: UInt32 = 0
    var held: UInt32 = 0
    for byte in bytes {
      pending = pending << 8 | UInt32(byte)
      held += 8
      while held >= 5 {
        held -= 5
        text.append(digit(pending >> held))
      }
      pending &= 0x1f
    }
    if held > 0 { text.append(digit(pending << (5 - held))) }
    return text
  }

  /// Decodes `text`. Accepts lower case, spaces anywhere and any amount of padding at the end.
  ///
  /// - Throws: `DecodeError.character` for a character that is not a digit, or a digit after padding;
  ///   `DecodeError.length` if the last group of digits is incomplete.
  public static func decode(_ text: some Collection<UInt8>) throws(DecodeError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 5 / 8)
    var pending: UInt32 = 0
    var held: UInt32 = 0
    var digits = 0
    var isPadded = false
    for (index, character) in text.enumerated() where character != UInt8(ascii: " ") {
      if character == UInt8(ascii: "="), digits > 0 {
        isPadded = true
        continue
      }
      guard !isPadded, let value = value(character) else { throw .character(index + 1) }
      digits += 1
      pending = (pending << 5 | value) & 0xfff
      held += 5
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: pending >> held))
      }
    }
    // Two, four, five, seven or eight digits complete a byte; their excess bits are ignored.
    guard ![1, 3, 6].contains(digits % 8) else { throw .length }
    return bytes
  }

  private static func digit(_ value: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value & 31)
    return value < 26 ? UInt8(ascii: "A") + value : UInt8(ascii: "2") + (value - 26)
  }

  private static func value(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a"))
    case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt32(character - UInt8(ascii: "2")) + 26
    default: nil
    }
  }
}
