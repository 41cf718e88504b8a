/// Writes what happens on a terminal as an asciicast, version 2: JSON Lines, a header and then a line for each event.
///
/// An asciicast is UTF-8. A character that comes in parts waits until it is whole; what is no UTF-8 becomes U+FFFD. Lines
/// gather here until they are drained: six times what one event holds at most, and what was gathered before it.
public struct AsciicastWriter: Sendable {
  /// What the first line says.
  public struct Header: Equatable, Sendable {
    /// Characters; 0 becomes what a terminal has that does not know.
    public var columns: UInt32
    public var rows: UInt32
    /// Seconds from 1970 on.
    public var time: Int64
    /// For people.
    public var title: String
    /// TERM, as the client gave it.
    public var term: [UInt8]

    public init(columns: UInt32, rows: UInt32, time: Int64, title: String, term: [UInt8]) {
      self.columns = columns
      self.rows = rows
      self.time = time
      self.title = title
      self.term = term
    }
  }

  private var lines: [UInt8] = []
  /// How many bytes of `lines` are taken.
  private var used = 0
  private var output = TerminalText()
  private var input = TerminalText()
  /// Microseconds of the clock that events go by.
  private let start: Int64
  private var last: Int64

  /// Begins with the header.
  ///
  /// - Parameter time: of the clock that events go by, in microseconds.
  public init(_ header: Header, at time: Int64) {
    start = time
    last = time
    let size = AsciicastWriter.size(header.columns, header.rows)
    append("{\"version\": 2, \"width\": \(size.columns), \"height\": \(size.rows), \"timestamp\": \(header.time), ")
    append("\"title\": \"")
    append(whole: Array(header.title.utf8))
    append("\", \"env\": {\"TERM\": \"")
    append(whole: header.term)
    append("\"}}\n")
  }

  /// Bytes that wait to be drained.
  public var waiting: Int { used }

  /// The program has written this on the terminal.
  public mutating func output(_ text: Span<UInt8>, at time: Int64) {
    event(UInt8(ascii: "o"), at: time) { $0.output.append(text, to: &$0.lines, at: &$0.used) }
  }

  /// The client has typed this.
  public mutating func input(_ text: Span<UInt8>, at time: Int64) {
    event(UInt8(ascii: "i"), at: time) { $0.input.append(text, to: &$0.lines, at: &$0.used) }
  }

  /// The terminal has another size.
  public mutating func resized(columns: UInt32, rows: UInt32, at time: Int64) {
    let size = AsciicastWriter.size(columns, rows)
    event(UInt8(ascii: "r"), at: time) { $0.append("\(size.columns)x\(size.rows)") }
  }

  /// Nothing more comes: writes what waits for the rest of a character.
  public mutating func finish(at time: Int64) {
    event(UInt8(ascii: "o"), at: time) { $0.output.finish(&$0.lines, at: &$0.used) }
    event(UInt8(ascii: "i"), at: time) { $0.input.finish(&$0.lines, at: &$0.used) }
  }

  /// Hands over all lines that wait, and forgets them.
  public mutating func drain<Failure>(_ take: (ArraySlice<UInt8>) throws(Failure) -> Void) throws(Failure) {
    defer { used = 0 }
    try take(lines[..<used])
  }

  /// A line with the text that `body` writes; none when it writes nothing.
  private mutating func event(_ type: UInt8, at time: Int64, _ body: (inout AsciicastWriter) -> Void) {
    let begin = used
    last = max(last, time)
    let passed = UInt64(last - start)
    append("[\(passed / 1_000_000).")
    var digits = passed % 1_000_000
    makeRoom(for: 6)
    for place in stride(from: used + 5, through: used, by: -1) {
      lines[place] = UInt8(ascii: "0") + UInt8(digits % 10)
      digits /= 10
    }
    used += 6
    append(", \"")
    append(Unicode.Scalar(type))
    append("\", \"")
    let text = used
    body(&self)
    guard used > text else {
      used = begin
      return
    }
    append("\"]\n")
  }

  private mutating func append(_ character: Unicode.Scalar) { append(String(character)) }

  private mutating func append(_ text: String) {
    makeRoom(for: text.utf8.count)
    for byte in text.utf8 {
      lines[used] = byte
      used += 1
    }
  }

  private mutating func append(whole text: [UInt8]) {
    var escaped = TerminalText()
    escaped.append(text.span, to: &lines, at: &used)
    escaped.finish(&lines, at: &used)
  }

  private mutating func makeRoom(for count: Int) { lines.makeRoom(for: count, at: used) }

  private static func size(_ columns: UInt32, _ rows: UInt32) -> (columns: UInt32, rows: UInt32) {
    (columns == 0 ? 80 : min(columns, 65535), rows == 0 ? 24 : min(rows, 65535))
  }
}

extension [UInt8] {
  /// Grows until `count` more bytes fit behind the first `used`.
  mutating func makeRoom(for count: Int, at used: Int) {
    let missing = used + count - self.count
    if missing > 0 { append(contentsOf: repeatElement(0, count: Swift.max(missing, self.count))) }
  }
}
