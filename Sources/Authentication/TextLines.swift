/// The lines of a file, bounded: of a longer one the beginning is there, for its comment may be of any length.
struct TextLines: Sequence, IteratorProtocol, Sendable {
  /// Bytes of a line that are looked at.
  static let limit = 8 << 10

  /// A line, without its end and the blanks before it.
  struct Line {
    /// From 1.
    let number: Int
    /// The first ``TextLines/limit`` bytes of the line.
    let text: ArraySlice<UInt8>
    /// True when the line goes on behind them.
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
