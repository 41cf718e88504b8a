import Audit
import Foundation
import Gzip

@testable import Server

/// A journal in a folder of its own, and what was written to it: one series, as in earlier versions.
struct SampleJournal {
  let folder: Folder
  private(set) var lines: [JournalLine] = []

  init() throws { folder = try Folder() }

  var path: String { folder.file("audit.log") }

  /// 2026-03-04 05:06:07 UTC
  static let start: Int64 = 1_772_600_767_000_000

  /// Adds an event, one second after the last one.
  mutating func add(
    _ type: EventType, _ result: EventResult = .success, _ protocol: EventProtocol? = nil, connection: UInt64? = nil,
    user: String? = nil, address: String? = "192.0.2.7", session: EventID? = nil,
    _ change: (inout AuditRecord, inout Subject) -> Void = { _, _ in }
  ) {
    var subject = Subject()
    subject.connection = connection
    subject.user = user
    subject.sessionID = session
    subject.clientAddress = connection == nil ? nil : address
    subject.clientPort = connection == nil ? nil : 4711
    var record = AuditRecord(type, result, `protocol`)
    change(&record, &subject)
    let event = AuditEvent(
      id: EventID(high: 1, low: UInt64(lines.count)), time: Self.start + Int64(lines.count) * 1_000_000, host: "tau",
      subject: subject, record: record)
    lines.append(
      JournalLine(
        event, sequence: UInt64(lines.count) + 1, previous: lines.last.map { LineHash(of: $0.json[...]) } ?? .none))
  }

  static let alice = EventID(high: 0xa11c_e000_0000_4000, low: 0x8000_0000_0000_0001)
  static let bob = EventID(high: 0xb0b0_0000_0000_4000, low: 0x8000_0000_0000_0002)

  /// Alice copies files, mallory guesses passwords, bob is still logged in. 18 lines.
  static func day() throws -> SampleJournal {
    var journal = try SampleJournal()
    journal.add(.daemonStarted) { record, _ in record.details = "bssh-server 0.9" }
    journal.add(.connectionOpen, connection: 1)
    journal.add(.authFailure, .failure, connection: 1, user: "alice") { record, subject in
      record.reason = "wrong_password"
      subject.method = "password"
    }
    journal.add(.connectionOpen, connection: 2, address: "203.0.113.9")
    journal.add(.authSuccess, connection: 1, user: "alice") { _, subject in
      subject.method = "publickey"
      subject.keyFingerprint = "SHA256:abc"
    }
    journal.add(.sessionStart, connection: 1, user: "alice", session: alice) { _, subject in
      subject.method = "publickey"
      subject.keyFingerprint = "SHA256:abc"
    }
    journal.add(.authFailure, .failure, connection: 2, user: "ma\u{1b}[31ml\u{202e}lory", address: "203.0.113.9") {
      record, subject in
      record.reason = "no_such_user"
      subject.method = "password"
    }
    journal.add(.fileUploaded, .success, .sftp, connection: 1, user: "alice", session: alice) { record, _ in
      record.path = Array("/srv/in/report.pdf".utf8)
      record.bytes = 1000
      record.milliseconds = 5
      record.channel = 0
    }
    journal.add(.transferDenied, .denied, .sftp, connection: 1, user: "alice", session: alice) { record, _ in
      record.path = Array("/srv/secret\n".utf8) + [0xff]
      record.rule = "no secrets"
      record.details = "open"
      record.channel = 0
    }
    journal.add(.fileRenamed, .success, .sftp, connection: 1, user: "alice", session: alice) { record, _ in
      record.path = Array("/srv/in/a".utf8)
      record.destination = Array("/srv/out/b.txt".utf8)
      record.channel = 0
    }
    journal.add(.sessionEnd, connection: 1, user: "alice", session: alice) { _, subject in
      subject.method = "publickey"
    }
    journal.add(.connectionClosed, connection: 1, user: "alice", session: alice) { record, _ in
      record.reason = "client_disconnected"
    }
    journal.add(.ipBlocked, connection: 2, address: "203.0.113.9")
    journal.add(.connectionClosed, connection: 2, address: "203.0.113.9") { record, _ in record.reason = "banned" }
    journal.add(.connectionOpen, connection: 3, address: "2001:db8::5")
    journal.add(.sessionStart, connection: 3, user: "bob", address: "2001:db8::5", session: bob) { _, subject in
      subject.method = "publickey,totp"
    }
    journal.add(.commandExecuted, .success, .exec, connection: 3, user: "bob", address: "2001:db8::5", session: bob) {
      record, _ in
      record.command = Array("ls -l".utf8)
      record.exitStatus = 0
      record.channel = 1
    }
    journal.add(.configurationLoaded)
    return journal
  }

  /// The lines with these numbers, each with its newline.
  func bytes(_ numbers: ClosedRange<Int>) -> [UInt8] {
    lines[numbers.lowerBound - 1..<numbers.upperBound].flatMap { $0.json + [UInt8(ascii: "\n")] }
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
  }

  func writeCompressed(_ name: String, _ bytes: [UInt8]) throws {
    let gzip = try GzipWriter()
    try write(name, gzip.add(bytes[...]) + gzip.finish())
  }

  /// Writes the head.
  func writeHead(first: UInt64 = 1, size: Int) throws {
    guard let last = lines.last else { return }
    try write(
      "audit.log.head",
      Self.old(
        ChainHead(first: first, last: last.sequence, hash: LineHash(of: last.json[...]), size: UInt64(size))))
  }

  /// The head in the format of an earlier version.
  static func old(_ head: ChainHead) -> [UInt8] {
    let text = String(decoding: head.json, as: UTF8.self).replacing(",\"removed\":0", with: "")
    return Array(text.utf8.dropLast()) + Array("            \n".utf8)
  }

  /// Writes everything into one file.
  func write() throws {
    try write("audit.log", bytes(1...lines.count))
    try writeHead(size: bytes(1...lines.count).count)
  }

  /// Writes three files, the oldest one compressed.
  func writeRotated() throws {
    try writeCompressed("audit.log.2.gz", bytes(1...5))
    try write("audit.log.1", bytes(6...12))
    try write("audit.log", bytes(13...lines.count))
    try writeHead(size: bytes(13...lines.count).count)
  }

  /// The output of `audit` with these arguments.
  func audit(_ words: String..., environment: [String: String] = [:]) throws -> Outcome {
    try bsshServer(
      ["audit"] + words + ["--file", path], environment: ["TZ": "UTC"].merging(environment) { $1 })
  }

  /// The numbers of the lines that `audit` shows with these arguments.
  func numbers(_ words: [String]) throws -> [Int] {
    let outcome = try bsshServer(["audit"] + words + ["--json", "--file", path], environment: ["TZ": "UTC"])
    return try outcome.output.split(separator: "\n").map {
      Int(try JournalLine(json: Array($0.utf8)[...]).sequence)
    }
  }
}
