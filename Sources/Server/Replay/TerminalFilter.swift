/// Lets through what a recording may do to the terminal that shows it: text, and sequences that draw and move.
///
/// A recording is what some program wrote, and that program may have wanted more of a terminal than to show something:
/// that it answers (what it sends would be typed into the shell after the replay), that it stores, prints, or takes
/// something to the clipboard, gets other keys, another title or another size. So everything else is left out: strings
/// (OSC, DCS, APC, PM, SOS), questions, reports of the mouse, and C1 controls, which not all terminals take for what
/// they are. ECMA-48; XTerm Control Sequences
struct TerminalFilter {
  private enum State {
    case text
    /// Behind ESC.
    case escape
    /// Behind ESC and `[`, which is CSI.
    case control
    /// In a string, which is left out. `escaped`: behind an ESC in it, which with a backslash is its end.
    case string(escaped: Bool)
  }

  /// Bytes of a sequence that are kept; no longer one is let through.
  static let sequenceLimit = 128

  private var state = State.text
  private var sequence: [UInt8] = []
  /// The bytes of a character that is not ASCII.
  private var character: [UInt8] = []
  /// True while the second screen is shown, that of editors and pagers.
  private(set) var isOnSecondScreen = false

  /// What of `text`, which is UTF-8, is to be shown. Sequences may be cut anywhere.
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

  /// A byte of a character that is not ASCII, which is shown when it is whole, unless it is one of C1.
  private mutating func takePart(_ byte: UInt8, _ shown: inout [UInt8]) {
    if case .string = state {
      state = .string(escaped: false)
      return
    }
    // No sequence has such bytes.
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
    // They break a sequence off.
    case Self.cancel, Self.substitute: state = .text
    // BEL to SI; they work in the middle of a sequence, too.
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
    // What is too long is read to its end, and left out.
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
      // Anything else behind ESC ends the string as well, and begins something.
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
  /// What begins a string behind ESC: OSC, DCS, SOS, PM, APC, and the title of screen(1).
  private static let strings = Set("]PX^_k".utf8)
}
