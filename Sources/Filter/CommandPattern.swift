/// A pattern for a whole command line, which is bytes: `*` stands for any bytes or none, `?` for one byte, `\` takes the
/// next byte as it is, and all else stands for itself.
///
/// What a pattern allows must not be more than it says, though a shell reads the line. So a wildcard that allows stands
/// for plain bytes alone: letters, digits, space, `_ - . / : = + , @ % ~` and what is not ASCII. With those no shell
/// ends a command, begins another, redirects, substitutes, quotes or comments out; a pattern that needs any such byte
/// must have it as itself. A wildcard that forbids stands for every byte. Matching takes at most the pattern's length
/// times the line's.
public struct CommandPattern: Equatable, Sendable {
  /// The longest pattern, in bytes.
  public static let longest = 1024

  private enum Element: Equatable, Sendable {
    case byte(UInt8)
    case one
    case any
  }

  private let elements: [Element]

  /// Reads a pattern.
  public init(_ text: String) throws(GlobError) {
    var elements: [Element] = []
    var rest = text.utf8[...]
    guard !rest.isEmpty else { throw GlobError(description: "the pattern is empty") }
    guard rest.count <= Self.longest else {
      throw GlobError(description: "the pattern is longer than \(Self.longest) bytes")
    }
    guard !rest.contains(0) else { throw GlobError(description: "the pattern holds a NUL byte") }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "*"): elements.append(.any)
      case UInt8(ascii: "?"): elements.append(.one)
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst() else {
          throw GlobError(description: "'\\' at the end takes no byte as it is; write '\\\\'")
        }
        elements.append(.byte(escaped))
      default: elements.append(.byte(byte))
      }
    }
    self.elements = elements
  }

  /// True when it begins with a wildcard, and so says nothing about which program runs.
  public var isForAnyProgram: Bool { elements.first == .any || elements.first == .one }

  /// True when the line fits, its wildcards standing for plain bytes alone.
  public func allows(_ line: [UInt8]) -> Bool { matches(line, Self.isPlain) }

  /// True when the line fits, its wildcards standing for anything.
  public func forbids(_ line: [UInt8]) -> Bool { matches(line) { _ in true } }

  private func matches(_ line: [UInt8], _ isWild: (UInt8) -> Bool) -> Bool {
    // Whether the elements so far stand for the line so far: one row for each byte.
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
