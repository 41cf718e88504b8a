import System
import Testing

@Suite struct LogTests {
  /// Blocks until the time limit when the claim is false.
  @Test(.timeLimit(.minutes(5)), arguments: [Log.Style.plain, .journal, .syslog(program: "us", facility: 4)])
  func `the longest line fits into a pipe with room for 4096 bytes without blocking`(style: Log.Style) throws {
    let (reader, writer) = try Descriptor.pipe()
    let page = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<15 { try writer.writeAll(page) }
    var log = Log(threshold: .info, style: style, output: writer)
    log.write(.warning, String(repeating: "\u{202e}", count: 3000))
    for _ in 0..<15 { _ = try reader.read(count: page.count) }
    let line = try reader.read(count: page.count).bytes
    #expect(line.count > 4000)
    #expect(String(decoding: line, as: UTF8.self).contains("\\u{202e}…"))
  }

  private func lines(threshold: Log.Level, style: Log.Style, _ write: (inout Log) -> Void) throws -> [String] {
    let reader: Descriptor
    do {
      let pipe = try Descriptor.pipe()
      reader = pipe.reader
      var log = Log(threshold: threshold, style: style, output: pipe.writer)
      write(&log)
    }
    let text = String(decoding: try reader.readAll(limit: 1 << 20) ?? [], as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  @Test(arguments: [(Log.Level.error, 1), (.warning, 2), (.info, 3), (.debug, 4)])
  func `a line is written when it is important enough`(threshold: Log.Level, count: Int) throws {
    let levels = [Log.Level.error, .warning, .info, .debug]
    let written = try lines(threshold: threshold, style: .journal) { log in
      for level in levels { log.write(level, "x") }
    }
    #expect(written == Array(["<3>x", "<4>x", "<6>x", "<7>x"].prefix(count)))
    let log = Log(threshold: threshold, style: .plain)
    #expect(levels.filter(log.writes).count == count)
  }

  @Test func `a plain line begins with time and level, a syslog line with priority and program`() throws {
    let plain = try #require(try lines(threshold: .info, style: .plain) { $0.write(.warning, "x y") }.first)
    #expect(plain.hasSuffix("Z warning: x y") && plain.split(separator: " ").count == 4)
    let syslog = try lines(threshold: .info, style: .syslog(program: "us", facility: 4)) { $0.write(.info, "x") }
    #expect(syslog.first?.hasPrefix("<38>us[") == true && syslog.first?.hasSuffix("]: x") == true)
  }

  @Test func `no text forges a second line or hides in one`() throws {
    let written = try lines(threshold: .info, style: .journal) {
      $0.write(.info, "a\nb\r\u{1b}[2J\0\u{7f}\u{9b}\u{202e}ä\u{2066}\u{200f}\u{61c}\u{feff}\u{e000}")
    }
    #expect(
      written == [
        "<6>a\\x0ab\\x0d\\x1b[2J\\x00\\x7f\\x9b\\u{202e}ä\\u{2066}\\u{200f}\\u{61c}\\u{feff}\\u{e000}"
      ])
  }

  /// Direction marks, line separators, embeddings, isolates, a byte order mark, a soft hyphen, private use, a tag.
  @Test(arguments: [
    0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xad, 0xe000, 0xe0001,
  ])
  func `invisible and reordering characters are escaped`(value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let escaped = value < 0x100 ? "\\xad" : "\\u{\(String(value, radix: 16))}"
    #expect(Log.printable("a\(Character(scalar))b") == "a\(escaped)b")
    #expect(try lines(threshold: .info, style: .journal) { $0.write(.info, "\(scalar)") } == ["<6>" + escaped])
  }

  @Test func `letters, combining marks and symbols stay as they are`() {
    let text = "äß 漢字 – \u{301} '\\\"' €"
    #expect(Log.printable(text) == text)
  }

  @Test(.timeLimit(.minutes(5))) func `dropped lines are counted, and the next written line reports it`() throws {
    let (reader, writer) = try Descriptor.pipe()
    let page = [UInt8](repeating: 0, count: 4096)
    try writer.setNonBlocking()
    while try writer.write(page[...]) != .wouldBlock {}
    try writer.setNonBlocking(false)
    var log = Log(threshold: .info, style: .journal, output: writer)
    for _ in 0..<3 { log.write(.info, "lost") }
    try reader.setNonBlocking()
    while try reader.read(count: 1 << 16).outcome != .wouldBlock {}
    log.write(.info, "taken")
    log.write(.info, "too")
    let text = String(decoding: try reader.read(count: 1 << 16).bytes, as: UTF8.self)
    #expect(text == "<4>3 log lines were lost: nobody took them\n<6>taken\n<6>too\n")
  }
}
