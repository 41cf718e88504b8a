import Audit
import Configuration
import IPC
import Model
import System
import Testing

@testable import Supervisor

@Suite struct ConnectionSessionTests {
  private func isPromoted(_ actions: [ConnectionMachine.Action]) -> Bool? {
    for case .openSession(_, let promoting) in actions { return promoting }
    return nil
  }

  @Test func `the process that read the keys becomes the login`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    let actions = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(isPromoted(actions) == true && !actions.contains(.killSession))
    #expect(!scenario.machine.isLoggedIn)
    #expect(
      scenario.send(.sessionOpened(Scenario.loginID)).lines(.info).last == "logged in 'bob' as uid 1000, gid 1000")
    #expect(scenario.machine.isLoggedIn)
  }

  @Test func `a look-up process that ended is replaced, and its keys are still used`() {
    var scenario = Scenario.prepared()
    scenario.send(.sessionEnded(.code(0)))
    guard case .publicKey(let question) = scenario.authenticate(Scenario.keyRequest(signed: true)).questions.first
    else {
      Issue.record("no question")
      return
    }
    #expect(question.files.count == 1)
    #expect(isPromoted(scenario.send(.verdict(Verdict(outcome: .accepted)))) == false)
  }

  @Test func `a password logs in with a new process while the look-up hangs`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.send(.account(Scenario.known()))
    scenario.now += 100
    let actions = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(actions.contains(.killSession) && isPromoted(actions) == false)
  }

  @Test func `a look-up that hangs is killed and has no keys`() {
    var scenario = Scenario.atAuthentication()
    let payload = Scenario.keyRequest(signed: true)
    _ = scenario.authenticate(payload)
    #expect(scenario.send(.account(Scenario.known())).contains(.setTimer(.lookUp, milliseconds: 10_000)))
    let actions = scenario.send(.timer(.lookUp))
    #expect(actions.contains(.killSession))
    #expect(actions.questions == [.publicKey(Scenario.question(payload, []))])
  }

  @Test(arguments: [
    ConnectionMachine.Event.sessionEnded(.signal(11, coreDumped: false)), .sessionFailed("no memory"),
    .sessionMisbehaved("lied"),
    .session(.keys([KeyFile(path: "/etc/shadow", length: 1, problem: nil)])),
    .session(.keys([])),
    .session(.log("early")), .session(.records(AuditBatch([AuditRecord(.fileRead)]))),
  ])
  func `a look-up that fails or misbehaves has no keys, and the request is verified without`(
    _ event: ConnectionMachine.Event
  ) {
    var scenario = Scenario.atAuthentication()
    let payload = Scenario.keyRequest(signed: true)
    _ = scenario.authenticate(payload)
    scenario.send(.account(Scenario.known()))
    let actions = scenario.send(event)
    #expect(actions.questions == [.publicKey(Scenario.question(payload, []))])
  }

  @Test func `a missing file causes no warning, other problems do`() {
    for (problem, level) in [("no such file", Log.Level.debug), ("/home/bob is writable by others", .warning)] {
      var scenario = Scenario.atAuthentication()
      _ = scenario.authenticate(Scenario.request("none"))
      scenario.send(.account(Scenario.known()))
      let actions = scenario.send(
        .session(.keys([KeyFile(path: Scenario.memory[0], length: 0, problem: problem)])))
      #expect(actions.lines(level) == ["\(Scenario.memory[0]) is not used: \(problem)"])
    }
  }

  @Test func `without publickey no keys are read`() {
    var scenario = Scenario.atAuthentication { $0.auth.methods = [.password] }
    _ = scenario.authenticate(Scenario.passwordRequest())
    let actions = scenario.send(.account(Scenario.known()))
    #expect(!actions.contains { if case .startKeyFetch = $0 { true } else { false } })
    #expect(actions.questions.count == 1)
  }

  @Test func `a session that cannot be started ends the connection with a message`() {
    var scenario = Scenario.atOpening()
    #expect(scenario.send(.sessionFailed("no memory")).disconnects)
    #expect(!scenario.machine.isLoggedIn)
  }

  @Test func `the limit of logins in a user's entry overrides the general one`() {
    let scenario = Scenario.atOpening {
      var user = Settings.User(name: "bob")
      user.maxSessions = 3
      $0.auth.users = [Settings.User(name: "bo\u{308}b"), user]
      $0.security.maxSessionsPerUser = 2
    }
    #expect(scenario.machine.sessionLimit == 3)
  }

  @Test func `a login above the limit ends the connection with a message`() {
    var scenario = Scenario.atOpening { $0.security.maxSessionsPerUser = 2 }
    #expect(scenario.machine.sessionLimit == 2)
    let actions = scenario.send(.sessionRefused(open: 2))
    #expect(actions.lines() == ["refused 'bob' by publickey: too_many_sessions, 2 are open"])
    #expect(
      actions.told == [
        .disconnect(
          reason: 12, text: "There are 2 logins of this user, and no more are allowed (too_many_sessions)")
      ])
    #expect(!scenario.machine.isLoggedIn)
    for var scenario in Scenario.everyPhase() where scenario.machine.phase != .opening {
      #expect(scenario.send(.sessionRefused(open: 2)).isEmpty)
    }
  }

  @Test func `the end of the session ends the connection`() {
    var scenario = Scenario.loggedIn()
    let actions = scenario.send(.sessionEnded(.signal(9, coreDumped: false)))
    #expect(actions.disconnects)
    #expect(actions.lines(.warning) == ["its session process killed by signal 9"])
  }

  @Test func `events of a session are reported for its connection, without what only the supervisor may state`() {
    for var scenario in [Scenario.loggedIn(), .told(), .closed(), .killed()] {
      var record = AuditRecord(.fileDeleted, .success, .sftp)
      record.path = [0x2f]
      #expect(
        scenario.send(.session(.records(AuditBatch([record, AuditRecord(.commandExecuted)])))) == [
          .audit(record, scenario.machine.subject), .audit(AuditRecord(.commandExecuted), scenario.machine.subject),
        ])
      #expect(scenario.machine.subject.clientAddress == "203.0.113.7" && scenario.machine.subject.clientPort == 50000)
    }
    for type in EventType.allCases where !type.isOfSession {
      var scenario = Scenario.loggedIn()
      let actions = scenario.send(.session(.records(AuditBatch([AuditRecord(.fileRead), AuditRecord(type)]))))
      #expect(actions.contains(.killSession) && actions.disconnects)
      #expect(actions.records.map(\.reason) == ["session_misbehaved"])
    }
  }

  @Test func `the login contains the account, the addresses and the shell settings`() {
    var scenario = Scenario.prepared(Scenario.known()) {
      $0.shell.enabled = false
      $0.shell.umask = 0o077
      $0.shell.motd = "/etc/motd"
    }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    for case .openSession(let login, _) in scenario.send(.verdict(Verdict(outcome: .accepted))) {
      #expect(login.account == Scenario.account())
      #expect(login.clientAddress == "203.0.113.7" && login.clientPort == 50000)
      #expect(login.serverAddress == "192.0.2.1" && login.serverPort == 22)
      #expect(!login.mayExecute && login.mayHaveTerminal && login.umask == 0o077 && login.motd == "/etc/motd")
      return
    }
    Issue.record("no login")
  }

  @Test func `the login of an sftp_only user allows file transfers but no shell and no terminal`() {
    var scenario = Scenario.prepared(Scenario.known()) {
      var user = Settings.User(name: "bob")
      user.sftpOnly = true
      user.root = "/srv/%u"
      $0.auth.users = [user]
    }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    for case .openSession(let login, _) in scenario.send(.verdict(Verdict(outcome: .accepted))) {
      #expect(!login.mayExecute && !login.mayHaveTerminal)
      #expect(login.sftp?.root == "/srv/bob" && login.scp?.root == "/srv/bob")
      return
    }
    Issue.record("no login")
  }

  @Test func `the permissions of the key apply to the login`() {
    var permissions = KeyPermissions.restricted
    permissions.forcedCommand = Array("date".utf8)
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    scenario.send(.verdict(Verdict(outcome: .acceptable)))
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    let logins = scenario.send(.verdict(Verdict(outcome: .accepted, permissions: permissions))).compactMap { action in
      if case .openSession(let login, _) = action { login.permissions } else { nil }
    }
    #expect(logins == [permissions])
  }

  @Test func `the permissions of a refused key do not apply`() {
    var scenario = Scenario.prepared()
    for outcome in [ProofOutcome.rejected, .accepted] {
      _ = scenario.authenticate(Scenario.keyRequest(signed: true))
      let verdict = Verdict(outcome: outcome, permissions: outcome == .accepted ? .everything : .restricted)
      for case .openSession(let login, _) in scenario.send(.verdict(verdict)) {
        #expect(login.permissions == .everything)
      }
      scenario.now += 10
      if outcome == .rejected { scenario.send(.timer(.passwordAnswer)) }
    }
    #expect(scenario.said.opensSession)
  }

  // MARK: ConnectionSession alone

  @Test func `key files are only those of the requested process and remain after its end`() throws {
    var session = ConnectionSession()
    let files = [KeyFile(path: Scenario.memory[0], length: 3, problem: nil)]
    #expect(throws: ProtocolViolation("answered without a question")) { try session.read(files) }
    let settings = Settings()
    #expect(
      session.fetchKeys(Scenario.known(), settings) == [
        .setTimer(.lookUp, milliseconds: 10_000), .startKeyFetch(Scenario.account(), paths: Scenario.memory),
      ])
    #expect(session.keyFiles == nil)
    #expect(throws: ProtocolViolation("answered about other files")) { try session.read([]) }
    #expect(session.keyFiles == nil)
    #expect(try session.read(files) == [.cancelTimer(.lookUp)])
    #expect(session.lookUpLost() == [] && session.lookUpTimedOut() == [] && session.lookUpFailed("x") == [])
    #expect(session.keyFiles == files)
    #expect(throws: ProtocolViolation("answered without a question")) { try session.read(files) }
  }

  @Test func `a failed look-up ends once and has no keys`() {
    let failures: [(inout ConnectionSession) -> [ConnectionMachine.Action]] = [
      { $0.lookUpLost() }, { $0.lookUpTimedOut() }, { $0.lookUpFailed("x") },
    ]
    for first in failures {
      for second in failures {
        var session = ConnectionSession()
        #expect(first(&session) == [] && session.keyFiles == nil)
        _ = session.fetchKeys(Scenario.known(), Settings())
        #expect(first(&session).last == .cancelTimer(.lookUp) && session.keyFiles == [])
        #expect(second(&session) == [])
      }
    }
  }

  @Test func `the process that read the keys becomes only a login with the same privileges`() throws {
    for (groups, promoting) in [([1000], true), ([1000, 27], false)] as [([UInt32], Bool)] {
      var session = ConnectionSession()
      _ = session.fetchKeys(Scenario.known(), Settings())
      _ = try session.read([KeyFile(path: Scenario.memory[0], length: 3, problem: nil)])
      var account = Scenario.account()
      account.groups = groups
      let actions = session.open(account, of: "bob", Scenario.known(), .everything, Scenario.context(Settings()))
      #expect(isPromoted(actions) == promoting && actions.contains(.killSession) == !promoting)
      #expect(session.keyFiles == nil)
    }
  }
}
