import Testing

@testable import Audit

@Suite struct LogMessageTests {
  private static let subject = {
    var subject = Subject()
    (subject.user, subject.clientAddress, subject.clientPort) = ("anna", "2001:db8::1", 50000)
    (subject.connection, subject.method) = (7, "publickey")
    return subject
  }()

  private static func record(_ type: EventType, _ result: EventResult = .success, _ change: (inout AuditRecord) -> Void)
    -> AuditRecord
  {
    var record = AuditRecord(type, result)
    change(&record)
    return record
  }

  private static let path = Array("/d/a b".utf8)

  private static let sentences: [(AuditRecord, String)] = [
    (record(.connectionOpen) { $0.details = "to 192.0.2.1:22" }, "connection from [2001:db8::1]:50000 to 192.0.2.1:22"),
    (
      record(.connectionClosed) {
        ($0.reason, $0.details, $0.milliseconds) = ("client_disconnected", "bye", 61_250)
        ($0.bytesIn, $0.bytesOut) = (5, 6)
      }, "closed: client_disconnected ('bye'), after 61.2 s, 5 bytes in, 6 bytes out"
    ),
    (
      record(.connectionRefused, .denied) { ($0.reason, $0.details) = ("banned", "for 3 s more") },
      "refused [2001:db8::1]:50000: banned, for 3 s more"
    ),
    (record(.authSuccess) { $0.details = "key SHA256:x" }, "accepted 'anna' by publickey, key SHA256:x"),
    (
      record(.authFailure, .failure) { ($0.reason, $0.details) = ("bad_signature", "key SHA256:x") },
      "refused 'anna' by publickey: bad_signature, key SHA256:x"
    ),
    (
      record(.forwardOpen) {
        ($0.channel, $0.target, $0.address) = (4, "db'x:5432", "192.0.2.9:5432")
        $0.originator = "127.0.0.1:50001"
      }, "channel 4: forward to 'db\\'x:5432' at 192.0.2.9:5432 from '127.0.0.1:50001'"
    ),
    (
      record(.forwardOpen) { ($0.target, $0.address) = ("192.0.2.9:22", "192.0.2.9:22") }, "forward to '192.0.2.9:22'"
    ),
    (
      record(.forwardOpen, .failure) {
        ($0.target, $0.reason, $0.details) = ("db:1", "connection_refused", "connect: Connection refused")
      }, "forward to 'db:1' failed: connection_refused (connect: Connection refused)"
    ),
    (
      record(.forwardOpen, .failure) { ($0.target, $0.reason) = ("db:1", "abandoned") },
      "forward to 'db:1' failed: abandoned"
    ),
    (
      record(.forwardClosed) {
        ($0.path, $0.milliseconds, $0.bytesIn, $0.bytesOut) = (path, 1500, 1, 2)
      }, "forward to \"/d/a b\" closed after 1.5 s, 1 bytes in, 2 bytes out"
    ),
    (
      record(.forwardDenied, .denied) {
        ($0.target, $0.reason, $0.rule) = ("db:1", "target_not_permitted", "forwarding.permit_open")
      }, "forward to 'db:1' refused: target_not_permitted, forwarding.permit_open"
    ),
    (
      record(.forwardDenied, .denied) { ($0.target, $0.reason) = ("db:0", "malformed_target") },
      "forward to 'db:0' refused: malformed_target"
    ),
    (record(.sessionStart) { $0.details = "as uid 1, gid 2" }, "logged in 'anna' as uid 1, gid 2"),
    (record(.sessionEnd) { $0.milliseconds = 1900 }, "logged out 'anna' after 1.9 s"),
    (
      record(.commandExecuted) {
        ($0.protocol, $0.channel, $0.command) = (.exec, 3, Array("exit 4".utf8))
        ($0.exitStatus, $0.milliseconds, $0.details) = (4, 20, "on /dev/pts/3")
      }, "channel 3: command 'exit 4' exited with 4 after 0.0 s, on /dev/pts/3"
    ),
    (
      record(.commandExecuted) { ($0.protocol, $0.signal, $0.reason) = (.shell, "TERM", "command_timeout") },
      "shell killed by SIGTERM (command_timeout)"
    ),
    (
      record(.commandBlocked, .denied) {
        ($0.protocol, $0.command, $0.reason) = (.exec, [UInt8](repeating: 0x61, count: 300), "command_blocked")
      }, "command '\(String(repeating: "a", count: 200))' refused: command_blocked"
    ),
    (
      record(.fileUploaded) { ($0.path, $0.bytes, $0.milliseconds, $0.channel) = (path, 3, 4, 0) },
      "channel 0: upload \"/d/a b\": 3 bytes, 4 ms"
    ),
    (
      record(.fileUploaded, .failure) {
        ($0.path, $0.bytes, $0.milliseconds) = (path, 3, 4)
        ($0.reason, $0.details) = ("disk_full", "No space left on device")
      }, "upload \"/d/a b\": 3 bytes, 4 ms, not all of it: No space left on device"
    ),
    (
      record(.fileUploaded, .failure) { ($0.path, $0.bytes, $0.milliseconds, $0.reason) = (path, 3, 4, "broken_off") },
      "upload \"/d/a b\": 3 bytes, 4 ms, broken off"
    ),
    (record(.fileRenamed) { ($0.path, $0.destination) = (path, [0xff]) }, "rename \"/d/a b\" to \"\u{fffd}\""),
    (
      record(.transferDenied, .denied) { ($0.path, $0.rule, $0.details) = (path, "no music", "upload") },
      "denied by no music: upload \"/d/a b\""
    ),
    (
      record(.transferAllowed) { ($0.path, $0.destination, $0.rule, $0.details) = (path, path, "watched", "rename") },
      "allowed by watched: rename \"/d/a b\" \"/d/a b\""
    ),
    (record(.ipBlocked) { $0.details = "for 300 s" }, "banned [2001:db8::1]:50000 for 300 s"),
    (
      record(.suspiciousActivity, .error) { ($0.reason, $0.details) = ("transport_crashed", "killed by signal 11") },
      "suspicious activity: transport_crashed killed by signal 11"
    ),
    (record(.adminAction) { $0.details = "reload" }, "admin action: reload"),
  ]

