import Authentication
import Configuration
import Filter
import IPC
import Model
import Testing

@testable import Supervisor

/// The look-up of the account between a client's first request and the reply, which determines the rules.
@Suite struct ConnectionAccountTests {
  static let good = AccountState()

  private static func known(uid: UInt32 = 1000, groups: [String] = [], noLogins: String? = nil) -> AccountReply {
    var answer = Scenario.known(uid: uid)
    answer.groups = groups
    answer.noLogins = noLogins
    return answer
  }

  /// A connection of bob after the look-up of the account.
  private static func prepared(
    _ answer: AccountReply = known(), _ state: AccountState? = good, _ change: (inout Settings) -> Void = { _ in }
  ) -> Scenario {
    var settings = Settings()
    settings.auth.methods = [.publicKey, .password, .keyboardInteractive]
    change(&settings)
    let complete = settings
    var scenario = Scenario.atAuthentication { $0 = complete }
    scenario.systemAgrees = false
    _ = scenario.authenticate(Scenario.request("none"))
    scenario.send(.account(answer))
    scenario.send(.accountChecked(state.map { agreeing(answer, $0) }))
    scenario.send(Scenario.keys)
    return scenario
  }

  /// The system's account if it matches that of the authority.
  private static func agreeing(_ answer: AccountReply, _ state: AccountState = good) -> AccountState {
    var all = Scenario.state(answer)
    all.status = state.status
    return all
  }

  private static func byKey(_ scenario: inout Scenario) -> [ConnectionMachine.Action] {
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.now += 10
    return scenario.send(.verdict(Verdict(outcome: .accepted, fingerprint: "SHA256:abc")))
  }

  private static func byPassword(_ scenario: inout Scenario) -> [ConnectionMachine.Action] {
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.now += 100
    return scenario.send(.verdict(Verdict(outcome: .accepted)))
  }

