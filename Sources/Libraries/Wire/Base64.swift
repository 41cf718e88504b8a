/// Base64. RFC 4648, section 4. Decoding is strict: only canonical text without whitespace or line breaks is accepted.
public enum Base64 {
  /// Encodes `bytes`; with `=` at the end if `padded`.
  public static func encode(_ bytes: some Collection<UInt8>, padded: Bool = true) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count / 3 + 1) * 4)
    var pending: UInt32 = 0
    var held = 0
    for byte in bytes {
      pending = pending << 8 | UInt32(byte)
      held += 1
      if held == 3 {
        for shift in [18, 12, 6, 0] as [UInt32] { text.append(digit(pending >> shift)) }
        (pending, held) = (0, 0)
      }
    }
    if held > 0 {
      pending <<= held == 1 ? 16 : 8
      for shift in ([18, 12, 6] as [UInt32]).prefix(held + 1) { text.append(digit(pending >> shift)) }
      if padded { for _ in held..<3 { text.append(UInt8(ascii: "=")) } }
    }
    return text
  }

  /// Decodes `text`; nil if it is not canonical Base64. Padding must be complete if `padded`, otherwise absent.
  ///
  /// The result is allocated once, so that wiping it leaves no other copy.
  public static func decode(_ text: some Collection<UInt8>, padded: Bool = true) -> [UInt8]? {
    var digits = text.count
    if padded {
      guard digits % 4 == 0 else { return nil }
      let padding = text.suffix(3).reversed().prefix { $0 == UInt8(ascii: "=") }.count
      guard padding <= 2 else { return nil }
      digits -= padding
    }
    guard digits % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits / 4 * 3 + 2)
    var pending: UInt32 = 0
    var held = 0
    for character in text.prefix(digits) {
      guard let value = value(character) else { return nil }
      pending = pending << 6 | value
      held += 1
      if held == 4 {
        for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: pending >> shift)) }
        (pending, held) = (0, 0)
      }
    }
    switch held {
    case 2:
      guard pending & 0xf == 0 else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: pending >> 4))
    case 3:
      guard pending & 0x3 == 0 else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: pending >> 10))
      bytes.append(UInt8(truncatingIfNeeded: pending >> 2))
    default: break
    }
    return bytes
  }

  private static func digit(_ value: UInt32) -> UInt8 {
    switch UInt8(truncatingIfNeeded: value & 63) {
    case let v where v < 26: UInt8(ascii: "A") + v
    case let v where v < 52: UInt8(ascii: "a") + (v - 26)
    case let v where v < 62: UInt8(ascii: "0") + (v - 52)
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func value(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
