/// Encodes bytes as the content of a JSON string. Valid UTF-8 is kept; invalid UTF-8 becomes U+FFFD, one for each
/// maximal subpart. RFC 8259, section 7; Unicode, section 3.9
///
/// Text may be split anywhere: an incomplete character is kept for the next part.
struct TerminalText: Sendable {
  /// An incomplete character, at most 3 bytes.
  private var beginning: [UInt8] = []

  /// The encoding of each byte: 0 for itself, a character that follows a backslash, `u` for hexadecimal, or 1 for a
  /// byte that is not ASCII.
  private static let meaning: [UInt8] = (0..<256).map { byte in
    switch UInt8(byte) {
    case UInt8(ascii: "\n"): UInt8(ascii: "n")
    case UInt8(ascii: "\r"): UInt8(ascii: "r")
    case UInt8(ascii: "\t"): UInt8(ascii: "t")
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(byte)
    case 0..<0x20, 0x7f: UInt8(ascii: "u")
    case 0x80...: 1
    default: 0
    }
  }

  /// Writes `text` into `target` at `used`, and advances `used`.
  mutating func append(_ text: Span<UInt8>, to target: inout [UInt8], at used: inout Int) {
    if beginning.isEmpty { return write(text, to: &target, at: &used) }
    var whole = beginning
    for index in text.indices { whole.append(text[index]) }
    beginning = []
    write(whole.span, to: &target, at: &used)
  }

  /// Ends the text: an incomplete character becomes U+FFFD.
  mutating func finish(_ target: inout [UInt8], at used: inout Int) {
    if beginning.isEmpty { return }
    beginning = []
    target.makeRoom(for: 3, at: used)
    var space = target.mutableSpan
    TerminalText.replace(&space, &used)
  }

  private mutating func write(_ text: Span<UInt8>, to target: inout [UInt8], at used: inout Int) {
    // No byte becomes more than six.
    target.makeRoom(for: 6 * text.count, at: used)
    let meaning = TerminalText.meaning.span
    var space = target.mutableSpan
    var end = used
    var index = 0
    while index < text.count {
      let run = TerminalText.plainBytes(of: text.extracting(index..<text.count))
      if run > 0 {
        let source = text.extracting(index..<index &+ run)
        for offset in 0..<run { space[end &+ offset] = source[offset] }
        end += run
        index += run
        guard index < text.count else { break }
      }
      let byte = text[index]
      let kind = meaning[Int(byte)]
      if kind == 1 {
        let length = TerminalText.length(of: text, at: index)
        switch length {
        case .whole(let count):
          for place in index..<index + count {
            space[end] = text[place]
            end += 1
          }
          index += count
        case .broken(let count):
          TerminalText.replace(&space, &end)
          index += count
        case .incomplete:
          for place in index..<text.count { beginning.append(text[place]) }
          index = text.count
        }
      } else {
        space[end] = UInt8(ascii: "\\")
        space[end + 1] = kind
        end += 2
        index += 1
        if kind == UInt8(ascii: "u") {
          space[end] = UInt8(ascii: "0")
          space[end + 1] = UInt8(ascii: "0")
          space[end + 2] = Hex.digit(byte >> 4)
          space[end + 3] = Hex.digit(byte & 15)
          end += 4
        }
      }
    }
    used = end
  }

  /// The number of bytes at the beginning that need no escaping.
  ///
  /// Most of the cost of a recording is here, so sums are not checked for overflow; the ranges made of them are.
  @inline(__always) private static func plainBytes(of text: Span<UInt8>) -> Int {
    var index = 0
    while text.count - index >= 8 {
      guard isPlain(word(text.extracting(index..<index &+ 8))) else { break }
      index &+= 8
    }
    while index < text.count {
      let byte = text[index]
      if byte &- 0x20 >= 0x5f || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      index &+= 1
    }
    return index
  }

  /// Eight bytes; the first one is the least significant.
  @inline(__always) private static func word(_ text: Span<UInt8>) -> UInt64 {
    let low = UInt64(text[0]) | UInt64(text[1]) &<< 8 | UInt64(text[2]) &<< 16 | UInt64(text[3]) &<< 24
    let high = UInt64(text[4]) | UInt64(text[5]) &<< 8 | UInt64(text[6]) &<< 16 | UInt64(text[7]) &<< 24
    return low | high &<< 32
  }

  /// True if all eight bytes are from 0x20 to 0x7e, except quotation marks and backslashes.
  ///
  /// The lowest byte that is not sets its own highest bit in one of the terms; carries into higher bytes then do not
  /// matter.
  @inline(__always) private static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let control = word &- ones &* 0x20
    let delete = word &+ ones
    let quote = (word ^ (ones &* 0x22)) &- ones
    let backslash = (word ^ (ones &* 0x5c)) &- ones
    return (word | control | delete | quote | backslash) & (ones &* 0x80) == 0
  }

  /// How many bytes at a position belong together.
  private enum Length {
    /// A complete character.
    case whole(Int)
    /// These bytes cannot be part of any character.
    case broken(Int)
    /// The text ends within a character.
    case incomplete
  }

  /// The length of the character at `start`, which is not ASCII. Unicode, table 3-7
  private static func length(of text: Span<UInt8>, at start: Int) -> Length {
    let count: Int
    var second: ClosedRange<UInt8> = 0x80...0xbf
    switch text[start] {
    case 0xc2...0xdf: count = 2
    case 0xe0: (count, second) = (3, 0xa0...0xbf)
    case 0xed: (count, second) = (3, 0x80...0x9f)
    case 0xe1...0xef: count = 3
    case 0xf0: (count, second) = (4, 0x90...0xbf)
    case 0xf1...0xf3: count = 4
    case 0xf4: (count, second) = (4, 0x80...0x8f)
    default: return .broken(1)
    }
    for offset in 1..<count {
      guard offset < text.count - start else { return .incomplete }
      let allowed = offset == 1 ? second : 0x80...0xbf
      if !allowed.contains(text[start + offset]) { return .broken(offset) }
    }
    return .whole(count)
  }

  /// Writes U+FFFD.
  private static func replace(_ space: inout MutableSpan<UInt8>, _ end: inout Int) {
    space[end] = 0xef
    space[end + 1] = 0xbf
    space[end + 2] = 0xbd
    end += 3
  }
}
