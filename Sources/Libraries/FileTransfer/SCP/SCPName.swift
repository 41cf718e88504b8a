/// Encodes names with a newline, which cannot be sent literally in a line of the protocol. vis(3), as OpenSSH's scp
/// uses it
enum SCPName {
  /// The encoded name. A name without a newline is unchanged. Otherwise every backslash is doubled, and each byte other
  /// than printable ASCII, space and tab is encoded: `\^J` for a newline, `\M-C` for 0xC3.
  static func line(_ name: [UInt8]) -> [UInt8] {
    guard name.contains(UInt8(ascii: "\n")) else { return name }
    return name.flatMap(spelled)
  }

  private static func spelled(_ byte: UInt8) -> [UInt8] {
    let backslash = UInt8(ascii: "\\")
    switch byte {
    case backslash: return [backslash, backslash]
    case 0x20...0x7e, UInt8(ascii: "\t"): return [byte]
    // Without the highest bit this is a space, which vis(3) encodes in octal.
    case 0xa0: return Array("\\240".utf8)
    default:
      let low = byte & 0x7f
      let control: [UInt8] = [UInt8(ascii: "^"), low == 0x7f ? UInt8(ascii: "?") : low + 0x40]
      let isControl = low < 0x20 || low == 0x7f
      if byte == low { return [backslash] + control }
      return [backslash, UInt8(ascii: "M")] + (isControl ? control : [UInt8(ascii: "-"), low])
    }
  }
}
