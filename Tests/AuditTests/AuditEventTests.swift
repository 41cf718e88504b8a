import Testing
import Wire

@testable import Audit

@Suite struct AuditEventTests {
  /// An event with a value in every field.
  static var full: AuditEvent {
    var subject = Subject()
    subject.sessionID = EventID(high: 1, low: 2)
    subject.user = "anna"
    subject.clientAddress = "2001:db8::1"
    subject.clientPort = 65_535
    subject.connection = 9
    subject.clientVersion = "SSH-2.0-x"
    subject.method = "publickey"
    subject.keyFingerprint = "SHA256:x"
    subject.keyExchange = "mlkem768x25519-sha256"
    return AuditEvent(
      id: EventID(high: .max, low: 0), time: -1, host: "h", subject: subject, record: AuditRecordTests.full)
  }

  @Test func `an event survives encoding and decoding with all fields or none`() throws {
    #expect(try AuditEvent(wireBytes: Self.full.wireBytes[...]) == Self.full)
    var event = Self.full
    event.subject = Subject()
    #expect(try AuditEvent(wireBytes: event.wireBytes[...]) == event)
    let bytes = Self.full.wireBytes
    for count in 0..<bytes.count { #expect(throws: WireError.self) { try AuditEvent(wireBytes: bytes[..<count]) } }
  }

  @Test func `identifiers are UUIDs of version 4 and survive printing and parsing`() {
    #expect(EventID(high: 0, low: 0).description == "00000000-0000-4000-8000-000000000000")
    #expect(EventID(high: .max, low: .max).description == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    let ids = (0..<1000).map { _ in EventID.random() }
    #expect(Set(ids).count == 1000)
    for id in ids { #expect(EventID(id.description) == id) }
    for text in [
      "", "00000000-0000-4000-8000-00000000000", "00000000-0000-1000-8000-000000000000",
      "00000000-0000-4000-0000-000000000000", "0000000000004000800000000000000000000",
      "g0000000-0000-4000-8000-000000000000",
      "F81D4FAE-7DEC-41D0-A765-00A0C91E6BF6",
    ] { #expect(EventID(text) == nil, "\(text)") }
  }
}
