import Audit
import Authentication
import IPC
import System
import Testing

@testable import Supervisor

@Suite struct LoginReportTests {
  private static let key = Verdict(outcome: .rejected, reason: "no_such_key", fingerprint: "SHA256:x")
  private let client = SocketAddress(address: "203.0.113.7", port: 50000)

  private func begun(_ method: String, isQuestion: Bool = false) -> LoginReport {
    var report = LoginReport(client)
    report.begin(method, "bob", isQuestion: isQuestion)
    return report
  }

  @Test func `the subject has the first user name of the client`() {
    var report = LoginReport(client)
    report.begin("none", "bob", isQuestion: true)
    report.begin("none", "eve", isQuestion: true)
    report.begin("password", nil, isQuestion: false)
    #expect(report.subject.user == "bob" && report.subject.clientPort == 50000)
  }

  @Test func `every end of authentication reports the attempt`() {
    let endings: [(AuthenticationMachine.Ending, EventType, Reason)] = [
      (.tooManyFailures, .authFailure, "too_many_failures"), (.tooManyOffers, .authFailure, "too_many_keys"),
      (.impossibleVerdict, .authFailure, "impossible_verdict"), (.malformed, .suspiciousActivity, "malformed_request"),
      (.userChanged, .suspiciousActivity, "user_changed"), (.unknownService, .suspiciousActivity, "unknown_service"),
      (.unexpectedResponse, .suspiciousActivity, "unexpected_response"),
      (.requestTooSoon, .suspiciousActivity, "request_before_answer"),
    ]
    for (ending, type, reason) in endings {
      var report = begun("password")
      let record = [report.disconnected(ending, nil, "x", by: "password", nil, nil)].records.first
      #expect(record?.type == type && record?.reason == reason && record?.details == "x")
      #expect(ending.isSuspicious == (type == .suspiciousActivity))
      #expect(report.ended(proven: []) == [])
    }
  }

  @Test func `the failure that exceeds the limit has the reason of its refusal`() {
    var report = begun("publickey")
    #expect(
      [report.disconnected(.tooManyFailures, .credentials, "x", by: "publickey", nil, Self.key)].records.map(\.reason)
        == ["no_such_key"])
    #expect(
      [report.disconnected(.tooManyFailures, .noneMethod, "x", by: "none", nil, nil)].records.map(\.reason)
        == [Reason(LoginRefusal.noneMethod)])
  }

  @Test func `an offered key is not an attempt unless it is known`() {
    let offer = Credential.publicKey([], isSigned: false)
    var unknown = begun("publickey", isQuestion: true)
    #expect([unknown.refused(.credentials, "bob", by: "publickey", offer, nil, Self.key)].records.isEmpty)
    #expect(unknown.ended(proven: []).records.map(\.reason) == ["no_such_key"])
    var listed = begun("publickey", isQuestion: true)
    var verdict = Self.key
    verdict.place = "/k:3"
    let action = listed.refused(.credentials, "bob", by: "publickey", offer, nil, verdict)
    #expect([action].records.map(\.details) == ["key SHA256:x, by /k:3"])
    #expect(listed.ended(proven: []) == [])
  }

  @Test func `a session that cannot start is a failure of the granted login without further events`() {
    var report = begun("publickey")
    report.granted([.publicKey, .totp], key: "SHA256:x")
    let action = report.sessionNotOpened(.tooManySessions, .denied, "2 are open")
    guard case .audit(let record, let subject) = action else {
      Issue.record("no event")
      return
    }
    #expect(record.reason == "too_many_sessions" && record.details == "2 are open")
    #expect(subject.method == "publickey,totp" && subject.keyFingerprint == "SHA256:x")
    #expect(report.ended(proven: []) == [])
  }

  @Test func `steps without a login are reported at the end with their keys`() {
    var report = begun("publickey")
    var verdict = Verdict(outcome: .accepted, fingerprint: "SHA256:x")
    verdict.place = "/k:3"
    report.proved(verdict)
    _ = report.partlyAccepted("bob", by: "publickey", verdict, next: [.password])
    let end = report.ended(proven: [.publicKey]).records
    #expect(end.map(\.reason) == ["incomplete"] && end.map(\.details) == ["key SHA256:x, by /k:3"])
  }
}
