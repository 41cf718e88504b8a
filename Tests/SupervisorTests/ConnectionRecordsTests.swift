import Audit
import Authentication
import Configuration
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// The events of a connection, from the first to the last, compared completely.
@Suite struct ConnectionRecordsTests {
  /// A short description of a fact: `auth_failure failure wrong_password`.
  private static func brief(_ record: AuditRecord) -> String {
    [record.type.rawValue, record.result.rawValue, record.reason?.code].compactMap(\.self).joined(separator: " ")
  }

  /// All events after the end of the transport.
  private func story(
    _ scenario: Scenario, lastWord: TransportEnd? = .clientDisconnected, status: System.ExitStatus = .code(0)
  )
    -> [String]
  {
    var scenario = scenario
    if let lastWord {
      scenario.send(.transport(.closed(reason: lastWord, detail: "", bytesIn: 0, bytesOut: 0)))
    }
    scenario.send(.transportEnded(status))
    return scenario.said.records.map(Self.brief)
  }

  private func verdict(_ reason: Reason) -> Verdict {
    Verdict(outcome: .rejected, reason: reason, fingerprint: "SHA256:x", place: reason == "expired_key" ? "f:3" : "")
  }

  /// Sends a request with this verdict, and lets the minimum time of passwords pass.
  private func trying(_ payload: [UInt8], _ verdict: Verdict?, in scenario: inout Scenario) {
    _ = scenario.authenticate(payload)
    scenario.send(.verdict(verdict))
    scenario.now += 1000
    scenario.send(.timer(.passwordAnswer))
  }

  private static let opened = "connection_open success"
  private static let closed = "connection_closed success client_disconnected"

  // MARK: Complete events

