/// A pattern for a whole command line, which is a string of bytes: `*` matches any bytes or none, `?` one byte, `\`
/// makes the next byte literal, and every other byte matches itself.
///
/// A pattern must not allow more than it says when a shell interprets the line. Therefore the wildcards of an allowing
/// pattern match plain bytes only: letters, digits, space, `_ - . / : = + , @ % ~` and bytes that are not ASCII. With
/// these no shell ends a command, starts another, redirects, substitutes, quotes or comments. Any other byte has to
/// stand literally in the pattern. The wildcards of a forbidding pattern match every byte. Matching takes time
/// proportional to the length of the pattern times that of the line.
public struct CommandPattern: Equatable, Sendable {
  /// Longest pattern in bytes.
  public static let lengthLimit = 1024

  private enum Element: Equatable, Sendable {
    case byte(UInt8)
    case one
    case any
  }

  private let elements: [Element]

  /// Parses a pattern.
  ///
  /// - Throws: `GlobError` when the pattern is empty, longer than ``lengthLimit``, contains a NUL byte, or ends in an
  ///   unfinished escape.
  public init(_ text: String) throws(GlobError) {
    var elements: [Element] = []
    var rest = text.utf8[...]
    guard !rest.isEmpty else { throw GlobError(description: "the pattern is empty") }
    guard rest.count <= Self.lengthLimit else {
      throw GlobError(description: "the pattern is longer than \(Self.lengthLimit) bytes")
    }
    guard !rest.contains(0) else { throw GlobError(description: "the pattern contains a NUL byte") }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "*"): elements.append(.any)
      case UInt8(ascii: "?"): elements.append(.one)
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst() else {
          throw GlobError(description: "'\\' at the end quotes no byte; write '\\\\'")
        }
        elements.append(.byte(escaped))
      default: elements.append(.byte(byte))
      }
    }
    self.elements = elements
  }

  /// True when the pattern begins with a wildcard, so that it does not limit which program runs.
  public var isForAnyProgram: Bool { elements.first == .any || elements.first == .one }

  /// True when the line matches with wildcards that match plain bytes only.
  public func allows(_ line: [UInt8]) -> Bool { matches(line, Self.isPlain) }

  /// True when the line matches with wildcards that match every byte.
  public func forbids(_ line: [UInt8]) -> Bool { matches(line) { _ in true } }

  private func matches(_ line: [UInt8], _ isWild: (UInt8) -> Bool) -> Bool {
    // row[n]: the first n elements match the line so far. One row for each byte.
    var row = Array(repeating: false, count: elements.count + 1)
    row[0] = true
    for (place, element) in elements.enumerated() where element == .any { row[place + 1] = row[place] }
    for byte in line {
      var next = Array(repeating: false, count: elements.count + 1)
      let wild = isWild(byte)
      for (place, element) in elements.enumerated() {
        switch element {
        case .byte(let wanted): next[place + 1] = row[place] && byte == wanted
        case .one: next[place + 1] = row[place] && wild
        case .any: next[place + 1] = next[place] || row[place + 1] && wild
        }
      }
      guard next.contains(true) else { return false }
      row = next
    }
    return row[elements.count]
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...0xff:
      true
    default: plainMarks.contains(byte)
    }
  }

  private static let plainMarks = Array(" _-./:=+,@%~".utf8)
}