  @Test(arguments: sentences.indices) func `log lines have the expected wording`(index: Int) {
    let (record, sentence) = Self.sentences[index]
    #expect(record.logMessage(of: Self.subject) == sentence)
  }

  @Test func `no user name, command or path can imitate another log line`() {
    var subject = Self.subject
    subject.user = "root' by publickey: logged in 'root"
    #expect(
      Self.record(.authSuccess) { _ in }.logMessage(of: subject)
        == #"accepted 'root\' by publickey: logged in \'root' by publickey"#)
    let command = Self.record(.commandExecuted) { ($0.command, $0.exitStatus) = (Array(#"a\' exited with 0"#.utf8), 1) }
    #expect(command.logMessage(of: subject) == #"command 'a\\\' exited with 0' exited with 1"#)
    let rename = Self.record(.fileRenamed) { ($0.path, $0.destination) = (Array(#"/a" to "/b"#.utf8), Self.path) }
    #expect(rename.logMessage(of: subject) == #"rename "/a\" to \"/b" to "/d/a b""#)
    let closed = Self.record(.connectionClosed) { ($0.reason, $0.details) = ("client_disconnected", "'), after 9 s") }
    #expect(closed.logMessage(of: subject) == #"closed: client_disconnected ('\'), after 9 s')"#)
  }

  @Test func `every event type has a log line with no fields and with all`() {
    let sentences = EventType.allCases.map { type in
      var full = AuditRecordTests.full
      full.type = type
      #expect(!AuditRecord(type).logMessage(of: Subject()).isEmpty)
      return full.logMessage(of: Self.subject)
    }
    #expect(Set(sentences).count >= EventType.allCases.count - 1)
  }
}
