/// The lines of a file, bounded: one that is too long is told as a whole, and its tail is no line.
struct TextLines: Sequence, IteratorProtocol, Sendable {
  /// The longest line, in bytes without its end.
  static let limit = 8 << 10

  /// A line, without its end and the blanks before it.
  struct Line {
    /// From 1.
    let number: Int
    /// nil: it is too long.
    let text: ArraySlice<UInt8>?
  }

  private var rest: ArraySlice<UInt8>
  private var number = 0

  init(_ content: ArraySlice<UInt8>) { rest = content }

  /// The next line; nil at the end.
  mutating func next() -> Line? {
    guard !rest.isEmpty else { return nil }
    let end = rest.firstIndex(of: UInt8(ascii: "\n"))
    var text = rest[..<(end ?? rest.endIndex)]
    rest = end.map { rest[($0 + 1)...] } ?? []
    number += 1
    if text.last == UInt8(ascii: "\r") { text = text.dropLast() }
    return Line(number: number, text: text.count <= Self.limit ? text.drop(while: isBlank) : nil)
  }
}