  @Test func `the first request waits for the authority and the system before keys are read`() {
    var scenario = Scenario.atAuthentication()
    scenario.systemAgrees = false
    #expect(scenario.authenticate(Scenario.request("none")) == [.ask(Scenario.whoIsBob)])
    let answer = Self.known()
    #expect(
      scenario.send(.account(answer)) == [
        .setTimer(.accountCheck, milliseconds: 10_000),
        .checkAccount(AccountCheckRequest(name: "bob", shells: ["/bin/sh"])),
      ])
    let actions = scenario.send(.accountChecked(Self.agreeing(answer)))
    #expect(
      actions.prefix(3) == [
        .cancelTimer(.accountCheck), .setTimer(.lookUp, milliseconds: 10_000),
        .startKeyFetch(Scenario.account(), paths: Scenario.memory),
      ])
    #expect(actions.told.count == 1)
    #expect(scenario.authenticate(Scenario.passwordRequest()).questions.count == 1)
  }

  @Test func `a request before the reply to the first ends the transport`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.request("none"))
    #expect(scenario.authenticate(Scenario.request("none")).kills)
    scenario = Scenario.atAuthentication()
    scenario.systemAgrees = false
    _ = scenario.authenticate(Scenario.request("none"))
    scenario.send(.account(Self.known()))
    #expect(scenario.authenticate(Scenario.request("none")).kills)
  }

  @Test func `requests of unknown and known users have the same course`() {
    let courses = [Self.known(), Scenario.unknown].map { answer in
      var scenario = Scenario.atAuthentication()
      scenario.systemAgrees = false
      _ = scenario.authenticate(Scenario.request("none"))
      scenario.send(.account(answer))
      scenario.send(.accountChecked(Self.agreeing(answer)))
      let home = answer.login == nil ? "/nonexistent" : "/home/bob"
      scenario.send(
        .session(.keys([KeyFile(path: "\(home)/.ssh/authorized_keys", length: 3, problem: nil)])))
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.now += 100
      scenario.send(.verdict(Verdict(outcome: .rejected, reason: "wrong_password")))
      return scenario.said.filter { action in
        switch action {
        // Clients do not see the log and the journal.
        case .log, .audit, .startKeyFetch, .checkAccount: false
        default: true
        }
      }
    }
    #expect(courses[0] == courses[1])
  }

  @Test func `without shadow(5) no login is possible`() {
    for failure in [ConnectionMachine.Event.accountChecked(nil), .timer(.accountCheck)] {
      var scenario = Scenario.atAuthentication()
      scenario.systemAgrees = false
      _ = scenario.authenticate(Scenario.request("none"))
      scenario.send(.account(Self.known()))
      let actions = scenario.send(failure)
      #expect(actions.lines(.info) == ["'bob' cannot log in: lookup_failed"])
      #expect(actions.contains(.killAccountCheck) == (failure == .timer(.accountCheck)))
      // Read by an account that owns nothing, because the owner of the keys is not known.
      #expect(
        actions.contains(
          .startKeyFetch(AccountComparison.nobody, paths: ["/nonexistent/.ssh/authorized_keys"])))
      scenario.send(
        .session(.keys([KeyFile(path: "/nonexistent/.ssh/authorized_keys", length: 0, problem: "no such file")])))
      #expect(!Self.byKey(&scenario).opensSession)
      #expect(scenario.said.lines().last == "refused 'bob' by publickey: no_account, key SHA256:abc")
      // A late reply is ignored.
      #expect(scenario.send(.accountChecked(Self.good)).isEmpty)
    }
  }

  @Test(arguments: [
    (AccountState(status: AccountStatus(isLocked: true)), "", "account_locked"),
    (AccountState(status: AccountStatus(isExpired: true)), "account_expired", "account_expired"),
    (AccountState(status: AccountStatus(isPasswordExpired: true)), "", "password_expired"),
  ])
  func `shadow(5) refuses logins`(state: AccountState, byKey: String, byPassword: String) {
    var scenario = Self.prepared(Self.known(), state)
    let password = Self.byPassword(&scenario)
    #expect(password.lines() == ["refused 'bob' by password: \(byPassword)"])
    #expect(
      password.told == [
        .authentication(.failure(continuing: ["publickey", "password", "keyboard-interactive"], partial: false))
      ])
    let key = Self.byKey(&scenario)
    #expect(key.opensSession == byKey.isEmpty)
    if !byKey.isEmpty { #expect(key.lines() == ["refused 'bob' by publickey: \(byKey), key SHA256:abc"]) }
  }

  @Test func `match blocks apply to locked accounts`() {
    let locked = AccountState(status: AccountStatus(isLocked: true))
    var block = Match()
    block.groups = [.init(NamePattern("staff"))]
    block.paths = ["auth.locked_accounts"]
    block.values.auth.lockedAccounts = .no
    let blocks = [block]
    for isStaff in [true, false] {
      var scenario = Self.prepared(Self.known(groups: isStaff ? ["staff"] : []), locked) { $0.matches = blocks }
      #expect(Self.byKey(&scenario).opensSession == !isStaff)
      #expect(scenario.said.lines().contains("'bob' cannot log in: account_locked (shadow(5))") == isStaff)
    }
  }

  @Test func `a denied user is verified nevertheless and gets the reply of a wrong password`() throws {
    let bob = try UserPattern("bob")
    var denied = Self.prepared { $0.auth.denyUsers = [bob] }
    var wrong = Self.prepared()
    #expect(denied.said.lines().contains("'bob' cannot log in: user_denied (auth.deny_users[0])"))
    for request in [Scenario.passwordRequest(), Scenario.keyRequest(signed: true), Scenario.keyRequest(signed: false)] {
      #expect(denied.authenticate(request) == wrong.authenticate(request))
      let isPassword = request == Scenario.passwordRequest()
      let isOffer = request == Scenario.keyRequest(signed: false)
      let verdict = Verdict(outcome: isOffer ? .acceptable : .accepted)
      let rejected = Verdict(outcome: .rejected, reason: isPassword ? "wrong_password" : "no_such_key")
      #expect(denied.send(.verdict(verdict)).filter(\.isNoLog) == wrong.send(.verdict(rejected)).filter(\.isNoLog))
      denied.now += 100
      wrong.now += 100
      let answers = (denied.send(.timer(.passwordAnswer)).told, wrong.send(.timer(.passwordAnswer)).told)
      #expect(answers.0 == answers.1 && answers.0.count == 1)
    }
  }

  @Test func `the settings of a login include the match blocks that select it`() throws {
    var block = Match()
    block.groups = [.init(NamePattern("staff"))]
    block.paths = ["auth.methods", "shell.pty", "shell.umask", "sftp.read_only"]
    block.values.auth.methods = [.publicKey]
    block.values.shell.pty = false
    block.values.shell.umask = 0o077
    block.values.sftp.readOnly = true
    let blocks = [block]
    for isStaff in [true, false] {
      var scenario = Self.prepared(Self.known(groups: isStaff ? ["staff"] : [])) { $0.matches = blocks }
      let methods = isStaff ? ["publickey"] : ["publickey", "password", "keyboard-interactive"]
      #expect(scenario.said.told.last == .authentication(.failure(continuing: methods, partial: false)))
      let logins = Self.byKey(&scenario).compactMap { action in
        if case .openSession(let login, _) = action { login } else { nil }
      }
      #expect(logins.map(\.mayHaveTerminal) == [!isStaff])
      #expect(logins.map(\.umask) == [isStaff ? 0o077 : 0o022])
      #expect(logins.map(\.sftp?.readOnly) == [isStaff])
    }
  }

  @Test func `keys are not read for a login that cannot use them`() {
    var block = Match()
    block.users = [.init(NamePattern("bob"))]
    block.paths = ["auth.methods"]
    block.values.auth.methods = [.password]
    let blocks = [block]
    let scenario = Self.prepared { $0.matches = blocks }
    #expect(scenario.said.lines(.debug).contains("for 'bob' holds match[0]"))
    #expect(!scenario.said.contains { if case .startKeyFetch = $0 { true } else { false } })
  }

  @Test func `nologin(5) is shown to authenticated users and does not apply to root`() {
    for (uid, notice, told) in [
      (UInt32(1000), "Back at noon\u{1b}\u{7}\n", "Back at noon\n"), (1000, "", "Nobody but root may log in now"),
      (1000, String(repeating: "\u{e9}", count: 2000), nil), (0, "Back at noon", nil),
    ] {
      var scenario = Self.prepared(Self.known(uid: uid, noLogins: notice))
      #expect(!Self.wrongKey(&scenario).disconnects)
      let actions = Self.byKey(&scenario)
      #expect(actions.opensSession == (uid == 0))
      guard uid != 0 else { continue }
      #expect(actions.lines() == ["refused 'bob' by publickey: nologin, key SHA256:abc"])
      guard case .disconnect(reason: 11, let text)? = actions.told.first else {
        Issue.record("\(actions)")
        continue
      }
      #expect(text.utf8.count <= 1024)
      if let told { #expect(text == told) }
    }
  }

  private static func wrongKey(_ scenario: inout Scenario) -> [ConnectionMachine.Action] {
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.now += 10
    return scenario.send(.verdict(Verdict(outcome: .rejected, reason: "no_such_key")))
  }

  @Test func `the methods of a user's entry are enforced but not revealed`() {
    var user = Settings.User(name: "bob")
    user.methods = [.publicKey]
    let users = [user]
    var scenario = Self.prepared { $0.auth.users = users }
    let password = Self.byPassword(&scenario)
    #expect(password.lines() == ["refused 'bob' by password: method_not_allowed"])
    #expect(
      password.told == [
        .authentication(.failure(continuing: ["publickey", "password", "keyboard-interactive"], partial: false))
      ])
    #expect(Self.byKey(&scenario).opensSession)
  }

  @Test func `the first step of a denied user is not partial success`() throws {
    let bob = try UserPattern("bob")
    var scenario = Self.prepared {
      $0.auth.required = [[.publicKey, .password]]
      $0.auth.denyUsers = [bob]
    }
    #expect(
      Self.byKey(&scenario).told == [.authentication(.failure(continuing: ["publickey"], partial: false))])
  }

  @Test func `a session process that sends an account is killed`() {
    for state in [Scenario.prepared(), .atOpening(), .loggedIn()] {
      var scenario = state
      #expect(scenario.send(.session(.account(Self.good))).contains(.killSession))
    }
  }

  @Test func `a second user name does not get the rules of the first`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.request("none"))
    scenario.send(.account(nil))
    let actions = scenario.authenticate(Scenario.request("none", user: "eve"))
    #expect(actions.questions == [.account(user: "eve", address: "203.0.113.7")])
    #expect(scenario.send(.account(Self.known())).disconnects)
  }
}

extension ConnectionMachine.Action {
  fileprivate var isNoLog: Bool {
    switch self {
    case .log, .audit: false
    default: true
    }
  }
}
