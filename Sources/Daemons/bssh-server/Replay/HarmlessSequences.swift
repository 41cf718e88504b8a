/// The terminal sequences that draw, move the cursor, or set what only affects these. XTerm Control Sequences
enum HarmlessSequences {
  /// ESC and one character: cursor, tab stops, keypad, character sets; `c` is a reset. Not `Z`, which asks for a
  /// response.
  private static let escapes = Set("78DEHMc=>NO".utf8)
  /// ESC, one of these, and the name of a character set.
  private static let characterSets = Set("()*+".utf8)
  /// Final bytes of control sequences that have numbers only. `r`, `s` and `u` have other meanings with a mark before
  /// the numbers.
  private static let controls = Set("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu".utf8)
  /// Modes that are set and reset: insert, newline.
  private static let modes = [4, 20]
  /// The same with `?`: cursor keys, inverse, origin, wrapping, blinking, cursor, reverse wrapping, margins, keypad,
  /// the alternate screen, synchronized output. None of those that make the terminal send something.
  private static let privateModes = [1, 5, 6, 7, 12, 25, 45, 47, 66, 69, 1047, 1048, 1049, 2026]
  private static let secondScreen = [47, 1047, 1049]

  /// True for a harmless sequence that begins with ESC and is not a CSI sequence.
  static func contains(escape sequence: [UInt8]) -> Bool {
    guard sequence.count == 2 || sequence.count == 3 else { return false }
    if sequence.count == 2 { return escapes.contains(sequence[1]) }
    // Double-height and double-width lines, and the test pattern.
    if sequence[1] == UInt8(ascii: "#") { return (UInt8(ascii: "3")...UInt8(ascii: "8")).contains(sequence[2]) }
    return characterSets.contains(sequence[1])
  }

  /// The harmless part of a control sequence: all of it, some of its modes, or nothing; and whether it switches to or
  /// from the alternate screen.
  static func part(ofControl sequence: [UInt8]) -> (bytes: [UInt8], secondScreen: Bool?) {
    let final = sequence[sequence.count - 1]
    let parameters = sequence[2..<sequence.count - 1]
    // Some terminals loop up to numbers that no screen has.
    guard parameters.split(whereSeparator: { !isDigit($0) }).allSatisfy({ $0.count <= 5 }) else { return ([], nil) }
    let mark = parameters.first.flatMap { $0 == UInt8(ascii: "?") ? $0 : nil }
    let numbers = parameters.dropFirst(mark == nil ? 0 : 1)
    let hasNumbersAlone = numbers.allSatisfy { (0x30...0x3b).contains($0) }
    switch final {
    case UInt8(ascii: "h"), UInt8(ascii: "l"):
      guard hasNumbersAlone else { return ([], nil) }
      let allowed = mark == nil ? modes : privateModes
      let kept = numbers.split(separator: UInt8(ascii: ";")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        .filter(allowed.contains)
      if kept.isEmpty { return ([], nil) }
      let text = "\u{1b}[\(mark == nil ? "" : "?")" + kept.map(String.init).joined(separator: ";")
      let changesScreen = mark != nil && kept.contains(where: secondScreen.contains)
      return (Array(text.utf8) + [final], changesScreen ? final == UInt8(ascii: "h") : nil)
    // With a mark, they keep protected characters.
    case UInt8(ascii: "J"), UInt8(ascii: "K"): return (hasNumbersAlone ? sequence : [], nil)
    // Soft reset.
    case UInt8(ascii: "p"): return (parameters.elementsEqual("!".utf8) ? sequence : [], nil)
    // The shape of the cursor.
    case UInt8(ascii: "q"):
      return (parameters.last == 0x20 && parameters.dropLast().allSatisfy(isDigit) ? sequence : [], nil)
    default: return (mark == nil && hasNumbersAlone && controls.contains(final) ? sequence : [], nil)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
