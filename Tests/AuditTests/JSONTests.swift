import Testing

@testable import Audit

@Suite struct JSONTests {
  private func written(_ text: String) -> String {
    var bytes: [UInt8] = []
    JSONText.append(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(arguments: [
    ("", #""""#), ("plain ~", #""plain ~""#), (#"a"b\c/"#, #""a\"b\\c/""#), ("\n\r\t", #""\n\r\t""#),
    ("\u{0}\u{1b}[31m", #""\u0000\u001b[31m""#), ("\u{7f}\u{9b}", #""\u007f\u009b""#), ("é😀", #""é😀""#),
    ("\u{202e}\u{2028}\u{2029}\u{feff}", #""\u202e\u2028\u2029\ufeff""#), ("\u{e0001}", #""\udb40\udc01""#),
  ])
  func `strings are encoded so that no terminal is controlled by them`(text: String, json: String) {
    #expect(written(text) == json)
    var reader = JSONReader(Array(json.utf8)[...])
    #expect(reader.text().map { Array($0.utf8) } == Array(text.utf8))
    #expect(reader.isAtEnd)
  }

  @Test(arguments: [
    (#""\u00e9\uD83D\uDE00\/\b\f""#, "é😀/\u{8}\u{c}" as String?), (#""\u00E9""#, "é"), (#""a"#, nil), (#"a"#, nil),
    (#""\x""#, nil), (#""\u12""#, nil), (#""\u123g""#, nil), (#""\ud800""#, nil), (#""\ud800\u0041""#, nil),
    (#""\udc00""#, nil), ("\"\n\"", nil), ("\"\u{1f}\"", nil), (#""\"#, nil), ("\"\\u\u{10}000\"", nil),
  ])
  func `escapes are decoded as the standard specifies`(json: String, text: String?) {
    var reader = JSONReader(Array(json.utf8)[...])
    #expect(reader.text() == text)
  }

  @Test func `a string that is not UTF-8 is refused`() {
    for bytes in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3]] as [[UInt8]] {
      var reader = JSONReader(([0x22] + bytes + [0x22])[...])
      #expect(reader.text() == nil)
    }
  }

  @Test(arguments: [
    ("0", 0 as UInt64?), ("7", 7), ("18446744073709551615", .max), ("18446744073709551616", nil), ("00", nil),
    ("01", nil), ("-1", nil), ("", nil), ("x", nil), ("99999999999999999999999999", nil),
  ])
  func `numbers are integers with a single notation`(json: String, number: UInt64?) {
    var reader = JSONReader(Array(json.utf8)[...])
    #expect(reader.number() == number)
    guard let number else { return }
    var bytes: [UInt8] = []
    JSONText.append(number, to: &bytes)
    #expect(bytes == Array(json.utf8))
  }
}
