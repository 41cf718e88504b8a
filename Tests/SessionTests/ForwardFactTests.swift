import AccessControl
import Audit
import IPC
import Model
import Testing
import Wire

@testable import Session

@Suite struct ForwardFactTests {
  private static func forward(
    _ target: ForwardTarget = .tcp(host: Array("db".utf8), port: 5432), from host: String = "127.0.0.1"
  ) -> RequestedForward {
    RequestedForward(channel: 3, target: target, originator: (Array(host.utf8), 50001))
  }

  /// A fact of its type is complete if it has no field and no reason that the row of its type does not list.
  private static func isOfItsRow(_ record: AuditRecord) -> Bool {
    let row = record.type.row
    let fields: [(JournalKey, Bool)] = [
      (.channel, record.channel != nil), (.path, record.path != nil), (.forwardKind, record.forwardKind != nil),
      (.target, record.target != nil), (.address, record.address != nil), (.originator, record.originator != nil),
      (.rule, record.rule != nil), (.bytes, record.bytes != nil), (.bytesIn, record.bytesIn != nil),
      (.bytesOut, record.bytesOut != nil), (.duration, record.milliseconds != nil),
    ]
    return fields.allSatisfy { row.fields.contains($0.0) || !$0.1 } && (record.reason.map(row.reasons.contains) ?? true)
      && row.reporter <= .session
  }

  @Test func `a connected forward has its target, its address and where it comes from`() {
    let record = AuditRecord.opened(Self.forward(), at: IPAddress("2001:db8::9"))
    #expect((record.type, record.result, record.protocol) == (.forwardOpen, .success, .forward))
    #expect(record.channel == 3 && record.forwardKind == .local && record.target == "db:5432" && record.path == nil)
    #expect(record.address == "[2001:db8::9]:5432" && record.originator == "127.0.0.1:50001")
    #expect(Self.isOfItsRow(record))
  }

  @Test func `a forward to a socket has the path as it was asked for, and no address`() {
    let path: [UInt8] = [0x2f, 0xff]
    let record = AuditRecord.opened(Self.forward(.socket(path: path), from: ""), at: nil)
    #expect(record.forwardKind == .localSocket && record.path == path && record.target == nil)
    #expect(record.address == nil && record.originator == nil)
    #expect(Self.isOfItsRow(record))
  }

  @Test(arguments: ForwardFailure.allCases) func `a forward that could not be connected says why`(
    reason: ForwardFailure
  ) {
    let record = AuditRecord.failed(Self.forward(), reason, "connect: Connection refused")
    #expect(record.type == .forwardOpen && record.reason == Reason(reason))
    // Only what exhausts the server is the server's fault.
    #expect(record.result == (reason == .noResources ? .error : .failure))
    #expect(record.details == "connect: Connection refused" && Self.isOfItsRow(record))
  }

  @Test(arguments: ForwardDenial.allCases) func `a denied forward says why, and by which rule`(reason: ForwardDenial) {
    let record = AuditRecord.denied(Self.forward(), ForwardRefusal(reason, rule: "forwarding.permit_open"))
    #expect(record.type == .forwardDenied && record.result == .denied && record.reason == Reason(reason))
    #expect(record.rule == "forwarding.permit_open" && record.target == "db:5432" && Self.isOfItsRow(record))
  }

  @Test func `the end of a forward has its bytes and its duration`() {
    let record = AuditRecord.closed(
      Self.forward(), at: IPAddress("::ffff:192.0.2.9"), bytesIn: .max, bytesOut: 2, milliseconds: 7)
    #expect(record.type == .forwardClosed && record.result == .success && record.address == "192.0.2.9:5432")
    #expect(record.bytesIn == .max && record.bytesOut == 2 && record.bytes == 1 && record.milliseconds == 7)
    #expect(Self.isOfItsRow(record))
  }

  @Test func `a name of 64 KiB makes no event of 64 KiB`() {
    let long = [UInt8](repeating: 0xff, count: 64 << 10)
    let record = AuditRecord.denied(
      RequestedForward(channel: 0, target: .tcp(host: long, port: .max), originator: (long, .max)),
      ForwardRefusal(.malformed))
    #expect((record.target?.utf8.count ?? 0) < 1000 && (record.originator?.utf8.count ?? 0) < 1000)
    #expect(record.target?.hasSuffix(":4294967295") == true)
    #expect(record.logMessage(of: Subject()).utf8.count < 3000)
  }

  @Test func `whatever bytes a client sends as a name, the supervisor can read the event`() throws {
    for name: [UInt8] in [[0], Array("a\0b".utf8), [0xff, 0, 0xfe], Array(0...255)] {
      let request = RequestedForward(channel: 0, target: .tcp(host: name, port: 80), originator: (name, 80))
      let record = AuditRecord.denied(request, ForwardRefusal(.malformed))
      let read = try AuditRecord(wireBytes: record.wireBytes[...])
      #expect(read == record && record.target?.hasSuffix(":80") == true)
    }
  }
}
