import System
import Testing

@testable import FileTransfer

/// The actions of a machine for `input` in pieces of this many bytes; it accepts all names but those refused.
private func actions(
  _ input: [UInt8], pieces: Int = .max, recursive: Bool = true, refusing refused: Set<String> = []
) throws -> [SCPSinkMachine.Action] {
  var machine = SCPSinkMachine(isRecursive: recursive)
  var result: [SCPSinkMachine.Action] = []
  var rest = input[...]
  while !rest.isEmpty {
    var piece = rest.prefix(pieces)
    rest = rest.dropFirst(pieces)
    while let action = try machine.next(&piece) {
      switch (action, result.last) {
      case (.file(let entry, _), _), (.directory(let entry, _), _):
        machine.answer(accepted: !refused.contains(String(decoding: entry.name, as: UTF8.self)))
        result.append(action)
      case (.data(let more), .data(let before)): result[result.count - 1] = .data((before + more)[...])
      case (.data, _), (.acknowledge, _), (.fileEnded, _), (.directoryEnded, _), (.problem, _): result.append(action)
      }
    }
    #expect(piece.isEmpty)
  }
  try machine.end()
  return result.map { action in
    guard case .data(let bytes) = action else { return action }
    return .data(Array(bytes)[...])
  }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func entry(_ mode: UInt32, _ size: UInt64, _ name: String) -> SCPEntry {
  SCPEntry(mode: mode, size: size, name: bytes(name))
}

@Suite struct SCPSinkMachineTests {
  static let session = bytes(
    "T1700000000 5 1600000000 999999\nD0755 0 dir\nC0640 5 a b\nhello\0C4755 0 empty\n\0\u{1}scp: gone\nC0600 3 bad\nabc"
      + "\u{1}read error\nE\nC0644 1 é\nx\0")
  static let expected: [SCPSinkMachine.Action] = [
    .acknowledge,
    .directory(
      entry(0o755, 0, "dir"),
      FileTimes(
        access: .init(seconds: 1_600_000_000, nanoseconds: 999_999_000),
        modification: .init(seconds: 1_700_000_000, nanoseconds: 5000))),
    .file(entry(0o640, 5, "a b"), nil), .data(bytes("hello")[...]), .fileEnded(problem: nil),
    .file(entry(0o4755, 0, "empty"), nil), .fileEnded(problem: nil),
    .problem(bytes("scp: gone"), isFatal: false),
    .file(entry(0o600, 3, "bad"), nil), .data(bytes("abc")[...]), .fileEnded(problem: bytes("read error")),
    .directoryEnded, .file(entry(0o644, 1, "é"), nil), .data(bytes("x")[...]), .fileEnded(problem: nil),
  ]

  @Test(arguments: [1, 2, 3, 7, 64, .max])
  func `a session is parsed alike in any pieces`(pieces: Int) throws {
    #expect(try actions(Self.session, pieces: pieces) == Self.expected)
  }

  @Test func `a session that ends anywhere but between files at the top is incomplete`() throws {
    let top = [Self.session.firstIndex(of: 0x0a)! + 1, Self.session.count - 13, Self.session.count, 0]
    for length in 0...Self.session.count where !top.contains(length) {
      #expect(throws: SCPViolation.self) { try actions(Array(Self.session[..<length])) }
    }
    for length in top { _ = try actions(Array(Self.session[..<length])) }
  }

  @Test func `no content follows a refused record`() throws {
    let result = try actions(bytes("D0755 0 d\nC0644 3 a\nC0644 1 b\nx\0"), refusing: ["d", "a"])
    #expect(result.count == 5)
    #expect(result.last == .fileEnded(problem: nil))
  }

  @Test(arguments: [
    ("\n", "unexpected <newline>"), ("X\n", "expected control record"), ("\0\n", "expected control record"),
    ("C\n", "bad mode"), ("C064 1 a\n", "bad mode"), ("C06444 1 a\n", "bad mode"), ("C0648 1 a\n", "bad mode"),
    ("C-644 1 a\n", "bad mode"), ("C0644\n", "mode not delimited"), ("C0644 1\n", "size not delimited"),
    ("C0644  a\n", "size out of range"), ("C0644 -1 a\n", "size out of range"), ("C0644 +1 a\n", "size out of range"),
    ("C0644 9223372036854775808 a\n", "size out of range"), ("C0644 00000000000000000001 a\n", "size out of range"),
    ("C0644 1 \n", "unexpected filename: "), ("C0644 1 .\n", "unexpected filename: ."),
    ("C0644 1 ..\n", "unexpected filename: .."), ("C0644 1 a/b\n", "unexpected filename: a/b"),
    ("C0644 1 /\n", "unexpected filename: /"), ("C0644 1 ../../x\n", "unexpected filename: ../../x"),
    ("D0755 0 ..\n", "unexpected filename: .."), ("C0644 1 a\0b\n", "unexpected filename: a?b"),
    ("E\n", "the end of a directory that did not begin"), ("EE\n", "the end of a directory has no more to say"),
    ("T1 0 1\n", "expected four numbers as times"), ("T1 0 1 0 0\n", "expected four numbers as times"),
    ("Tx 0 1 0\n", "bad modification time"), ("T1 1000000 1 0\n", "bad modification time"),
    ("T1 0 -1 0\n", "bad access time"), ("T1 0 1 1000000\n", "bad access time"),
    ("C0644 1 a\nxy", "expected the state of a file after its bytes"),
    ("\u{2}fatal\nC", "nothing was expected after a fatal error"), ("C0644 5 a\nabc", "lost connection"),
    ("D0755 0 a\n", "lost connection in a directory"),
  ])
  func `a protocol violation is rejected with its reason`(input: String, reason: String) {
    for pieces in [1, .max] {
      #expect(throws: SCPViolation(reason)) { try actions(bytes(input), pieces: pieces) }
    }
  }

  @Test func `a directory is rejected without -r`() {
    #expect(throws: SCPViolation("received directory without -r")) {
      try actions(bytes("D0755 0 a\n"), recursive: false)
    }
  }

  @Test(arguments: ["", "C0644 1 a\nx\u{1}"])
  func `the length of a line is limited`(before: String) throws {
    let line = { (count: Int) in bytes(before) + [UInt8](repeating: 0x61, count: count) }
    for pieces in [1, .max] {
      #expect(throws: SCPViolation("a line is too long")) {
        try actions(line(SCPSinkMachine.longestLine + 1), pieces: pieces)
      }
      #expect(throws: SCPViolation("lost connection")) { try actions(line(SCPSinkMachine.longestLine), pieces: pieces) }
    }
  }

  @Test func `the largest size is counted down without overflow`() throws {
    var machine = SCPSinkMachine(isRecursive: false)
    var input = bytes("C0644 9223372036854775807 a\n")[...]
    #expect(try machine.next(&input) == .file(entry(0o644, UInt64(Int64.max), "a"), nil))
    machine.answer(accepted: true)
    input = bytes("data")[...]
    #expect(try machine.next(&input) == .data(bytes("data")[...]))
    #expect(throws: SCPViolation("lost connection")) { try machine.end() }
  }

  @Test func `a parsed record equals the encoded one`() throws {
    let times = FileTimes(access: .init(seconds: 7), modification: .init(seconds: 0))
    for record in [.file(entry(0o7, 12, "a b")), .directory(entry(0o755, 0, "d")), .end, .times(times)] as [SCPRecord] {
      #expect(record.bytes.last == 0x0a)
      #expect(try SCPRecord(record.bytes.dropLast()) == record)
    }
    #expect(SCPRecord.file(entry(0o7, 12, "a b")).bytes == bytes("C0007 12 a b\n"))
  }
}

@Suite struct SCPResponseMachineTests {
  @Test(arguments: [1, .max])
  func `responses are parsed in any pieces`(pieces: Int) throws {
    var machine = SCPResponseMachine()
    var rest = bytes("\0\u{1}no\n\0\u{2}\n")[...]
    var result: [SCPResponseMachine.Response] = []
    while !rest.isEmpty {
      var piece = rest.prefix(pieces)
      rest = rest.dropFirst(pieces)
      while let response = try machine.next(&piece) { result.append(response) }
    }
    #expect(result == [.accepted, .refused(bytes("no")), .accepted, .fatal([])])
  }

  @Test func `an invalid response is rejected`() {
    var machine = SCPResponseMachine()
    var input = bytes("C0644")[...]
    #expect(throws: SCPViolation("expected an answer")) { try machine.next(&input) }
    let long = [1] + [UInt8](repeating: 0x61, count: SCPSinkMachine.longestLine)
    var piece = long[...]
    var other = SCPResponseMachine()
    #expect(throws: SCPViolation("a line is too long")) { try other.next(&piece) }
  }
}
