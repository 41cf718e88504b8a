import Testing
import Wire

@testable import Audit

@Suite struct FactTests {
  /// A fact with a value in every field.
  static var full: Fact {
    var fact = Fact(.fileRenamed, .denied, .sftp)
    fact.path = [0x2f, 0xff]
    fact.destination = [0x2f, 0x62]
    fact.bytes = .max
    fact.details = "a sentence"
    fact.channel = 7
    fact.command = Array("ls".utf8)
    fact.exitStatus = 255
    fact.signal = "TERM"
    fact.milliseconds = 1
    fact.bytesIn = 2
    fact.bytesOut = 3
    fact.rule = "no music"
    fact.reason = "permission_denied"
    fact.forwardKind = .local
    fact.target = "db:5432"
    fact.address = "192.0.2.9:5432"
    fact.originator = "127.0.0.1:1"
    return fact
  }

  /// A new field is not in ``full`` automatically.
  @Test func `the full samples have a value in every field`() {
    let event = AuditEventTests.full
    for sample in [Mirror(reflecting: event.fact), Mirror(reflecting: event.subject)] {
      for (name, value) in sample.children {
        let mirror = Mirror(reflecting: value)
        #expect(mirror.displayStyle != .optional || !mirror.children.isEmpty, "\(name ?? "")")
      }
      #expect(sample.children.count > 1)
    }
  }

  @Test func `a fact survives encoding and decoding with all fields or none`() throws {
    #expect(try Fact(wireBytes: Self.full.wireBytes[...]) == Self.full)
    for type in EventType.allCases {
      for result in EventResult.allCases {
        let fact = Fact(type, result)
        #expect(try Fact(wireBytes: fact.wireBytes[...]) == fact)
      }
    }
    for name in EventProtocol.allCases {
      let fact = Fact(.fileRead, .success, name)
      #expect(try Fact(wireBytes: fact.wireBytes[...]) == fact)
    }
  }

  @Test func `a truncated message does not decode to a fact`() throws {
    let bytes = Self.full.wireBytes
    for count in 0..<bytes.count { #expect(throws: WireError.self) { try Fact(wireBytes: bytes[..<count]) } }
  }

  @Test func `an unknown type, result or protocol is refused`() {
    for place in [0, 1, 3] {
      var bytes = Self.full.wireBytes
      bytes[place] = 0xff
      #expect(throws: WireError.malformed) { try Fact(wireBytes: bytes[...]) }
    }
  }

  @Test func `exactly the reasons of event types can be decoded`() throws {
    for type in EventType.allCases {
      for reason in type.row.reasons {
        var fact = Fact(type)
        fact.reason = reason
        #expect(try Fact(wireBytes: fact.wireBytes[...]) == fact)
      }
    }
    var fact = Fact(.connectionClosed)
    for code in ["", "no_such_reason", "Banned", String(repeating: "a", count: 64)] {
      fact.reason = Reason(code: code)
      #expect(throws: WireError.malformed) { try Fact(wireBytes: fact.wireBytes[...]) }
    }
  }

  @Test func `a transport's final message has the reason of the same name`() {
    for end in TransportEnd.allCases { #expect(CloseReason(end).rawValue == end.rawValue) }
  }

  @Test func `overlong values are truncated between characters`() throws {
    var fact = Fact(.commandExecuted)
    fact.command = [UInt8](repeating: 0xff, count: Fact.textLimit + 1)
    fact.details = String(repeating: "€", count: Fact.textLimit)
    let received = try Fact(wireBytes: fact.wireBytes[...])
    #expect(received.command?.count == Fact.textLimit)
    #expect(received.details == String(repeating: "€", count: Fact.textLimit / 3))
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
