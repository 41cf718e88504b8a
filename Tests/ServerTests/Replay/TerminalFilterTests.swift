import Testing

@testable import Server

@Suite struct TerminalFilterTests {
  private func shown(_ text: String) -> String {
    var filter = TerminalFilter()
    return String(decoding: filter.pass(text.utf8), as: UTF8.self)
  }

  static let harmless = [
    "plain text\r\n\t\u{8}\u{7}", "äöü € 日本語 😀 \u{a0}", "\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[38;5;200m", "\u{1b}[4:3m",
    "\u{1b}[38:2::1:2:3m", "\u{1b}[H\u{1b}[2J\u{1b}[3;4H\u{1b}[10A\u{1b}[K\u{1b}[?J\u{1b}[?1K",
    "\u{1b}[5L\u{1b}[M\u{1b}[2P",
    "\u{1b}[3@\u{1b}[4X\u{1b}[5b\u{1b}[2Z\u{1b}[3g\u{1b}[2;10r", "\u{1b}[s\u{1b}[u\u{1b}7\u{1b}8",
    "\u{1b}c\u{1b}D\u{1b}E\u{1b}H\u{1b}M",
    "\u{1b}=\u{1b}>", "\u{1b}(0lqqk\u{1b}(B\u{e}x\u{f}", "\u{1b}#8\u{1b}#3",
    "\u{1b}[?25l\u{1b}[?25h\u{1b}[4h\u{1b}[?7l",
    "\u{1b}[?1049h\u{1b}[?1049l", "\u{1b}[?1;7;25h", "\u{1b}[!p", "\u{1b}[2 q", "\u{1b}[?2026h", "\u{1b}[1\n;2m",
  ]

  @Test(arguments: harmless)
  func `sequences that draw and move are passed on unchanged`(text: String) {
    // A control character in a sequence is executed before the sequence.
    #expect(shown(text) == text.replacing("\u{1b}[1\n;2m", with: "\n\u{1b}[1;2m"))
  }

  static let harmful: [(String, String)] = [
    (
      "questions",
      "\u{1b}[c\u{1b}[>c\u{1b}[=c\u{1b}[0c\u{1b}[5n\u{1b}[6n\u{1b}[?6n\u{1b}Z\u{1b}[x\u{5}\u{1b}[?1$p\u{1b}[?u"
    ),
    ("window", "\u{1b}[21t\u{1b}[8;100;200t\u{1b}[2t\u{1b}[>2t"),
    ("printer", "\u{1b}[5i\u{1b}[?5i\u{1b}[4i"),
    ("mouse and reports", "\u{1b}[?1000h\u{1b}[?1003h\u{1b}[?1006h\u{1b}[?1004h\u{1b}[?2004h\u{1b}[?9h\u{1b}[>4;2m"),
    ("keyboard lock, 132 columns", "\u{1b}[2h\u{1b}[?3h\u{1b}[12h"),
    ("title", "\u{1b}]0;title\u{7}\u{1b}]2;title\u{1b}\\\u{1b}ktitle\u{1b}\\"),
    ("clipboard", "\u{1b}]52;c;cm0gLXJmIC8K\u{7}\u{1b}]52;c;?\u{1b}\\"),
    ("colors", "\u{1b}]4;1;?\u{7}\u{1b}]10;?\u{7}\u{1b}]104\u{7}"),
    ("links and files", "\u{1b}]8;;file:///x\u{1b}\\\u{1b}]1337;File=name=a:AAAA\u{7}\u{1b}]7;file:///\u{7}"),
    ("keys", "\u{1b}P1;1|17/72656d6f7465\u{1b}\\\u{1b}P$qm\u{1b}\\\u{1b}P+q544e\u{1b}\\"),
    (
      "images, other strings",
      "\u{1b}_Gf=24,t=f;L2V0Yy9wYXNzd2Q=\u{1b}\\\u{1b}^x\u{1b}\\\u{1b}Xx\u{1b}\\\u{1b}Pq#0\u{1b}\\"
    ),
    ("C1", "\u{9b}6n\u{9d}0;x\u{9c}\u{90}\u{85}"),
    ("other controls", "\u{0}\u{1}\u{2}\u{3}\u{4}\u{6}\u{10}\u{11}\u{13}\u{7f}\u{1c}"),
    ("checksum, locator, rectangle", "\u{1b}[1;1;1;1;1;1*y\u{1b}[1'z\u{1b}[1;1;1;1${\u{1b}[1;2;3;4$r\u{1b}%G\u{1b} F"),
    ("huge numbers", "\u{1b}[999999999b\u{1b}[123456L"),
  ]

