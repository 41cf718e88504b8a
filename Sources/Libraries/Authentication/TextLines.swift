/// The lines of a file. Only the beginning of a long line is returned, because its comment may have any length.
struct TextLines: Sequence, IteratorProtocol, Sendable {
  /// How many bytes of a line are returned.
  static let limit = 8 << 10

  /// A line without its terminator and leading blanks.
  struct Line {
    /// Counted from 1.
    let number: Int
    /// At most the first ``TextLines/limit`` bytes of the line.
    let text: ArraySlice<UInt8>
    /// True if the line is longer than that.
    let isCut: Bool
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
    return Line(
      number: number, text: text.prefix(Self.limit).drop(while: isBlank), isCut: text.count > Self.limit)
  }
}
