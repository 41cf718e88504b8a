/// Passes on what a recording may do to the terminal that shows it: text, and sequences that draw and move the cursor.
///
/// A recording contains the output of a program, which may have intended more than showing something: to make the
/// terminal send a response (which would be typed into the shell after the replay), to store, print or copy something
/// to the clipboard, or to change keys, title or size. Therefore everything else is omitted: strings (OSC, DCS, APC,
/// PM, SOS), queries, mouse reports, and C1 controls, which terminals interpret differently. ECMA-48; XTerm Control
/// Sequences
struct TerminalFilter {
  private enum State {
    case text
    /// After ESC.
    case escape
    /// After ESC and `[`, which is CSI.
    case control
    /// In a string, which is omitted. `escaped`: after an ESC in it, which together with a backslash ends it.
    case string(escaped: Bool)
  }

  /// Limit in bytes for a sequence; a longer one is omitted.
  static let sequenceLimit = 128

  private var state = State.text
  private var sequence: [UInt8] = []
  /// The bytes so far of a character that is not ASCII.
  private var character: [UInt8] = []
  /// True while the alternate screen is shown, which editors and pagers use.
  private(set) var isOnSecondScreen = false

  /// The part of `text`, which is UTF-8, that is shown. Sequences may be split anywhere.
  mutating func pass(_ text: some Sequence<UInt8>) -> [UInt8] {
    var shown: [UInt8] = []
    for byte in text {
      if byte >= 0x80 {
        takePart(byte, &shown)
      } else {
        character = []
        takeASCII(byte, &shown)
      }
    }
    return shown
  }

  /// Handles a byte of a character that is not ASCII, which is shown when it is complete, unless it is a C1 control.
  private mutating func takePart(_ byte: UInt8, _ shown: inout [UInt8]) {
    if case .string = state {
      state = .string(escaped: false)
      return
    }
    // No sequence contains such bytes.
    state = .text
    if byte & 0xc0 != 0x80 { character = [] }
    character.append(byte)
    guard let first = character.first, character.count == (first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2) else { return }
    defer { character = [] }
    guard let scalar = String(validating: character, as: UTF8.self)?.unicodeScalars.first, scalar.value >= 0xa0 else {
      return
    }
    shown += character
  }

  private mutating func takeASCII(_ byte: UInt8, _ shown: inout [UInt8]) {
    if case .string(let escaped) = state { return takeString(byte, escaped: escaped, &shown) }
    switch byte {
    case Self.escape:
      sequence = [byte]
      state = .escape
    // They cancel a sequence.
    case Self.cancel, Self.substitute: state = .text
    // BEL to SI; they are executed in the middle of a sequence, too.
    case 0x07...0x0f: shown.append(byte)
    case ..<0x20, 0x7f: break
    default:
      switch state {
      case .text, .string: shown.append(byte)
      case .escape: takeEscape(byte, &shown)
      case .control: takeControl(byte, &shown)
      }
    }
  }

  private mutating func takeEscape(_ byte: UInt8, _ shown: inout [UInt8]) {
    let isFirst = sequence.count == 1
    sequence.append(byte)
    if isFirst && byte == UInt8(ascii: "[") {
      state = .control
    } else if isFirst && Self.strings.contains(byte) {
      state = .string(escaped: false)
    } else if byte >= 0x30 {
      state = .text
      if HarmlessSequences.contains(escape: sequence) { shown += sequence }
    } else if sequence.count > Self.sequenceLimit {
      state = .text
    }
  }

  private mutating func takeControl(_ byte: UInt8, _ shown: inout [UInt8]) {
    // What is too long is read to its end and omitted.
    if sequence.count <= Self.sequenceLimit { sequence.append(byte) }
    guard byte >= 0x40 else { return }
    state = .text
    guard sequence.count <= Self.sequenceLimit else { return }
    let (bytes, secondScreen) = HarmlessSequences.part(ofControl: sequence)
    shown += bytes
    if let secondScreen { isOnSecondScreen = secondScreen }
  }

  private mutating func takeString(_ byte: UInt8, escaped: Bool, _ shown: inout [UInt8]) {
    switch byte {
    case Self.bell, Self.cancel, Self.substitute: state = .text
    case Self.escape: state = .string(escaped: true)
    case UInt8(ascii: "\\") where escaped: state = .text
    case _ where escaped:
      // Anything else after ESC ends the string as well, and starts a new sequence.
      sequence = [Self.escape]
      state = .escape
      takeASCII(byte, &shown)
    default: break
    }
  }

  private static let escape: UInt8 = 0x1b
  private static let bell: UInt8 = 0x07
  private static let cancel: UInt8 = 0x18
  private static let substitute: UInt8 = 0x1a
  /// What starts a string after ESC: OSC, DCS, SOS, PM, APC, and the title of screen(1).
  private static let strings = Set("]PX^_k".utf8)
}
