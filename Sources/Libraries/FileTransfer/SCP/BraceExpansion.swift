import Glibc
import Model
import System

/// Expands `{a,b}` and `{1..3}` of unquoted words as bash(1) does, before all other expansions.
///
/// Braces without a comma or a sequence, and an unmatched brace, are literal.
struct BraceExpansion {
  /// Bytes of memory that the expansion of one word may take.
  static let sizeLimit = 1 << 20
  /// Deepest nesting of braces.
  static let deepest = 64

  /// A part of a word: bytes, or alternatives, each a sequence of parts.
  private indirect enum Part {
    case text(ShellWord)
    case choice([[Part]])
  }

  /// A brace that is not closed yet.
  private struct Open {
    var alternatives: [[Part]] = []
    var current: [Part] = []
  }

  /// The words that `word` expands to, in the order in which they are written.
  ///
  /// - Throws: `.system` with E2BIG when the result exceeds ``sizeLimit`` or braces are nested deeper than ``deepest``.
  static func words(_ word: ShellWord) throws(FileError) -> [ShellWord] {
    let opening = UInt8(ascii: "{")
    guard zip(word.bytes, word.isBare).contains(where: { $0 == (opening, true) }) else { return [word] }
    var size = 0
    // As in a shell, unquoted empty words are dropped.
    return try expand(parts(word), &size).filter { !$0.bytes.isEmpty }
  }

  // MARK: Parsing

  private static func parts(_ word: ShellWord) throws(FileError) -> [Part] {
    var outermost = Open()
    var open: [Open] = []
    for (byte, isBare) in zip(word.bytes, word.isBare) {
      switch byte {
      case UInt8(ascii: "{") where isBare:
        guard open.count < deepest else { throw tooMany }
        open.append(outermost)
        outermost = Open()
      case UInt8(ascii: ",") where isBare && !open.isEmpty:
        outermost.alternatives.append(outermost.current)
        outermost.current = []
      case UInt8(ascii: "}") where isBare && !open.isEmpty:
        let closed = outermost
        outermost = open.removeLast()
        if !closed.alternatives.isEmpty {
          outermost.current.append(.choice(closed.alternatives + [closed.current]))
        } else if let sequence = try sequence(closed.current) {
          outermost.current.append(.choice(sequence.map { [.text($0)] }))
        } else {
          append("{", &outermost.current)
          outermost.current += closed.current
          append("}", &outermost.current)
        }
      default: append(byte, isBare, &outermost.current)
      }
    }
    while !open.isEmpty {
      let unclosed = outermost
      outermost = open.removeLast()
      append("{", &outermost.current)
      for alternative in unclosed.alternatives {
        outermost.current += alternative
        append(",", &outermost.current)
      }
      outermost.current += unclosed.current
    }
    return outermost.current
  }

  private static func append(_ byte: UInt8, _ isBare: Bool, _ parts: inout [Part]) {
    if case .text(var text) = parts.last {
      parts.removeLast()
      text.bytes.append(byte)
      text.isBare.append(isBare)
      parts.append(.text(text))
    } else {
      parts.append(.text(ShellWord(bytes: [byte], isBare: [isBare])))
    }
  }

  private static func append(_ text: String, _ parts: inout [Part]) {
    for byte in text.utf8 { append(byte, true, &parts) }
  }

  // MARK: Sequences

  /// `1..3`, `01..10` or `a..e`, each optionally with an increment: `1..9..2`. nil for anything else.
  private static func sequence(_ parts: [Part]) throws(FileError) -> [ShellWord]? {
    guard parts.count == 1, case .text(let word) = parts[0], word.bytes.count <= 64,
      word.isBare.allSatisfy({ $0 })
    else { return nil }
    let fields = String(decoding: word.bytes, as: UTF8.self).components(between: "..")
    guard fields.count == 2 || fields.count == 3 else { return nil }
    guard let step = fields.count == 3 ? number(fields[2]) : 1, step != .min else { return nil }
    if let first = number(fields[0]), let last = number(fields[1]) {
      let isPadded = fields[0...1].contains { $0.drop { $0 == "-" }.hasPrefix("0") && $0.drop { $0 == "-" }.count > 1 }
      let width = isPadded ? max(fields[0].count, fields[1].count) : 0
      return try steps(from: first, to: last, by: step).map { padded($0, to: width) }
    }
    guard let first = letter(fields[0]), let last = letter(fields[1]) else { return nil }
    return try steps(from: Int64(first), to: Int64(last), by: step).map { code in
      ShellWord(bytes: [UInt8(truncatingIfNeeded: code)], isBare: [false])
    }
  }

  private static func number(_ text: Substring) -> Int64? {
    guard text.utf8.count <= 20 else { return nil }
    return Int64(text)
  }

  private static func letter(_ text: Substring) -> UInt8? {
    guard text.utf8.count == 1, let byte = text.utf8.first, (0x41...0x5a).contains(byte & ~0x20) else { return nil }
    return byte
  }

  private static func steps(from first: Int64, to last: Int64, by step: Int64) throws(FileError) -> [Int64] {
    let width = step == 0 ? 1 : step.magnitude
    let distance = first <= last ? last.subtract(first) : first.subtract(last)
    guard distance / width < UInt64(sizeLimit / 64) else { throw tooMany }
    // Each result is between the two, although `way` alone may overflow.
    return (0...distance / width).map { index in
      let way = Int64(bitPattern: index &* width)
      return first <= last ? first &+ way : first &- way
    }
  }

  private static func padded(_ number: Int64, to width: Int) -> ShellWord {
    let digits = String(number.magnitude)
    let sign = number < 0 ? "-" : ""
    let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count - sign.utf8.count))
    let bytes = Array((sign + zeros + digits).utf8)
    return ShellWord(bytes: bytes, isBare: bytes.map { _ in true })
  }

  // MARK: Expanding

  private static func expand(_ parts: [Part], _ size: inout Int) throws(FileError) -> [ShellWord] {
    var words = [ShellWord()]
    for part in parts {
      let endings: [ShellWord]
      switch part {
      case .text(let text): endings = [text]
      case .choice(let alternatives):
        var all: [ShellWord] = []
        for alternative in alternatives { all += try expand(alternative, &size) }
        endings = all
      }
      var next: [ShellWord] = []
      for word in words {
        for ending in endings {
          // Each word takes two heap objects.
          size += 2 * (word.bytes.count + ending.bytes.count + 64)
          guard size <= sizeLimit else { throw tooMany }
          next.append(ShellWord(bytes: word.bytes + ending.bytes, isBare: word.isBare + ending.isBare))
        }
      }
      words = next
    }
    return words
  }

  private static var tooMany: FileError { .system(SystemError("glob", code: E2BIG)) }
}

extension Int64 {
  /// The distance to `other`, which must not be greater.
  fileprivate func subtract(_ other: Int64) -> UInt64 { UInt64(bitPattern: self &- other) }
}

extension String {
  fileprivate func components(between separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let place = rest.firstRange(of: separator) {
      parts.append(rest[..<place.lowerBound])
      rest = rest[place.upperBound...]
    }
    return parts + [rest]
  }
}
