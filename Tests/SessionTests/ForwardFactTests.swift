import AccessControl
import Audit
import IPC
import Model
import Testing

@testable import Session

@Suite struct ForwardFactTests {
  private static func forward(
    _ target: ForwardTarget = .tcp(host: Array("db".utf8), port: 5432), from host: String = "127.0.0.1"
  ) -> RequestedForward {
    RequestedForward(channel: 3, target: target, originator: (Array(host.utf8), 50001))
  }

  /// A fact of its type is complete if it has no field and no reason that the row of its type does not list.
  private static func isOfItsRow(_ fact: Fact) -> Bool {
    let row = fact.type.row
    let fields: [(JournalKey, Bool)] = [
      (.channel, fact.channel != nil), (.path, fact.path != nil), (.forwardKind, fact.forwardKind != nil),
      (.target, fact.target != nil), (.address, fact.address != nil), (.originator, fact.originator != nil),
      (.rule, fact.rule != nil), (.bytes, fact.bytes != nil), (.bytesIn, fact.bytesIn != nil),
      (.bytesOut, fact.bytesOut != nil), (.duration, fact.milliseconds != nil),
    ]
    return fields.allSatisfy { row.fields.contains($0.0) || !$0.1 } && (fact.reason.map(row.reasons.contains) ?? true)
      && row.reporter <= .session
  }

  @Test func `a connected forward has its target, its address and where it comes from`() {
    let fact = Fact.opened(Self.forward(), at: IPAddress("2001:db8::9"))
    #expect((fact.type, fact.result, fact.protocol) == (.forwardOpen, .success, .forward))
    #expect(fact.channel == 3 && fact.forwardKind == .local && fact.target == "db:5432" && fact.path == nil)
    #expect(fact.address == "[2001:db8::9]:5432" && fact.originator == "127.0.0.1:50001")
    #expect(Self.isOfItsRow(fact))
  }

  @Test func `a forward to a socket has the path as it was asked for, and no address`() {
    let path: [UInt8] = [0x2f, 0xff]
    let fact = Fact.opened(Self.forward(.socket(path: path), from: ""), at: nil)
    #expect(fact.forwardKind == .localSocket && fact.path == path && fact.target == nil)
    #expect(fact.address == nil && fact.originator == nil)
    #expect(Self.isOfItsRow(fact))
  }

  @Test(arguments: ForwardFailure.allCases) func `a forward that could not be connected says why`(
    reason: ForwardFailure
  ) {
    let fact = Fact.failed(Self.forward(), reason, "connect: Connection refused")
    #expect(fact.type == .forwardOpen && fact.reason == Reason(reason))
    // Only what exhausts the server is the server's fault.
    #expect(fact.result == (reason == .noResources ? .error : .failure))
    #expect(fact.details == "connect: Connection refused" && Self.isOfItsRow(fact))
  }

  @Test(arguments: ForwardDenial.allCases) func `a denied forward says why, and by which rule`(reason: ForwardDenial) {
    let fact = Fact.denied(Self.forward(), ForwardRefusal(reason, rule: "forwarding.permit_open"))
    #expect(fact.type == .forwardDenied && fact.result == .denied && fact.reason == Reason(reason))
    #expect(fact.rule == "forwarding.permit_open" && fact.target == "db:5432" && Self.isOfItsRow(fact))
  }

  @Test func `the end of a forward has its bytes and its duration`() {
    let fact = Fact.closed(
      Self.forward(), at: IPAddress("::ffff:192.0.2.9"), bytesIn: .max, bytesOut: 2, milliseconds: 7)
    #expect(fact.type == .forwardClosed && fact.result == .success && fact.address == "192.0.2.9:5432")
    #expect(fact.bytesIn == .max && fact.bytesOut == 2 && fact.bytes == 1 && fact.milliseconds == 7)
    #expect(Self.isOfItsRow(fact))
  }

  @Test func `a name of 64 KiB makes no event of 64 KiB`() {
    let long = [UInt8](repeating: 0xff, count: 64 << 10)
    let fact = Fact.denied(
      RequestedForward(channel: 0, target: .tcp(host: long, port: .max), originator: (long, .max)),
      ForwardRefusal(.malformed))
    #expect((fact.target?.utf8.count ?? 0) < 1000 && (fact.originator?.utf8.count ?? 0) < 1000)
    #expect(fact.target?.hasSuffix(":4294967295") == true)
    #expect(fact.sentence(of: Subject()).utf8.count < 3000)
  }
}
