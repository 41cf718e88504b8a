import TestSupport
import Testing

@testable import Audit

@Suite struct AsciicastReaderTests {
  private func reader(_ header: String) throws(AsciicastError) -> AsciicastReader {
    try AsciicastReader(header: Array(header.utf8)[...])
  }

  private func events(_ header: String, _ lines: String...) throws -> [AsciicastReader.Event?] {
    var reader = try reader(header)
    return try lines.map { try reader.event(Array($0.utf8)[...]) }
  }

  @Test func `the reader returns what the writer wrote, whatever it was`() throws {
    var generator = SplitMix(seed: 7)
    for _ in 0..<200 {
      var writer = AsciicastWriter(
        .init(columns: 100, rows: 30, time: 1, title: "a \"title\" \u{1b} é", term: [0xff]), at: 0)
      let text = (0..<Int.random(in: 1...200, using: &generator)).map { _ in
        UInt8.random(in: 0...(Bool.random(using: &generator) ? 127 : 255), using: &generator)
      }
      let time = Int64.random(in: 0...1 << 50, using: &generator)
      writer.output(text.span, at: time)
      writer.finish(at: time)
      var bytes: [UInt8] = []
      writer.drain { bytes += $0 }
      let lines = bytes.split(separator: UInt8(ascii: "\n"))
      var reader = try AsciicastReader(header: lines[0])
      #expect(reader.columns == 100 && reader.rows == 30 && reader.version == 2 && reader.idleLimit == nil)
      let read = try lines.dropFirst().compactMap { try reader.event($0) }
      #expect(read.count == lines.count - 1)
      #expect(read.allSatisfy { $0.time == time && $0.kind == .output })
      #expect(read.map(\.text).joined().utf8.elementsEqual(String(decoding: text, as: UTF8.self).utf8))
    }
  }

  @Test func `a recording of asciinema is read`() throws {
    let header = """
      {"version": 2, "width": 80, "height": 24, "timestamp": 1504467315, "idle_time_limit": 2.5, "title": "Demo", \
      "env": {"TERM": "xterm-256color", "SHELL": "/bin/zsh"}, "theme": {"fg": "#d0d0d0", "bg": null, "x": [1, [true]]}}
      """
    var reader = try reader(header)
    #expect(reader.idleLimit == 2_500_000)
    func event(_ line: String) throws -> AsciicastReader.Event? { try reader.event(Array(line.utf8)[...]) }
    #expect(try event(#"[5.1e-05, "o", "a\u00e9\ud83d\ude00\/"]"#) == .init(time: 51, kind: .output, text: "aé😀/"))
    #expect(try event("[1.001376,\"o\",\"€\"]\r") == .init(time: 1_001_376, kind: .output, text: "€"))
    #expect(try event(#"[ 2 , "i" , "x" ]"#) == .init(time: 2_000_000, kind: .input, text: "x"))
    #expect(try event(#"[2, "r", "90x30"]"#)?.kind == .resize)
    #expect(try event(#"[2, "m", ""]"#)?.kind == .marker)
    #expect(try event(#"[2, "z", ""]"#)?.kind == .other)
    #expect(try event(#"[1, "o", "back"]"#)?.time == 2_000_000)
    #expect(try event("") == nil)
  }

  @Test func `version 3 has another place for the size, comments, and relative times`() throws {
    let header = #"{"version":3,"term":{"cols":80,"rows":24,"version":"x","theme":{}},"timestamp":1,"tags":["a"]}"#
    #expect(try reader(header).columns == 80)
    #expect(try reader(header).rows == 24)
    let read = try events(header, "# a comment", #"[0.5, "o", "a"]"#, #"[0.25, "o", "b"]"#, #"[1, "x", "0"]"#)
    #expect(read.map { $0?.time } == [nil, 500_000, 750_000, 1_750_000])
    #expect(read.last??.kind == .other)
  }

  @Test(arguments: [
    "", "x", "{", "[]", "{}", "null", #"{"version": "2"}"#, #"{"version": 2"#, #"{"version": 2} x"#,
    #"{"version": -2}"#,
    #"{"version": 2, "width": "a"}"#, #"{"version": 2, "width": 1.5}"#, #"{"version": 2, "a" 1}"#, #"{"version": 2,}"#,
    #"{"version": 2, "idle_time_limit": -1}"#, #"{"version": 2, "idle_time_limit": 1e300}"#,
    #"{"version": 2, "title": "\#u{1}"}"#, #"{"version": 2, "x": tru}"#, #"{"version": 2, "term": {"cols": "a"}}"#,
  ])
  func `an invalid header is refused`(header: String) {
    #expect(throws: AsciicastError.header) { try reader(header) }
  }

  @Test func `another version is refused by name`() {
    #expect(throws: AsciicastError.version("1")) { try reader(#"{"version": 1, "stdout": [[1, "a"]]}"#) }
    #expect(throws: AsciicastError.version("4")) { try reader(#"{"version": 4}"#) }
  }

  @Test func `nested values do not exhaust the stack`() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: AsciicastError.header) { try reader("{\"version\": 2, \"x\": \(deep)") }
    #expect(throws: AsciicastError.header) { try reader("{\"version\": 2, \"term\": {\"a\": \(deep)") }
    #expect(throws: AsciicastError.tooLong) {
      try reader(String(repeating: " ", count: AsciicastReader.lineLimit + 1))
    }
  }

  @Test(arguments: [
    "x", "[", "[]", "[1]", #"[1, "o"]"#, #"[1, "o", "a""#, #"[1, "o", "a"] x"#, #"["1", "o", "a"]"#, #"[-1, "o", "a"]"#,
    #"[NaN, "o", "a"]"#, #"[Infinity, "o", "a"]"#, #"[1e999, "o", "a"]"#, #"[1, "o", "a", 1]"#, #"[1, "o", null]"#,
    #"[1, "o", "\ud800"]"#, #"[1, "o", "\x"]"#, #"{"a": 1}"#, #"[1 "o" "a"]"#, "# no comment",
    #"[1.00000000000000000000000000000000, "o", "a"]"#,
  ])
  func `an invalid event is refused`(line: String) throws {
    var reader = try reader(#"{"version": 2, "width": 80, "height": 24}"#)
    #expect(throws: AsciicastError.event) { try reader.event(Array(line.utf8)[...]) }
  }

  @Test func `damaged lines are refused or read and never trap`() throws {
    let line = Array(#"[12.345678, "o", "a\u00e9\ud83d\ude00\r\n\"x\\"]"#.utf8)
    var generator = SplitMix(seed: 11)
    for _ in 0..<20_000 {
      var damaged = line
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        damaged[Int.random(in: damaged.indices, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      damaged.removeLast(Int.random(in: 0...3, using: &generator))
      for version in [2, 3] {
        var reader = try reader("{\"version\": \(version), \"width\": 80, \"height\": 24}")
        _ = try? reader.event(damaged[...])
        _ = try? AsciicastReader(header: damaged[...])
      }
    }
  }
}
