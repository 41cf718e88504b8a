import Audit
import Testing

@Suite struct AsciicastWriterTests {
  /// A recording of an 80 x 24 terminal that began at 1 s of its clock.
  static func writer() -> AsciicastWriter {
    var writer = AsciicastWriter(
      .init(columns: 80, rows: 24, time: 1_700_000_000, title: "t", term: Array("xterm".utf8)), at: 1_000_000)
    _ = lines(of: &writer)
    return writer
  }

  static func lines(of writer: inout AsciicastWriter) -> [String] {
    var text = ""
    writer.drain { text += String(decoding: $0, as: UTF8.self) }
    return text.split(separator: "\n").map(String.init)
  }

  @Test func `the first line is a header of asciicast version 2`() {
    var writer = AsciicastWriter(
      .init(columns: 0, rows: 99_999, time: 1_700_000_000, title: "a\"b\u{1b}é", term: [0x78, 0xff]), at: 5)
    #expect(
      Self.lines(of: &writer) == [
        #"{"version": 2, "width": 80, "height": 65535, "timestamp": 1700000000, "title": "a\"b\u001bé", "#
          + #""env": {"TERM": "x\#u{fffd}"}}"#
      ])
  }

  @Test func `times are in microseconds from the start and never decrease`() {
    var writer = Self.writer()
    writer.output([0x61].span, at: 1_000_000)
    writer.input([0x0d].span, at: 1_000_001)
    writer.resized(columns: 100, rows: 0, at: 3_050_000)
    writer.output([0x62].span, at: 2)
    writer.output([0x62].span, at: 3_601_000_000)
    #expect(
      Self.lines(of: &writer) == [
        #"[0.000000, "o", "a"]"#, #"[0.000001, "i", "\r"]"#, #"[2.050000, "r", "100x24"]"#, #"[2.050000, "o", "b"]"#,
        #"[3600.000000, "o", "b"]"#,
      ])
  }

  @Test func `only control characters, quotation marks and backslashes are escaped`() {
    var writer = Self.writer()
    writer.output(Array((0..<128).map(UInt8.init)).span, at: 1_000_000)
    let line = Self.lines(of: &writer)[0]
    #expect(line.hasPrefix(#"[0.000000, "o", "\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\t\n\u000b"#))
    #expect(line.contains(##"\u001f !\"#$%&'()*+,-./0123456789:;<=>?@ABC"##))
    #expect(line.contains(#"XYZ[\\]^_`abc"#))
    #expect(line.hasSuffix(#"xyz{|}~\u007f"]"#))
  }

  /// Texts, some with invalid UTF-8, and some split within characters.
  static let texts: [[UInt8]] = [
    Array("aä€𝄞z".utf8), [0xc0, 0x80], [0xed, 0xa0, 0x80, 0x41], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82, 0x41],
    [0xf0, 0x9f, 0x98], [0xff, 0xfe, 0x80], [0xe2, 0x82, 0xe2, 0x82, 0xac], Array("日本語 text 😀\r\n".utf8),
  ]

  @Test(arguments: texts)
  func `a text split anywhere is recorded with all its characters`(text: [UInt8]) {
    // Swift replaces invalid UTF-8 as Unicode recommends.
    let expected = String(decoding: text, as: UTF8.self)
    for size in 1...text.count {
      var writer = Self.writer()
      for start in stride(from: 0, to: text.count, by: size) {
        writer.output(Array(text[start..<min(start + size, text.count)]).span, at: 1_000_000)
      }
      writer.finish(at: 1_000_000)
      let parts = Self.lines(of: &writer).map { $0.dropFirst(#"[0.000000, "o", ""#.count).dropLast(2) }
      #expect(Array(parts.joined().replacing(#"\r\n"#, with: "\r\n").utf8) == Array(expected.utf8))
    }
  }

  @Test func `an incomplete character of the input does not wait for output`() {
    var writer = Self.writer()
    writer.input([0xc3].span, at: 1_000_000)
    writer.output([0xa4].span, at: 1_000_000)
    writer.input([0xa4].span, at: 1_000_000)
    writer.output([0xe2, 0x82].span, at: 1_000_000)
    #expect(Self.lines(of: &writer) == ["[0.000000, \"o\", \"\u{fffd}\"]", "[0.000000, \"i\", \"ä\"]"])
    writer.finish(at: 2_000_000)
    #expect(Self.lines(of: &writer) == ["[1.000000, \"o\", \"\u{fffd}\"]"])
    writer.finish(at: 2_000_000)
    #expect(writer.waiting == 0)
  }

  @Test func `the waiting bytes are those written since the last drain`() {
    var writer = Self.writer()
    #expect(writer.waiting == 0)
    for _ in 0..<100 {
      writer.output([UInt8](repeating: 0, count: 32768).span, at: 1_000_000)
      #expect(writer.waiting > 6 * 32768 && writer.waiting < 6 * 32768 + 64)
      writer.drain { #expect($0.last == UInt8(ascii: "\n")) }
    }
  }
}
