import Foundation
import System
import Testing

@testable import Audit
@testable import Supervisor

/// What users see of each event: its line in the journal, its sentence and level in the log, and its severity for
/// receivers. Recorded in EventSnapshots.txt, which changes only on purpose:
/// `BSSH_WRITE_GENERATED=1 $tests --filter EventSnapshotTests` records it again.
@Suite struct EventSnapshotTests {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "EventSnapshots.txt")

  private static let subject = {
    var subject = Subject()
    subject.sessionID = EventID(high: 1, low: 2)
    (subject.user, subject.clientAddress, subject.clientPort) = ("anna", "2001:db8::1", 50_000)
    (subject.connection, subject.clientVersion) = (7, "SSH-2.0-OpenSSH_9.2p1")
    (subject.method, subject.keyFingerprint) = ("publickey", "SHA256:0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
    subject.keyExchange = "mlkem768x25519-sha256"
    return subject
  }()

  private static func levels(_ record: AuditRecord) -> String {
    let severity = record.severity
    return
      "\(record.result.rawValue): log \(Log.Level(record.logLevel)), OTLP \(severity.number) \(severity.name), syslog \(severity.syslog)"
  }

  private static func text(_ record: AuditRecord) -> String {
    let event = AuditEvent(
      id: EventID(high: 3, low: 4), time: 1_700_000_000_123_456, host: "host.example.org", subject: subject,
      record: record)
    let line = JournalLine(event, sequence: 12, previous: LineHash(of: [0]))
    var text = String(decoding: line.json, as: UTF8.self) + "\n"
    for result in EventResult.allCases {
      var record = record
      record.result = result
      text += "\(levels(record)): \(record.logMessage(of: subject))\n"
    }
    return text
  }

  private static var recorded: String {
    EventType.allCases.map { type in
      var records = [AuditRecord(type)] + samples(of: type)
      for index in records.indices { records[index].type = type }
      return "# \(type.rawValue)\n" + records.map(text).joined()
    }.joined(separator: "\n")
  }

  @Test func `the output of each event matches the snapshot`() throws {
    if ProcessInfo.processInfo.environment["BSSH_WRITE_GENERATED"] != nil {
      try Self.recorded.write(to: Self.file, atomically: true, encoding: .utf8)
    }
    let expected = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n")
    let lines = Self.recorded.split(separator: "\n")
    #expect(lines.count == expected.count)
    for (line, wanted) in zip(lines, expected) { #expect(line == wanted) }
  }

  private static let path = Array("/d/a \"b\"\u{ff}".utf8.dropLast()) + [0xff]

  private static func record(_ change: (inout AuditRecord) -> Void) -> AuditRecord {
    var record = AuditRecord(.connectionOpen, .success, .ssh)
    change(&record)
    return record
  }

  private static func file(_ change: (inout AuditRecord) -> Void) -> AuditRecord {
    var record = AuditRecord(.fileRead, .success, .sftp)
    (record.path, record.channel) = (path, 3)
    change(&record)
    return record
  }

  private static func command(_ name: EventProtocol, _ change: (inout AuditRecord) -> Void) -> AuditRecord {
    var record = AuditRecord(.commandExecuted, .success, name)
    (record.channel, record.command) = (0, Array("echo 'a b'".utf8))
    change(&record)
    return record
  }

  private static func forward(_ change: (inout AuditRecord) -> Void) -> AuditRecord {
    var record = AuditRecord(.forwardOpen, .success, .forward)
    (record.channel, record.forwardKind, record.target, record.originator) = (3, .local, "db:5432", "127.0.0.1:50001")
    change(&record)
    return record
  }

  private static func socket(_ change: (inout AuditRecord) -> Void) -> AuditRecord {
    var record = AuditRecord(.forwardOpen, .success, .forward)
    (record.channel, record.forwardKind, record.path) = (3, .localSocket, path)
    change(&record)
    return record
  }

  private static func reasons(_ codes: [String], _ details: String? = nil) -> [AuditRecord] {
    codes.map { code in record { ($0.reason, $0.details) = (Reason(code: code), details) } }
  }

  /// Facts as in the daemon: for every kind of sentence and every reason that changes a level.
  private static func samples(of type: EventType) -> [AuditRecord] {
    switch type {
    case .connectionOpen: [record { $0.details = "to 192.0.2.1:22, by way of 192.0.2.9:80" }]
    case .connectionClosed, .sessionEnd:
      [
        record {
          ($0.reason, $0.details, $0.milliseconds) = ("client_disconnected", "it's over", 61_250)
          ($0.bytes, $0.bytesIn, $0.bytesOut) = (11, 5, 6)
        }
      ]
        + reasons(["made_room"], "for a connection from 192.0.2.7:50001")
        + reasons(["transport_lost", "idle_timeout", "health_check", "out_of_memory"])
    case .connectionRefused:
      reasons(
        [
          "blocked_ip", "not_allowed_ip", "banned", "too_many_from_source", "too_many_unauthenticated",
          "max_connections", "bad_proxy_header", "proxy_header_timeout",
        ], "for 3 s more")
    case .authRateLimited: reasons(["rate_limited"], "faster than security.rate_limit")
    case .authSuccess: [record { $0.details = "key SHA256:x, by /home/anna/.ssh/authorized_keys:1" }]
    case .authFailure: reasons(["wrong_password", "no_such_user"]) + reasons(["no_such_key"], "key SHA256:x")
    case .sessionStart: [record { $0.details = "as uid 1000, gid 1000" }]
    case .sessionLost: reasons(["killed"], "1 command without an end: channel 0: exec 'sleep 60'")
    case .commandStarted, .commandExecuted:
      [
        command(.exec) { ($0.exitStatus, $0.milliseconds, $0.details) = (4, 20, "on /dev/pts/3") },
        command(.shell) { ($0.command, $0.signal, $0.reason) = (nil, "TERM", "command_timeout") },
        command(.sftp) { ($0.exitStatus, $0.bytes, $0.bytesIn, $0.bytesOut) = (0, 3, 1, 2) },
        command(.scp) { ($0.reason, $0.details) = ("not_started", "No such file or directory") },
        command(.exec) { ($0.reason, $0.milliseconds) = ("still_running", 1999) },
      ]
    case .commandBlocked:
      [
        command(.exec) { ($0.reason, $0.rule) = ("command_blocked", "shell.blocked_commands") },
        record { ($0.reason, $0.details) = ("no_terminal", "terminal") },
      ]
    case .fileOpenRead, .fileOpenWrite: [file { $0.details = "for reading, too" }]
    case .fileRead: [file { ($0.bytes, $0.bytesOut, $0.details) = (9, 9, "at 0") }]
    case .fileWrite: [file { ($0.bytes, $0.bytesIn, $0.details) = (9, 9, "at 4096") }]
    case .fileClose: [file { ($0.bytes, $0.bytesIn, $0.bytesOut, $0.milliseconds) = (3, 1, 2, 1500) }]
    case .fileUploaded, .fileDownloaded:
      [
        file { ($0.bytes, $0.milliseconds) = (3, 4) },
        file { ($0.bytes, $0.reason) = (3, "broken_off") },
        file { ($0.bytes, $0.reason, $0.details) = (3, "disk_full", "write: No space left on device") },
        file { ($0.bytes, $0.reason, $0.rule) = (3, "denied_by_rule", "no music") },
      ]
    case .fileDeleted, .directoryCreated, .directoryDeleted: [file { _ in }]
    case .fileRenamed: [file { $0.destination = Array("/d/b".utf8) }]
    case .linkCreated: [file { ($0.destination, $0.details) = (Array("/d/b".utf8), "hard link") }]
    case .directoryListed: [file { $0.details = "3 entries" }]
    case .attributesChanged: [file { $0.details = "mode 644, time 0" }]
    case .transferDenied, .transferAllowed:
      [
        file { ($0.rule, $0.details, $0.reason) = ("no music", "upload", "denied_by_rule") },
        file { ($0.destination, $0.details, $0.reason) = (Array("/d/b".utf8), "rename", "permission_denied") },
        record { ($0.details, $0.reason) = ("statvfs@openssh.com", "request_not_allowed") },
      ]
    case .ipBlocked: [record { ($0.reason, $0.details, $0.milliseconds) = ("failed_logins", "for 300 s", 300_000) }]
    case .ipUnblocked: reasons(["ban_over"], "after ban 1 in a row")
    case .suspiciousActivity:
      reasons(
        ["protocol_error", "transport_crashed", "session_misbehaved", "protocol_violation"], "its transport left")
    case .recordingStarted: [file { _ in }] + reasons(["recording_failed"], "no file within 10 s")
    case .recordingFinished:
      [
        file { ($0.bytes, $0.milliseconds, $0.details) = (100, 5000, "sha256:00") },
        file { ($0.reason, $0.details) = ("recording_failed", "No space left on device, sha256:00") },
        file { $0.reason = "transport_lost" },
      ]
    case .forwardOpen:
      [
        forward { $0.address = "192.0.2.9:5432" },
        forward { ($0.reason, $0.details) = ("connection_refused", "connect: Connection refused") },
        socket { _ in },
      ]
    case .forwardClosed:
      [
        forward {
          ($0.address, $0.milliseconds, $0.bytes, $0.bytesIn, $0.bytesOut) = ("192.0.2.9:5432", 1500, 3, 1, 2)
        },
        socket { ($0.milliseconds, $0.bytes, $0.bytesIn, $0.bytesOut) = (1500, 3, 1, 2) },
      ]
    case .forwardDenied:
      [
        forward { ($0.reason, $0.rule) = ("target_not_permitted", "permitopen= of /home/anna/.ssh/authorized_keys:3") },
        forward { $0.reason = "too_many_forwards" },
        socket { ($0.reason, $0.rule) = ("forwarding_not_permitted", "forwarding.unix_sockets") },
      ]
    case .agentForwarded: [record { $0.details = "to example.org:80" }]
    case .daemonStarted, .daemonStopped: [record { $0.details = "bssh-server 1.0" }]
    case .configurationLoaded, .configurationRejected:
      [record { ($0.path, $0.details) = (Array("/etc/bssh/server.yaml".utf8), "line 1: unknown key") }]
    case .adminAction: reasons(["reload"], "signal HUP from process 1 of user 0")
    case .eventsCounted:
      [record { ($0.reason, $0.details, $0.milliseconds) = ("many_listings", "7 directory_listed", 9) }]
    case .auditGap: reasons(["not_written"], "7 events") + reasons(["refused_by_receiver"], "event 3")
    }
  }
}