  @Test(arguments: harmful)
  func `sequences that do more are omitted`(kind: String, text: String) {
    // After an omitted C1 control, the rest is plain text.
    let rest = kind == "C1" ? "6n0;x" : ""
    #expect(shown("a\(text)b") == "a\(rest)b", "\(kind)")
  }

  @Test func `of several modes the harmless ones are set`() {
    #expect(shown("\u{1b}[?1;1000;25;2004h") == "\u{1b}[?1;25h")
    #expect(shown("\u{1b}[4;2h") == "\u{1b}[4h")
  }

  @Test func `the alternate screen is tracked`() {
    var filter = TerminalFilter()
    _ = filter.pass("\u{1b}[?1049h".utf8)
    #expect(filter.isOnSecondScreen)
    _ = filter.pass("\u{1b}[?25h\u{1b}[?1;1049l".utf8)
    #expect(!filter.isOnSecondScreen)
  }

  @Test func `an unterminated string or sequence shows nothing, and needs no memory`() {
    var filter = TerminalFilter()
    func pass(_ bytes: some Sequence<UInt8>) -> [UInt8] { filter.pass(bytes) }
    #expect(pass("\u{1b}]0;".utf8).isEmpty)
    for _ in 0..<100 { #expect(pass([UInt8](repeating: 0x61, count: 10_000)).isEmpty) }
    #expect(pass("\u{18}x".utf8) == Array("x".utf8))
    #expect(pass("\u{1b}[".utf8).isEmpty)
    for _ in 0..<100 { #expect(pass([UInt8](repeating: 0x31, count: 10_000)).isEmpty) }
    #expect(pass("my".utf8) == Array("y".utf8))
    #expect(pass(("\u{1b}" + String(repeating: "(", count: 1000)).utf8).count == 1000 - TerminalFilter.sequenceLimit)
  }

  @Test func `the output does not depend on how the text is split`() {
    let whole = Self.harmless.joined() + Self.harmful.map(\.1).joined(separator: "é") + "end"
    let expected = shown(whole)
    for size in [1, 2, 3, 7, 64] {
      var filter = TerminalFilter()
      let bytes = Array(whole.utf8)
      var parts: [UInt8] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        parts += filter.pass(bytes[start..<min(start + size, bytes.count)])
      }
      #expect(parts == Array(expected.utf8))
    }
  }

  @Test func `whatever a recording contains, only harmless output is shown, and filtering it again changes nothing`() {
    var state: UInt64 = 42
    func random(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    let pieces =
      [
        "\u{1b}", "[", "]", "P", "?", ">", "=", "!", " ", "$", "0", "1", "9", ";", ":", "h", "l", "m", "c", "n", "t",
        "\\",
      ]
      + ["\u{7}", "\u{18}", "\u{9b}", "\u{9c}", "\n", "é", "😀", "k", "#", "(", "q", "p", "J", "r", "1049", "1000"]
    for _ in 0..<5000 {
      let text = (0..<random(40)).map { _ in pieces[random(pieces.count)] }.joined()
      let once = shown(text)
      #expect(shown(once) == once, "\(text.debugDescription)")
      #expect(!once.unicodeScalars.contains { (0x80...0x9f).contains($0.value) })
      for bad in ["\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{1b}Z", "\u{1b}k"] {
        #expect(!once.contains(bad), "\(text.debugDescription)")
      }
    }
  }
}
