import Testing
import Wire

@testable import Audit

@Suite struct AuditRecordTests {
  /// A fact with a value in every field.
  static var full: AuditRecord {
    var record = AuditRecord(.fileRenamed, .denied, .sftp)
    record.path = [0x2f, 0xff]
    record.destination = [0x2f, 0x62]
    record.bytes = .max
    record.details = "a sentence"
    record.channel = 7
    record.command = Array("ls".utf8)
    record.exitStatus = 255
    record.signal = "TERM"
    record.milliseconds = 1
    record.bytesIn = 2
    record.bytesOut = 3
    record.rule = "no music"
    record.reason = "permission_denied"
    record.forwardKind = .local
    record.target = "db:5432"
    record.address = "192.0.2.9:5432"
    record.originator = "127.0.0.1:1"
    return record
  }

  /// A new field is not in ``full`` automatically.
  @Test func `the full samples have a value in every field`() {
    let event = AuditEventTests.full
    for sample in [Mirror(reflecting: event.record), Mirror(reflecting: event.subject)] {
      for (name, value) in sample.children {
        let mirror = Mirror(reflecting: value)
        #expect(mirror.displayStyle != .optional || !mirror.children.isEmpty, "\(name ?? "")")
      }
      #expect(sample.children.count > 1)
    }
  }

  @Test func `a fact survives encoding and decoding with all fields or none`() throws {
    #expect(try AuditRecord(wireBytes: Self.full.wireBytes[...]) == Self.full)
    for type in EventType.allCases {
      for result in EventResult.allCases {
        let record = AuditRecord(type, result)
        #expect(try AuditRecord(wireBytes: record.wireBytes[...]) == record)
      }
    }
    for name in EventProtocol.allCases {
      let record = AuditRecord(.fileRead, .success, name)
      #expect(try AuditRecord(wireBytes: record.wireBytes[...]) == record)
    }
  }

  @Test func `a truncated message does not decode to a fact`() throws {
    let bytes = Self.full.wireBytes
    for count in 0..<bytes.count { #expect(throws: WireError.self) { try AuditRecord(wireBytes: bytes[..<count]) } }
  }

  @Test func `an unknown type, result or protocol is refused`() {
    for place in [0, 1, 3] {
      var bytes = Self.full.wireBytes
      bytes[place] = 0xff
      #expect(throws: WireError.malformed) { try AuditRecord(wireBytes: bytes[...]) }
    }
  }

  @Test func `exactly the reasons of event types can be decoded`() throws {
    for type in EventType.allCases {
      for reason in type.row.reasons {
        var record = AuditRecord(type)
        record.reason = reason
        #expect(try AuditRecord(wireBytes: record.wireBytes[...]) == record)
      }
    }
    var record = AuditRecord(.connectionClosed)
    for code in ["", "no_such_reason", "Banned", String(repeating: "a", count: 64)] {
      record.reason = Reason(code: code)
      #expect(throws: WireError.malformed) { try AuditRecord(wireBytes: record.wireBytes[...]) }
    }
  }

  @Test func `a transport's final message has the reason of the same name`() {
    for end in TransportEnd.allCases { #expect(CloseReason(end).rawValue == end.rawValue) }
  }

  @Test func `overlong values are truncated between characters`() throws {
    var record = AuditRecord(.commandExecuted)
    record.command = [UInt8](repeating: 0xff, count: AuditRecord.textLimit + 1)
    record.details = String(repeating: "€", count: AuditRecord.textLimit)
    let received = try AuditRecord(wireBytes: record.wireBytes[...])
    #expect(received.command?.count == AuditRecord.textLimit)
    #expect(received.details == String(repeating: "€", count: AuditRecord.textLimit / 3))
  }

  @Test func `a session process cannot report logins or events of the daemon`() {
    let others = EventType.allCases.filter { !$0.isOfSession }.map(\.rawValue)
    let prefixes = [
      "auth_", "session_", "ip_", "connection_", "daemon_", "configuration_", "admin_", "audit_", "recording_",
      "events_",
    ]
    #expect(others.allSatisfy { name in prefixes.contains(where: name.hasPrefix) })
    #expect(
      EventType.allCases.filter(\.isOfSession).allSatisfy { type in !prefixes.contains(where: type.rawValue.hasPrefix) }
    )
  }

  @Test func `all event types and results of bssh are supported`() {
    let types = [
      "auth_success", "auth_failure", "auth_rate_limited", "session_start", "session_end", "command_executed",
      "command_blocked", "file_open_read", "file_open_write", "file_read", "file_write", "file_close", "file_uploaded",
      "file_downloaded", "file_deleted", "file_renamed", "directory_created", "directory_deleted", "directory_listed",
      "transfer_denied", "transfer_allowed", "ip_blocked", "ip_unblocked", "suspicious_activity",
    ]
    #expect(types.allSatisfy { EventType(rawValue: $0) != nil })
    #expect(["success", "failure", "denied", "error"].allSatisfy { EventResult(rawValue: $0) != nil })
  }
}
