import Audit
import Foundation
import System
import Testing

@testable import Server

/// The built program, on a terminal of its own.
@Suite struct ReplayTests {
  private let header = #"{"version": 2, "width": 80, "height": 24}"#

  private func cast(_ folder: Folder, _ lines: String...) throws -> String {
    try folder.write("r.cast", ([header] + lines).joined(separator: "\n") + "\n")
  }

  @Test func `without a terminal everything is shown at once`() throws {
    let folder = try Folder()
    let outcome = try bsshServer(
      "replay", try cast(folder, #"[1000.5, "o", "one\r\n"]"#, #"[2000, "i", "x"]"#, #"[3000, "o", "two"]"#))
    #expect(outcome.code == 0)
    #expect(outcome.output == "one\r\ntwo")
    #expect(outcome.errors == "")
  }

  @Test func `a reader that closes the pipe ends it silently`() throws {
    let folder = try Folder()
    let path = try cast(folder, #"[1, "o", "\#(String(repeating: "x\\r\\n", count: 100_000))"]"#)
    let outcome = try bsshServer("-c", "\(program) replay \(path) | head -n 1", program: "/bin/sh")
    #expect(outcome.output == "x\r\n")
    #expect(outcome.errors == "")
  }

  @Test func `a recording is read from standard input as well`() throws {
    #expect(try bsshServer("replay", "-", input: header + "\n" + #"[1, "o", "in"]"#).output == "in")
  }

  @Test func `sequences that query a terminal are omitted, except with --raw`() throws {
    let folder = try Folder()
    let path = try cast(folder, #"[1, "o", "a\u001b[6nb\u001b]52;c;"]"#, #"[2, "o", "eA==\u0007c\u001b[1m"]"#)
    #expect(try bsshServer("replay", path).output == "abc\u{1b}[1m")
    #expect(try bsshServer("replay", "--raw", path).output == "a\u{1b}[6nb\u{1b}]52;c;eA==\u{7}c\u{1b}[1m")
  }

  @Test(arguments: [
    (["replay"], 64, "replay needs a recording"),
    (["replay", "--speed", "0", "x"], 64, "--speed 0: expected a number"),
    (["replay", "--speed", "nan", "x"], 64, "--speed nan: expected a number"),
    (["replay", "--idle-limit", "0", "x"], 64, "--idle-limit 0: expected seconds"),
    (["replay", "--from", "1:60", "x"], 64, "--from 1:60: expected a time"),
    (["replay", "/nonexistent"], 66, "/nonexistent: No such file or directory"),
    (["replay", "/dev/null"], 66, "/dev/null: not a regular file"), (["replay", "/"], 66, "/: not a regular file"),
  ])
  func `a file that cannot be played is an error that says why`(words: [String], code: Int32, reason: String) throws {
    let outcome = try bsshServer(words)
    #expect(outcome.code == code)
    #expect(outcome.errors.hasPrefix("bssh-server: " + reason))
  }

  @Test func `a damaged recording is an error that names the line, and a truncated one is played to its end`() throws {
    let folder = try Folder()
    let damaged = try bsshServer("replay", try cast(folder, #"[1, "o", "a"]"#, "[2]", #"[3, "o", "b"]"#))
    #expect(damaged.code == 65)
    #expect(damaged.output == "a")
    #expect(damaged.errors == "bssh-server: \(folder.file("r.cast")): line 3: not an event of an asciicast\n")
    let cut = try folder.write("cut.cast", header + "\n" + #"[1, "o", "a"]"# + "\n" + #"[2, "o", "b"#)
    let outcome = try bsshServer("replay", cut)
    #expect(outcome.code == 0)
    #expect(outcome.output == "a")
    #expect(outcome.errors == "bssh-server: \(cut): the recording ends within line 3\n")
    let none = try bsshServer("replay", try folder.write("none.cast", ""))
    #expect(none.code == 65)
    #expect(none.errors.contains("not an asciicast: the first line is not a header"))
    let first = try bsshServer("replay", try folder.write("1.cast", #"{"version": 1, "stdout": []}"#))
    #expect(first.errors.contains("an asciicast of version 1; versions 2 and 3 can be played"))
  }

  @Test func `times are in seconds, or have minutes and hours`() {
    let rows: [(String, Int64?)] = [
      ("90", 90_000_000), ("0.5", 500_000), ("0", 0), ("1:30", 90_000_000), ("1:02:03.25", 3_723_250_000),
      ("100:00", 6_000_000_000), ("", nil), (":", nil), ("1:", nil), (":1", nil), ("1:60", nil), ("-1", nil),
      ("1e3", nil), ("1:2:3:4", nil), ("inf", nil), ("1..2", nil), ("9999999999", nil), ("1:-2", nil), (" 1", nil),
    ]
    for (text, time) in rows { #expect(ReplayOptions.time(text) == time, "\(text)") }
  }

  // MARK: On a terminal

  @Test func `speed, idle limit and start apply`() throws {
    let folder = try Folder()
    // At its original speed it takes eleven days.
    let path = try cast(
      folder, #"[0.1, "o", "one "]"#, #"[1000000, "o", "two "]"#, #"[1000000.2, "o", "three "]"#)
    for options in [["--idle-limit", "0.3"], ["--speed", "1000", "--idle-limit", "100"], ["--from", "1000000"]] {
      let watched = try Watched(options + [path])
      #expect(try watched.wait() == .code(0))
      #expect(watched.text.contains("one two three "))
      #expect(watched.modes == watched.modesBefore)
    }
    let own = try folder.write(
      "own.cast", header.dropLast() + #", "idle_time_limit": 0.1}"# + "\n" + #"[1000000, "o", "end"]"# + "\n")
    #expect(try Watched([own]).wait() == .code(0))
  }

  @Test func `nothing is shown before its time`() throws {
    let folder = try Folder()
    let watched = try Watched([try cast(folder, #"[0.0, "o", "one"]"#, #"[100000, "o", "two"]"#)])
    try watched.wait(for: "one")
    try watched.type("q")
    #expect(try watched.wait() == .code(0))
    #expect(!watched.text.contains("two"))
  }

  @Test(arguments: [(SIGINT, "\u{3}"), (SIGQUIT, "\u{1c}"), (SIGTERM, nil), (SIGHUP, nil)] as [(Int32, String?)])
  func `however it ends, the terminal's state is restored`(signal: Int32, key: String?) throws {
    let folder = try Folder()
    let watched = try Watched([
      try cast(folder, #"[0, "o", "\u001b[?1049h\u001b[?25l\u001b[31mone"]"#, #"[100000, "o", "two"]"#)
    ])
    try watched.wait(for: "one")
    #expect(watched.modes != watched.modesBefore)
    if let key { try watched.type(key) } else { watched.process.signal(signal) }
    #expect(try watched.wait() == .signal(signal, coreDumped: false))
    #expect(watched.modes == watched.modesBefore)
    for reset in ["\u{1b}[?1049l", "\u{1b}[0m", "\u{1b}[?25h"] { #expect(watched.text.contains(reset)) }
  }

  @Test func `space pauses and resumes, a dot shows one event, the arrow skips`() throws {
    let folder = try Folder()
    let path = try cast(
      folder, #"[0, "o", "one "]"#, #"[100000, "o", "two "]"#, #"[100000, "o", "three "]"#, #"[100009, "o", "four "]"#,
      #"[100018, "o", "five "]"#, #"[900000, "o", "six "]"#)
    let watched = try Watched(["--from", "99999", path])
    try watched.wait(for: "one ")
    try watched.type(" .")
    try watched.wait(for: "two ")
    try watched.type("..")
    try watched.wait(for: "four ")
    #expect(!watched.text.contains("five"))
    try watched.type("\u{1b}[C")
    try watched.wait(for: "five ")
    try watched.type(" \u{1b}[6;1R\u{1b}[?1;2c")
    try watched.type("q")
    #expect(try watched.wait() == .code(0))
    #expect(!watched.text.contains("six"))
    #expect(!watched.text.contains("1;2c"))
  }

  @Test func `while stopped the terminal is the shell's, and then the replay continues`() throws {
    let folder = try Folder()
    let path = try cast(folder, #"[0, "o", "one"]"#, #"[100000, "o", "two"]"#)
    // Only a process that a shell with job control has started can be stopped.
    let watched = try Watched(["bash", "-mc", "\(program) replay \(path); echo stopped; read line; fg"], home: "/")
    try watched.wait(for: "one")
    try watched.type("\u{1a}")
    try watched.wait(for: "stopped")
    #expect(watched.modes == watched.modesBefore)
    try watched.type("\n")
    try watched.eventually { watched.modes != watched.modesBefore }
    try watched.type("q")
    #expect(try watched.wait() == .code(0))
    #expect(watched.modes == watched.modesBefore)
  }

  @Test func `a terminal that is too small causes a notice`() throws {
    let folder = try Folder()
    let path = try folder.write("w.cast", #"{"version": 2, "width": 200, "height": 50}"# + "\n")
    let watched = try Watched([path])
    #expect(try watched.wait() == .code(0))
    #expect(watched.text.contains("The recorded terminal has 200 columns and 50 rows, this one 80 and 24"))
  }

  // MARK: asciinema

  @Test(.enabled(if: access("/usr/bin/asciinema", X_OK) == 0, "asciinema is not installed"))
  func `asciinema plays our recordings, and we play its`() throws {
    let folder = try Folder()
    var writer = AsciicastWriter(
      .init(columns: 80, rows: 24, time: 1_700_000_000, title: "t\"é", term: Array("xterm".utf8)), at: 0)
    let parts: [[UInt8]] = [
      Array("one\r\n\u{1b}[1m".utf8), [0xe2, 0x82], [0xac, 0x20, 0xff, 0x20], Array("日本語 \u{7f}\0\"\\ 😀\r\n".utf8),
      [0xf0],
    ]
    for (time, part) in parts.enumerated() { writer.output(part.span, at: Int64(time) * 1_100_000) }
    writer.input([0x0d].span, at: 6_000_000)
    writer.resized(columns: 100, rows: 30, at: 7_000_000)
    writer.finish(at: 8_000_000)
    var bytes: [UInt8] = []
    writer.drain { bytes += $0 }
    let ours = try folder.write("ours.cast", String(decoding: bytes, as: UTF8.self))
    let expected = String(decoding: parts.joined(), as: UTF8.self)
    #expect(try Watched.output(of: ["asciinema", "cat", ours], in: folder) == expected)
    #expect(try Watched.output(of: ["asciinema", "play", "-s", "100", ours], in: folder).contains(expected))
    #expect(try bsshServer("replay", "--raw", ours).output == expected)

    let theirs = folder.file("theirs.cast")
    let command = "printf 'a\\033[1mb\\033[0m\\303\\244'; sleep 0.1; printf 'end\\n'"
    _ = try Watched.output(of: ["asciinema", "rec", "-q", "-c", command, theirs], in: folder)
    #expect(try bsshServer("replay", theirs).output == "a\u{1b}[1mb\u{1b}[0mäend\r\n")
    #expect(try Watched.output(of: ["asciinema", "cat", theirs], in: folder) == "a\u{1b}[1mb\u{1b}[0mäend\r\n")
  }
}
