import Audit
import Foundation
import Testing

@testable import Server

/// `audit verify`: the built program.
@Suite struct AuditVerifyTests {
  private func verify(_ journal: SampleJournal) throws -> (code: Int32, text: String, errors: String) {
    let outcome = try journal.audit("verify")
    let text = outcome.output.replacing(journal.folder.path + "/", with: "")
    return (outcome.code, text, outcome.errors.replacing(journal.folder.path + "/", with: ""))
  }

  @Test func `an unchanged journal is whole, in one file and in several`() throws {
    let journal = try SampleJournal.day()
    try journal.write()
    #expect(try verify(journal) == (0, "audit.log: 1 file, lines 1 to 18: valid\n", ""))
    try journal.writeRotated()
    #expect(try verify(journal) == (0, "audit.log: 3 files, lines 1 to 18: valid\n", ""))
  }

  @Test func `lines that rotation has removed are not missing`() throws {
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    try FileManager.default.removeItem(atPath: journal.folder.file("audit.log.2.gz"))
    try journal.writeHead(first: 6, size: journal.bytes(13...18).count)
    #expect(
      try verify(journal) == (
        0,
        "audit.log: 2 files, lines 6 to 18: valid\naudit.log: lines 1 to 5 were removed by rotation, at an unknown "
          + "time; the rest begins on 2026-03-04 05:06:12.000\n", ""
      ))
  }

  /// A manipulation of the files, and the expected output.
  static let attacks: [(String, @Sendable (SampleJournal) throws -> Void, String)] = [
    (
      "alter in a compressed file",
      { journal in
        let bytes = String(decoding: journal.bytes(1...5), as: UTF8.self).replacing(
          "wrong_password", with: "wrong_passwort")
        try journal.writeCompressed("audit.log.2.gz", Array(bytes.utf8))
      }, "audit.log.2.gz: line 3: altered\n"
    ),
    (
      "alter the last line",
      { journal in
        let bytes = String(decoding: journal.bytes(13...18), as: UTF8.self)
          .replacing("configuration_loaded", with: "configuration_rejected")
        try journal.write("audit.log", Array(bytes.utf8))
      }, "audit.log: line 6: altered\n"
    ),
    (
      "delete a line", { try $0.write("audit.log.1", $0.bytes(6...8) + $0.bytes(10...12)) },
      "audit.log.1: line 4: before it, line number 9 is missing\n"
    ),
    (
      "delete lines where files meet", { try $0.write("audit.log.1", $0.bytes(8...12)) },
      "audit.log.1: line 1: before it, lines number 6 to 7 are missing\n"
    ),
    (
      "swap two lines",
      { try $0.write("audit.log.1", $0.bytes(6...6) + $0.bytes(8...8) + $0.bytes(7...7) + $0.bytes(9...12)) },
      "audit.log.1: line 2: number 8 is in the place of 7\n"
    ),
    (
      "cut the end", { try $0.write("audit.log", $0.bytes(13...16)) }, "at the end, lines number 17 to 18 are missing\n"
    ),
    (
      "cut a line", { try $0.write("audit.log", $0.bytes(13...18).dropLast(20)) },
      "audit.log: line 6: the last line is incomplete\n"
    ),
    (
      "remove a file", { try FileManager.default.removeItem(atPath: $0.folder.file("audit.log.1")) },
      "audit.log: line 1: before it, lines number 6 to 12 are missing\n"
    ),
    (
      "remove the oldest file", { try FileManager.default.removeItem(atPath: $0.folder.file("audit.log.2.gz")) },
      "audit.log.1: line 1: before it, lines number 1 to 5 are missing\n"
    ),
    (
      "write nonsense", { try $0.write("audit.log.1", $0.bytes(6...7) + Array("x\n".utf8) + $0.bytes(8...12)) },
      "audit.log.1: line 3: not a journal line: "
    ),
    (
      "cut an older file", { try $0.write("audit.log.1", $0.bytes(6...12).dropLast(1)) },
      "audit.log.1: line 7: the file ends within this line\n"
    ),
    (
      "damage a compressed file", { try $0.write("audit.log.2.gz", Array("\u{1f}".utf8) + [0x8b, 8, 0, 1, 2, 3]) },
      "audit.log.2.gz: "
    ),
    (
      "make a line that is too long",
      { try $0.write("audit.log", [UInt8](repeating: 0x61, count: JournalLine.lengthLimit + 1)) },
      "audit.log: line 1 is longer than "
    ),
  ]

  @Test(arguments: attacks.indices)
  func `a manipulation is detected, and the line named`(number: Int) throws {
    let (attack, change, text) = Self.attacks[number]
    let journal = try SampleJournal.day()
    try journal.writeRotated()
    try change(journal)
    let outcome = try verify(journal)
    #expect(outcome.code == 1, "\(attack)")
    #expect(outcome.text.hasPrefix(text), "\(attack): \(outcome.text)")
  }

  @Test func `without the head verify says what cannot be detected`() throws {
    let journal = try SampleJournal.day()
    try journal.write("audit.log", journal.bytes(1...16))
    let outcome = try verify(journal)
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("audit.log.head is missing or damaged: missing lines at either end"))
  }

  @Test func `an unreadable journal is not reported as a damaged one`() throws {
    #expect(try bsshServer("audit", "verify", "--file", "/nonexistent/audit.log").code == 66)
    let journal = try SampleJournal.day()
    try journal.write()
    for words in [["verify"], ["grep"], ["tail", "-f"], ["stats"], ["show", "1"]] {
      let outcome = try bsshServer(["audit"] + words + ["--file", journal.path + "/audit.log"])
      #expect(outcome.code == 66)
      #expect(outcome.errors == "bssh-server: \(journal.path)/audit.log: Not a directory\n")
    }
  }

  @Test func `an empty journal is whole`() throws {
    let journal = try SampleJournal()
    try journal.write("audit.log", [])
    try journal.write("audit.log.head", SampleJournal.old(ChainHead()))
    #expect(try verify(journal).text == "audit.log: 1 file, no lines: valid\n")
  }
}
