import Audit
import Foundation
import System
import Testing

@testable import Server

/// `audit tail -f`: the built program, while a journal grows.
@Suite struct AuditFollowTests {
  /// A program whose output is collected.
  private final class Reader {
    let process: ChildProcess
    private let output: Descriptor
    private var text = ""

    init(_ words: [String]) throws {
      let (reader, writer) = try Descriptor.pipe()
      let null = try Descriptor.open("/dev/null", O_RDWR)
      var request = ChildProcess.Request(
        path: program, arguments: ["bssh-server"] + words, descriptors: [null, writer, null])
      request.environment = ["TZ=UTC"]
      process = try ChildProcess(request)
      output = reader
      try output.setNonBlocking()
    }

    deinit { process.signal(SIGKILL) }

    /// Waits for this many lines, and returns their numbers.
    func numbers(_ count: Int) throws -> [UInt64] {
      let deadline = Date(timeIntervalSinceNow: 30)
      while text.split(separator: "\n").count < count {
        guard Date() < deadline else { throw Failure(.software, "not within 30 s: \(text)") }
        output.wait(for: POLLIN, milliseconds: 100)
        if let (bytes, outcome) = try? output.read(count: 65536), case .bytes = outcome {
          text += String(decoding: bytes, as: UTF8.self)
        }
      }
      return try text.split(separator: "\n").map { try JournalLine(json: Array($0.utf8)[...]).sequence }
    }
  }

  private func append(_ journal: SampleJournal, _ numbers: ClosedRange<Int>, cut: Int = 0) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: journal.path))
    try file.seekToEnd()
    file.write(Data(journal.bytes(numbers).dropLast(cut)))
    try file.close()
  }

  @Test func `new events are shown, even if written in parts, and only those that match`() throws {
    let journal = try SampleJournal.day()
    try journal.write("audit.log", journal.bytes(1...3))
    let all = try Reader(["audit", "tail", "-f", "--json", "-n", "2", "--file", journal.path])
    let alice = try Reader(["audit", "tail", "-f", "--json", "--user", "alice", "--file", journal.path])
    #expect(try all.numbers(2) == [2, 3])
    #expect(try alice.numbers(1) == [3])
    let line = journal.bytes(4...4)
    try append(journal, 4...4, cut: line.count / 2)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: journal.path))
    try file.seekToEnd()
    file.write(Data(line.suffix(line.count / 2)) + Data(journal.bytes(5...6)))
    #expect(try all.numbers(5) == [2, 3, 4, 5, 6])
    #expect(try alice.numbers(3) == [3, 5, 6])
  }

  @Test func `rotated files are followed, however many there are, and nothing is missing or repeated`() throws {
    let journal = try SampleJournal.day()
    try journal.write("audit.log", journal.bytes(1...2))
    let reader = try Reader(["audit", "tail", "-f", "--json", "--file", journal.path])
    #expect(try reader.numbers(2) == [1, 2])
    func rotate(_ numbers: ClosedRange<Int>) throws {
      for number in [2, 1] {
        let (from, to) = (journal.folder.file("audit.log.\(number)"), journal.folder.file("audit.log.\(number + 1)"))
        if FileManager.default.fileExists(atPath: from) { try FileManager.default.moveItem(atPath: from, toPath: to) }
      }
      try FileManager.default.moveItem(atPath: journal.path, toPath: journal.folder.file("audit.log.1"))
      try journal.write("audit.log", journal.bytes(numbers))
    }
    try append(journal, 3...4)
    try rotate(5...6)
    #expect(try reader.numbers(6) == [1, 2, 3, 4, 5, 6])
    // Rotates twice, and the older file is compressed at once.
    try append(journal, 7...7)
    try rotate(8...9)
    try rotate(10...11)
    try FileManager.default.removeItem(atPath: journal.folder.file("audit.log.2"))
    try journal.writeCompressed("audit.log.2.gz", journal.bytes(5...7))
    try append(journal, 12...12)
    #expect(try reader.numbers(12) == Array(1...12))
    try append(journal, 13...18)
    #expect(try reader.numbers(18) == Array(1...18))
  }
}
