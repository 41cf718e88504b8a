/// The sequences for terminals that draw, move, or set what only matters for that. XTerm Control Sequences
enum HarmlessSequences {
  /// ESC and one character: cursor, tabulators, keypad, character sets; `c` begins anew. Not `Z`, which asks.
  private static let escapes = Set("78DEHMc=>NO".utf8)
  /// ESC, one of these, and the name of a character set.
  private static let characterSets = Set("()*+".utf8)
  /// Ends of control sequences with numbers alone. Of `r`, `s` and `u` others have a mark before the numbers.
  private static let controls = Set("@ABCDEFGHIJKLMPSTXZ`abdefgmrsu".utf8)
  /// Modes that are set and reset: insert, newline.
  private static let modes = [4, 20]
  /// The same with `?`: keys of the cursor, inverse, origin, wrapping, blinking, cursor, reverse wrapping, margins, keypad,
  /// the second screen, synchronized output. None of those that make the terminal send something.
  private static let privateModes = [1, 5, 6, 7, 12, 25, 45, 47, 66, 69, 1047, 1048, 1049, 2026]
  private static let secondScreen = [47, 1047, 1049]

  /// True for a sequence that begins with ESC and has no CSI.
  static func contains(escape sequence: [UInt8]) -> Bool {
    guard sequence.count == 2 || sequence.count == 3 else { return false }
    if sequence.count == 2 { return escapes.contains(sequence[1]) }
    // Lines of double height or width, and the test pattern.
    if sequence[1] == UInt8(ascii: "#") { return (UInt8(ascii: "3")...UInt8(ascii: "8")).contains(sequence[2]) }
    return characterSets.contains(sequence[1])
  }

  /// What of a control sequence is harmless: all of it, some of its modes, or nothing; and whether the second screen is
  /// shown behind it, if it changes that.
  static func part(ofControl sequence: [UInt8]) -> (bytes: [UInt8], secondScreen: Bool?) {
    let final = sequence[sequence.count - 1]
    let parameters = sequence[2..<sequence.count - 1]
    // Terminals have counted to numbers that no screen has, and were busy with it.
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
    // With a mark, they spare what is protected.
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
