/// Encodes a recording of a terminal as an asciicast, version 2: JSON Lines with a header and one line per event.
///
/// An asciicast is UTF-8. A character that arrives in parts is kept until it is complete; invalid UTF-8 becomes U+FFFD.
/// Lines accumulate until ``drain(_:)``; a line has at most six bytes for each byte of its event.
public struct AsciicastWriter: Sendable {
  /// The content of the first line.
  public struct Header: Equatable, Sendable {
    /// The number of columns; 0 is written as 80.
    public var columns: UInt32
    /// The number of rows; 0 is written as 24.
    public var rows: UInt32
    /// Seconds since 1970.
    public var time: Int64
    /// Free text.
    public var title: String
    /// The value of TERM that the client sent.
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
  /// Number of valid bytes in `lines`.
  private var used = 0
  private var output = TerminalText()
  private var input = TerminalText()
  /// Microseconds of the monotonic clock.
  private let start: Int64
  private var last: Int64

  /// Writes the header.
  ///
  /// - Parameter time: the start of the recording, in microseconds of the clock used for events.
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

  /// Number of bytes that have not been drained.
  public var waiting: Int { used }

  /// Records output of the program. `time`: microseconds.
  public mutating func output(_ text: Span<UInt8>, at time: Int64) {
    event(UInt8(ascii: "o"), at: time) { $0.output.append(text, to: &$0.lines, at: &$0.used) }
  }

  /// Records input of the client. `time`: microseconds.
  public mutating func input(_ text: Span<UInt8>, at time: Int64) {
    event(UInt8(ascii: "i"), at: time) { $0.input.append(text, to: &$0.lines, at: &$0.used) }
  }

  /// Records a new size of the terminal. `time`: microseconds.
  public mutating func resized(columns: UInt32, rows: UInt32, at time: Int64) {
    let size = AsciicastWriter.size(columns, rows)
    event(UInt8(ascii: "r"), at: time) { $0.append("\(size.columns)x\(size.rows)") }
  }

  /// Ends the recording: writes incomplete characters as U+FFFD.
  public mutating func finish(at time: Int64) {
    event(UInt8(ascii: "o"), at: time) { $0.output.finish(&$0.lines, at: &$0.used) }
    event(UInt8(ascii: "i"), at: time) { $0.input.finish(&$0.lines, at: &$0.used) }
  }

  /// Passes all accumulated lines to `take` and drops them, even if it throws.
  ///
  /// - Throws: what `take` throws.
  public mutating func drain<Failure>(_ take: (ArraySlice<UInt8>) throws(Failure) -> Void) throws(Failure) {
    defer { used = 0 }
    try take(lines[..<used])
  }

  /// Adds a line with the text that `body` writes; no line if it writes nothing.
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
  /// Grows the array so that `count` more bytes fit after the first `used`.
  mutating func makeRoom(for count: Int, at used: Int) {
    let missing = used + count - self.count
    if missing > 0 { append(contentsOf: repeatElement(0, count: Swift.max(missing, self.count))) }
  }
}
