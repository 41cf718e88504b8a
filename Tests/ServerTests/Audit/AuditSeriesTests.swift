import Audit
import Foundation
import JournalReader
import Testing

@testable import Server

/// A journal with two series: the built program.
@Suite struct AuditSeriesTests {
  /// Three events of the main series, at 1, 3 and 7 seconds, and four file events, at 1, 2, 4 and 6, of which rotation
  /// removed 9 earlier ones.
  private struct Two {
    let folder: Folder
    let main: [JournalLine]
    let files: [JournalLine]

    init() throws {
      folder = try Folder()
      main = Two.lines(from: 1, [(.connectionOpen, 1), (.sessionStart, 3), (.connectionClosed, 7)])
      files = Two.lines(
        from: 10, [(.fileOpenRead, 1), (.fileClose, 2), (.fileRenamed, 4), (.fileDeleted, 6)])
      try write("audit.log", main, removed: 0)
      try write("audit-files.log", files, removed: SampleJournal.start)
    }

    static func lines(from first: UInt64, _ events: [(EventType, Int64)]) -> [JournalLine] {
      var lines: [JournalLine] = []
      for (type, second) in events {
        var subject = Subject()
        (subject.connection, subject.user) = (7, "anna")
        if type != .connectionOpen { subject.sessionID = SampleJournal.alice }
        let event = AuditEvent(
          id: .random(), time: SampleJournal.start + second * 1_000_000, host: "tau", subject: subject,
          record: AuditRecord(type)
        )
        let previous = lines.last.map { LineHash(of: $0.json[...]) } ?? (first == 1 ? LineHash.none : LineHash(of: [1]))
        lines.append(JournalLine(event, sequence: first + UInt64(lines.count), previous: previous))
      }
      return lines
    }

    func write(_ name: String, _ lines: [JournalLine], removed: Int64) throws {
      let bytes: [UInt8] = lines.flatMap { $0.json + [10] }
      try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
      let last = lines[lines.count - 1]
      let head = ChainHead(
        first: lines[0].sequence, last: last.sequence, hash: LineHash(of: last.json[...]), size: UInt64(bytes.count),
        removed: removed)
      try Data(head.json).write(to: URL(fileURLWithPath: folder.file(name + ".head")))
    }

    func audit(_ words: String...) throws -> Outcome {
      try bsshServer(["audit"] + words + ["--file", folder.file("audit.log")], environment: ["TZ": "UTC"])
    }

    /// Types in the order in which they are shown.
    func types(_ words: String...) throws -> [String] {
      let outcome = try bsshServer(
        ["audit"] + words + ["--json", "--file", folder.file("audit.log")], environment: [:])
      return try outcome.output.split(separator: "\n").map {
        try JournalLine(json: Array($0.utf8)[...]).event.record.type.rawValue
      }
    }
  }

  private static let all = [
    "connection_open", "file_open_read", "file_close", "session_start", "file_renamed", "file_deleted",
    "connection_closed",
  ]

  @Test func `events of both series are shown by time`() throws {
    let two = try Two()
    #expect(try two.types("grep") == Self.all)
    #expect(try two.types("tail") == Self.all)
    #expect(try two.types("tail", "-n", "3") == Array(Self.all.suffix(3)))
    #expect(try two.types("show", "7") == Self.all)
    #expect(try two.types("show", SampleJournal.alice.description) == Self.all)
    #expect(try two.types("grep", "--type", "file_*") == Self.all.filter { $0.hasPrefix("file_") })
    let stats = try two.audit("stats").output
    #expect(stats.hasPrefix("2 files, ") && stats.contains("7 events from 2026-03-04 05:06:08.000 to "))
  }

  @Test func `verify checks both chains, and says what rotation removed and when`() throws {
    let two = try Two()
    let outcome = try two.audit("verify")
    let text = outcome.output.replacing(two.folder.path + "/", with: "")
    #expect(outcome.code == 0)
    #expect(
      text == "audit.log: 1 file, lines 1 to 3: valid\naudit-files.log: 1 file, lines 10 to 13: valid\n"
        + "audit-files.log: lines 1 to 9 were removed by rotation, the last of them on 2026-03-04 05:06:07.000; "
        + "the rest begins on 2026-03-04 05:06:08.000\n")
  }

  @Test func `changes of the series of files are detected, and so is its removal`() throws {
    let two = try Two()
    let path = two.folder.file("audit-files.log")
    let altered = try String(contentsOfFile: path, encoding: .utf8).replacing("file_renamed", with: "file_deleted")
    try altered.write(toFile: path, atomically: true, encoding: .utf8)
    let outcome = try two.audit("verify")
    #expect(outcome.code == 1 && outcome.output.contains("audit.log: 1 file, lines 1 to 3: valid"))
    #expect(outcome.output.contains("audit-files.log: line 3: altered"))
    for name in ["audit-files.log", "audit-files.log.head"] {
      try FileManager.default.removeItem(atPath: two.folder.file(name))
    }
    let gone = try two.audit("verify")
    #expect(gone.code == 1 && gone.output.hasSuffix("audit-files.log: missing\n"))
  }

  @Test func `stats counts pending events of both series for a receiver`() throws {
    let two = try Two()
    let cursors = two.folder.file("cursors")
    try FileManager.default.createDirectory(atPath: cursors, withIntermediateDirectories: true)
    for (base, accepted) in [("audit.log", UInt64(2)), ("audit-files.log", 11)] {
      var cursor = Cursor()
      (cursor.receiver, cursor.accepted) = ("syslog /dev/log", accepted)
      let file = "\(cursors)/\(Cursor.fileName(for: "\(base) syslog /dev/log"))"
      try Data(cursor.text.utf8).write(to: URL(fileURLWithPath: file))
    }
    let rows = try two.audit("stats").output.components(separatedBy: "\nEvents that wait for receivers\n")
    #expect(rows.last?.split(separator: " ").map(String.init) == ["syslog", "/dev/log", "3\n"])
  }
}