  @Test func `a login is reported with all its properties`() throws {
    var scenario = Scenario.prepared()
    let accepted = Verdict(outcome: .accepted, fingerprint: "SHA256:x", place: "/k:3")
    trying(Scenario.keyRequest(signed: true), accepted, in: &scenario)
    scenario.now += 500
    scenario.send(.sessionOpened(Scenario.loginID))
    scenario.now += 60_000
    scenario.send(.transport(.closed(reason: .clientDisconnected, detail: "bye", bytesIn: 5, bytesOut: 6)))
    scenario.send(.transportEnded(.code(0)))

    var before = Subject()
    (before.clientAddress, before.clientPort) = ("203.0.113.7", 50000)
    var login = before
    (login.user, login.clientVersion, login.sessionID) = ("bob", "SSH-2.0-OpenSSH_9.2", Scenario.loginID)
    (login.method, login.keyFingerprint, login.keyExchange) = ("publickey", "SHA256:x", "kex")

    var open = AuditRecord(.connectionOpen, .success, .ssh)
    open.details = "to 192.0.2.1:22"
    var success = AuditRecord(.authSuccess, .success, .ssh)
    success.details = "key SHA256:x, by /k:3"
    var start = AuditRecord(.sessionStart, .success, .ssh)
    start.details = "as uid 1000, gid 1000"
    var closed = AuditRecord(.connectionClosed, .success, .ssh)
    (closed.reason, closed.details, closed.milliseconds) = ("client_disconnected", "bye", 61_500)
    (closed.bytes, closed.bytesIn, closed.bytesOut) = (11, 5, 6)
    var end = closed
    (end.type, end.milliseconds) = (.sessionEnd, 60_000)
    let told = scenario.said.filter { if case .audit = $0 { true } else { false } }
    #expect(
      told == [
        .audit(open, before), .audit(success, login), .audit(start, login),
      ])
    let last = scenario.said.filter { if case .auditAfterSession = $0 { true } else { false } }
    #expect(last == [.auditAfterSession(end, login), .auditAfterSession(closed, login)])
    #expect(scenario.said.last == .close)
  }

  @Test func `a failed attempt is reported with its credential`() {
    var scenario = Scenario.prepared()
    trying(Scenario.keyRequest(signed: true), verdict("bad_signature"), in: &scenario)
    var subject = scenario.machine.subject
    (subject.method, subject.keyFingerprint) = ("publickey", "SHA256:x")
    var failure = AuditRecord(.authFailure, .failure, .ssh)
    (failure.reason, failure.details) = ("bad_signature", "key SHA256:x")
    #expect(scenario.said.contains(.audit(failure, subject)))
    #expect(subject.user == "bob" && scenario.machine.subject.method == nil)
  }

  // MARK: Attempts

  @Test func `every attempt is reported once`() {
    var scenario = Scenario.prepared()
    for _ in 0..<3 { trying(Scenario.passwordRequest(), verdict("wrong_password"), in: &scenario) }
    trying(Scenario.keyRequest(signed: true), verdict("no_such_key"), in: &scenario)
    let failures = [String](repeating: "auth_failure failure wrong_password", count: 3)
    #expect(story(scenario) == [Self.opened] + failures + ["auth_failure failure no_such_key", Self.closed])
  }

  @Test func `the attempt that exceeds the limit is reported with its reason`() {
    var scenario = Scenario.prepared()
    for _ in 0..<6 { trying(Scenario.passwordRequest(), verdict("wrong_password"), in: &scenario) }
    let failures = [String](repeating: "auth_failure failure wrong_password", count: 6)
    #expect(
      story(scenario, lastWord: .toldToDisconnect) == [Self.opened] + failures + [
        "connection_closed failure authentication_failed"
      ])
  }

  @Test func `queried keys are not an attempt, but leaving after them is`() {
    var scenario = Scenario.prepared()
    for _ in 0..<3 { trying(Scenario.keyRequest(signed: false), verdict("no_such_key"), in: &scenario) }
    #expect(scenario.said.records.map(Self.brief) == [Self.opened])
    #expect(story(scenario) == [Self.opened, "auth_failure failure no_such_key", Self.closed])
    trying(Scenario.keyRequest(signed: true), Verdict(outcome: .accepted), in: &scenario)
    scenario.send(.sessionOpened(Scenario.loginID))
    #expect(
      story(scenario) == [
        Self.opened, "auth_success success", "session_start success",
        "session_end success client_disconnected", Self.closed,
      ])
  }

  @Test func `a key that a line refuses is reported immediately`() {
    var scenario = Scenario.prepared()
    trying(Scenario.keyRequest(signed: false), verdict("expired_key"), in: &scenario)
    #expect(story(scenario) == [Self.opened, "auth_failure failure expired_key", Self.closed])
  }

  @Test func `a query for the methods without more is reported as such`() {
    #expect(story(.prepared()) == [Self.opened, "auth_failure failure none", Self.closed])
    let nobody = story(.prepared(Scenario.unknown))
    #expect(nobody == [Self.opened, "auth_failure failure no_such_user", Self.closed])
  }

  @Test func `an acceptable key that is not used is reported`() {
    var scenario = Scenario.prepared()
    trying(Scenario.keyRequest(signed: false), Verdict(outcome: .acceptable), in: &scenario)
    #expect(story(scenario) == [Self.opened, "auth_failure failure not_signed", Self.closed])
  }

  @Test func `an attempt without a reply is reported when the client leaves`() {
    var scenario = Scenario.prepared()
    trying(Scenario.passwordRequest(), verdict("wrong_password"), in: &scenario)
    _ = scenario.authenticate(Scenario.passwordRequest())
    #expect(
      story(scenario) == [
        Self.opened, "auth_failure failure wrong_password", "auth_failure failure abandoned", Self.closed,
      ])
    // The user was not known yet.
    scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.passwordRequest())
    #expect(story(scenario) == [Self.opened, "auth_failure failure abandoned", Self.closed])
  }

  @Test func `an attempt without an authority is reported as an error`() {
    var scenario = Scenario.prepared()
    trying(Scenario.passwordRequest(), nil, in: &scenario)
    #expect(story(scenario) == [Self.opened, "auth_failure error no_authority", Self.closed])
  }

  @Test func `refusals by rules are reported as denied with their code`() throws {
    var scenario = Scenario.prepared(Scenario.known()) { settings in
      var user = Settings.User(name: "bob")
      user.isDisabled = true
      settings.auth.users = [user]
    }
    trying(Scenario.passwordRequest(), Verdict(outcome: .accepted), in: &scenario)
    #expect(story(scenario) == [Self.opened, "auth_failure denied user_disabled", Self.closed])
    scenario = Scenario.prepared(Scenario.known()) { $0.auth.methods = [.publicKey] }
    _ = scenario.authenticate(Scenario.passwordRequest())
    #expect(story(scenario) == [Self.opened, "auth_failure denied method_not_enabled", Self.closed])
  }

  @Test func `a login with two steps is reported once, and so is an incomplete one`() {
    var scenario = Scenario.prepared(Scenario.known()) { $0.auth.required = [[.publicKey, .password]] }
    let key = Verdict(outcome: .accepted, fingerprint: "SHA256:x")
    trying(Scenario.keyRequest(signed: true), key, in: &scenario)
    #expect(story(scenario) == [Self.opened, "auth_failure failure incomplete", Self.closed])
    trying(Scenario.passwordRequest(), verdict("wrong_password"), in: &scenario)
    #expect(
      story(scenario) == [
        Self.opened, "auth_failure failure wrong_password", "auth_failure failure incomplete", Self.closed,
      ])
    trying(Scenario.passwordRequest(), Verdict(outcome: .accepted), in: &scenario)
    scenario.send(.sessionOpened(Scenario.loginID))
    #expect(scenario.machine.subject.method == "publickey,password")
    #expect(scenario.machine.subject.keyFingerprint == "SHA256:x")
    #expect(
      story(scenario) == [
        Self.opened, "auth_failure failure wrong_password", "auth_success success", "session_start success",
        "session_end success client_disconnected", Self.closed,
      ])
  }

  @Test func `a granted login that cannot start is reported as failed`() {
    var many = Scenario.atOpening()
    many.send(.sessionRefused(open: 2))
    #expect(
      story(many, lastWord: .toldToDisconnect) == [
        Self.opened, "auth_failure denied too_many_sessions", "connection_closed denied too_many_sessions",
      ])
    var failed = Scenario.atOpening()
    failed.send(.sessionFailed("no memory"))
    #expect(
      story(failed, lastWord: .toldToDisconnect) == [
        Self.opened, "auth_failure error session_not_started", "connection_closed error session_not_started",
      ])
  }

  @Test func `a valid login during nologin(5) is reported`() {
    var answer = Scenario.known()
    answer.noLogins = "later"
    var scenario = Scenario.prepared(answer)
    trying(Scenario.keyRequest(signed: true), Verdict(outcome: .accepted), in: &scenario)
    #expect(
      story(scenario, lastWord: .toldToDisconnect) == [
        Self.opened, "auth_failure denied nologin", "connection_closed denied nologin",
      ])
  }

  // MARK: Suspicious activity

  @Test func `a client that violates the authentication protocol is suspicious, and its request is not an attempt`() {
    let requests: [([UInt8], String)] = [
      ([1, 2, 3], "malformed_request"), (Scenario.passwordRequest(user: "eve"), "user_changed"),
    ]
    for (payload, reason) in requests {
      var scenario = Scenario.prepared()
      _ = scenario.authenticate(payload)
      #expect(
        story(scenario, lastWord: .toldToDisconnect) == [
          Self.opened, "suspicious_activity failure \(reason)", "connection_closed failure authentication_failed",
        ])
    }
  }

  @Test func `a transport that crashes, misbehaves or ends early is reported once`() {
    let before = [Self.opened]
    #expect(
      story(.atKeyExchange(), lastWord: nil, status: .signal(11, coreDumped: false)) == before + [
        "suspicious_activity error transport_crashed", "connection_closed error transport_lost",
      ])
    #expect(
      story(.atKeyExchange(), lastWord: nil, status: .code(1)) == before + ["connection_closed error transport_lost"])
    var lying = Scenario.atKeyExchange()
    lying.send(.transportMisbehaved("lied"))
    lying.send(.transportMisbehaved("lied"))
    #expect(
      story(lying, lastWord: nil, status: .signal(9, coreDumped: false)) == before + [
        "suspicious_activity error transport_misbehaved", "connection_closed error transport_misbehaved",
      ])
    #expect(
      story(.atKeyExchange(), lastWord: .protocolError) == before + [
        "suspicious_activity failure protocol_error", "connection_closed failure protocol_error",
      ])
  }

  @Test func `a session that misbehaves is reported and ends the login`() {
    var scenario = Scenario.loggedIn()
    scenario.send(.sessionMisbehaved("lied"))
    #expect(
      story(scenario, lastWord: .toldToDisconnect).suffix(3) == [
        "suspicious_activity error session_misbehaved", "session_end error session_misbehaved",
        "connection_closed error session_misbehaved",
      ])
  }

  // MARK: Ends

  @Test func `every opened connection is reported as closed once`() {
    let events: [ConnectionMachine.Event] = [
      .shutDown, .abandon, .banned, .timer(.loginGrace), .transportMisbehaved("x"), .transport(.idle(since: 0)),
      .sessionEnded(.code(0)), .sessionFailed("x"), Scenario.lastWord,
    ]
    for scenario in Scenario.everyPhase() {
      for first in events {
        for second in events {
          var scenario = scenario
          for event in [first, second, .transportEnded(.code(0))] where !scenario.said.contains(.close) {
            scenario.send(event)
          }
          let types = scenario.said.records.map(\.type)
          #expect(types.count { $0 == .connectionOpen } == 1, "\(first) \(second)")
          #expect(types.count { $0 == .connectionClosed } == 1, "\(first) \(second)")
          #expect(types.count { $0 == .sessionStart } == types.count { $0 == .sessionEnd }, "\(first) \(second)")
          #expect(types.count { $0 == .authSuccess } == types.count { $0 == .sessionStart })
        }
      }
    }
  }

  @Test(arguments: [
    (ConnectionMachine.Event.shutDown, "success server_shutdown"), (.abandon, "success server_restart"),
    (.banned, "denied banned"), (.timer(.loginGrace), "failure login_timeout"),
  ]) func `ends have reason codes`(event: ConnectionMachine.Event, reason: String) {
    for scenario in [
      Scenario.atKeyExchange(),
      {
        var it = Scenario()
        it.send(.accepted)
        return it
      }(),
    ] {
      var scenario = scenario
      scenario.send(event)
      if !scenario.said.contains(.close) { scenario.send(.transportEnded(.code(0))) }
      #expect(scenario.said.records.map(Self.brief) == [Self.opened, "connection_closed \(reason)"])
    }
  }

  @Test func `no event contains a password, a code or a response`() {
    var scenario = Scenario.prepared()
    trying(Scenario.passwordRequest("hunter2-secret"), verdict("wrong_password"), in: &scenario)
    _ = scenario.authenticate(
      Scenario.request("keyboard-interactive") {
        $0.text("")
        $0.text("")
      })
    scenario.send(.transport(.informationResponse(SecretBytes(Scenario.answer("hunter2-secret")))))
    scenario.send(.transportEnded(.code(0)))
    #expect(scenario.said.records.count >= 4)
    for record in scenario.said.records {
      #expect(!String(decoding: record.wireBytes, as: UTF8.self).contains("hunter2"))
    }
  }
}
