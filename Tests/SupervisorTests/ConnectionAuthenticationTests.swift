import Audit
import Authentication
import IPC
import Model
import Testing
import Wire

@testable import Supervisor

@Suite struct ConnectionAuthenticationTests {
  @Test func `the first request, even none, causes one look-up of the user`() {
    var scenario = Scenario.atAuthentication()
    let actions = scenario.authenticate(Scenario.request("none"))
    #expect(actions == [.ask(Scenario.whoIsBob)])
    #expect(
      scenario.send(.account(Scenario.known())).told == [
        .authentication(.failure(continuing: ["publickey", "password", "keyboard-interactive"], partial: false))
      ])
    #expect(scenario.authenticate(Scenario.request("none")).questions.isEmpty)
  }

  @Test func `unknown users are looked up as known ones`() {
    for answer in [Scenario.known(), Scenario.unknown] {
      var scenario = Scenario.atAuthentication()
      _ = scenario.authenticate(Scenario.request("none"))
      let actions = scenario.send(.account(answer))
      let (account, home) = answer.login.map { ($0, $0.home) } ?? (AccountComparison.nobody, "/nonexistent")
      #expect(actions.contains(.startKeyFetch(account, paths: ["\(home)/.ssh/authorized_keys"])))
      scenario.send(Scenario.keys(of: answer))
      #expect(scenario.authenticate(Scenario.keyRequest(signed: false)).questions.count == 1)
    }
  }

  @Test func `a response to the prompt repeats a failed look-up of the user`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.request("keyboard-interactive") { for _ in 0..<2 { $0.text("") } })
    scenario.send(.account(nil))
    let actions = scenario.send(.transport(.informationResponse(SecretBytes(Scenario.answer("secret")))))
    #expect(actions.questions == [Scenario.whoIsBob])
  }

  @Test func `a key waits for the account and its files and is verified with our session identifier`() {
    var scenario = Scenario.atAuthentication()
    let payload = Scenario.keyRequest(signed: true)
    #expect(scenario.authenticate(payload).questions == [Scenario.whoIsBob])
    #expect(scenario.send(.account(Scenario.known())).questions.isEmpty)
    guard case .session(.keys(let files)) = Scenario.keys else { return }
    #expect(
      scenario.send(Scenario.keys).questions == [
        .publicKey(Scenario.question(payload, files))
      ])
  }

  @Test func `the reply to an acceptable key contains the key`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    #expect(
      scenario.send(.verdict(Verdict(outcome: .acceptable))).told == [
        .authentication(.publicKeyAcceptable(algorithm: Array("ssh-ed25519".utf8), key: [9, 9]))
      ])
  }

  @Test func `a verdict that accepts a key without a signature ends the connection`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    scenario.now += 10
    let actions = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(actions.disconnects && !actions.opensSession)
  }

  @Test func `a valid key of an unknown user does not log in`() {
    var scenario = Scenario.prepared(Scenario.unknown)
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.now += 10
    let actions = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(!actions.opensSession && !scenario.machine.isLoggedIn)
    #expect(actions.lines() == ["refused 'bob' by publickey: no_account"])
  }

  @Test func `root by password is refused unless the settings permit it`() {
    for (permit, opens) in [(false, false), (true, true)] {
      var scenario = Scenario.prepared(Scenario.known(uid: 0)) { if permit { $0.auth.permitRoot = .yes } }
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.now += 100
      #expect(scenario.send(.verdict(Verdict(outcome: .accepted))).opensSession == opens)
    }
  }

  @Test func `a request before the reply to the last one ends the transport`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.passwordRequest())
    #expect(scenario.authenticate(Scenario.passwordRequest()).kills)
  }

  @Test func `a malformed authentication request disconnects`() {
    var scenario = Scenario.prepared()
    let actions = scenario.authenticate([0, 0, 0, 200, 1])
    #expect(actions.disconnects && actions.questions.isEmpty)
  }

  @Test(arguments: [ProofOutcome.accepted, .rejected], [Int64(0), 1, 99])
  func `the reply to a password is never before its minimum time`(_ outcome: ProofOutcome, _ taken: Int64) {
    for answer in [Scenario.known(), Scenario.unknown] {
      var scenario = Scenario.prepared(answer)
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.now += taken
      #expect(
        scenario.send(.verdict(Verdict(outcome: outcome)))
          == [.setTimer(.passwordAnswer, milliseconds: 100 - taken)])
      scenario.now += 100 - taken
      #expect(!scenario.send(.timer(.passwordAnswer)).isEmpty)
    }
  }

  /// Refusals of keys: by an authority, by a rule, or because there is no verdict.
  static let refusals: [(Verdict?, isSigned: Bool, answer: AccountReply)] = [
    (Verdict(outcome: .rejected, reason: "no_such_key"), false, Scenario.known()),
    (Verdict(outcome: .rejected, reason: "no_such_key"), false, Scenario.unknown),
    (Verdict(outcome: .rejected, reason: "bad_signature"), true, Scenario.known()),
    (Verdict(outcome: .acceptable), false, Scenario.unknown), (Verdict(outcome: .accepted), true, Scenario.unknown),
    (nil, false, Scenario.known()), (nil, true, Scenario.unknown),
  ]

  @Test(arguments: [(Int64(0), Int64(10)), (1, 10), (9, 10), (10, 10), (11, 20), (20, 20), (21, 40), (700, 1280)])
  func `the time of the reply to a refused key reveals nothing about the user`(taken: Int64, time: Int64) {
    for (verdict, isSigned, answer) in Self.refusals {
      var scenario = Scenario.prepared(answer)
      _ = scenario.authenticate(Scenario.keyRequest(signed: isSigned))
      scenario.now += taken
      let first = scenario.send(.verdict(verdict))
      guard taken < time else {
        #expect(first.told.count == 1)
        continue
      }
      #expect(first == [.setTimer(.passwordAnswer, milliseconds: time - taken)])
      scenario.now += time - taken
      let answer = scenario.send(.timer(.passwordAnswer))
      #expect(answer.told.count == 1)
    }
  }

  @Test func `the minimum time of a refused key includes the look-up of the account`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    scenario.now += 3
    scenario.send(.account(Scenario.known()))
    scenario.now += 3
    scenario.send(Scenario.keys)
    let refused = scenario.send(.verdict(Verdict(outcome: .rejected, reason: "no_such_key")))
    #expect(refused == [.setTimer(.passwordAnswer, milliseconds: 4)])
  }

  @Test func `the reply to an acceptable or accepted key is immediate`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    let offered = scenario.send(.verdict(Verdict(outcome: .acceptable)))
    #expect(offered.told.count == 1)
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    #expect(scenario.send(.verdict(Verdict(outcome: .accepted))).opensSession)
  }

  @Test func `a password fails without an authority, and the client may try again`() {
    var scenario = Scenario.prepared()
    for _ in 0..<2 {
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.now += 200
      let actions = scenario.send(.verdict(nil))
      #expect(actions.lines() == ["refused 'bob' by password: no_authority"])
      #expect(actions.told.count == 1)
    }
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.now += 200
    #expect(scenario.send(.verdict(Verdict(outcome: .accepted))).opensSession)
  }

  @Test func `a failed look-up of the account is repeated`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.now += 10
    #expect(scenario.send(.account(nil)).lines() == ["refused 'bob' by publickey: no_authority"])
    #expect(scenario.authenticate(Scenario.keyRequest(signed: true)).questions == [Scenario.whoIsBob])
  }

  @Test func `keyboard-interactive has one prompt, and its response is a password`() {
    var scenario = Scenario.prepared()
    let prompt = scenario.authenticate(
      Scenario.request("keyboard-interactive") {
        $0.text("")
        $0.text("")
      })
    #expect(prompt.told == [.authentication(.prompt(name: "", instruction: "", prompt: "Password: "))])
    let actions = scenario.send(.transport(.informationResponse(SecretBytes(Scenario.answer("secret")))))
    #expect(actions.questions == [.password(user: "bob", password: SecretBytes("secret".utf8))])
    scenario.now += 100
    let end = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(end.opensSession)
    #expect(scenario.loggedIn() == "accepted 'bob' by keyboard-interactive")
  }

  @Test func `the first step is partial success and the second opens the session`() {
    let required: [[AuthenticationMachine.Step]] = [[.publicKey, .password], [.publicKey, .totp]]
    var scenario = Scenario.prepared { $0.auth.required = required }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    let first = scenario.send(.verdict(Verdict(outcome: .accepted, fingerprint: "SHA256:abc")))
    #expect(
      first == [
        .log(
          .info, "partly accepted 'bob' by publickey, key SHA256:abc: needs password or totp as well"),
        .send(.authentication(.failure(continuing: ["password", "keyboard-interactive"], partial: true))),
      ])
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.now += 100
    let second = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(second.opensSession)
    #expect(scenario.loggedIn() == "accepted 'bob' by publickey, password, key SHA256:abc")
  }

  @Test func `a code has its own prompt, is verified for its user, and takes at least the minimum time`() {
    for answer in [Scenario.known(), Scenario.unknown] {
      var scenario = Scenario.prepared(answer) { $0.auth.required = [[.totp, .publicKey]] }
      let prompt = scenario.authenticate(Scenario.request("keyboard-interactive") { for _ in 0..<2 { $0.text("") } })
      #expect(prompt.told == [.authentication(.prompt(name: "", instruction: "", prompt: "Verification code: "))])
      let asked = scenario.send(.transport(.informationResponse(SecretBytes(Scenario.answer("123456")))))
      #expect(asked.questions == [.code(user: "bob", code: SecretBytes("123456".utf8))])
      scenario.now += 1
      let refusal = Verdict(outcome: .rejected, reason: "wrong_code")
      #expect(scenario.send(.verdict(refusal)) == [.setTimer(.passwordAnswer, milliseconds: 99)])
      scenario.now += 99
      #expect(
        scenario.send(.timer(.passwordAnswer)).dropFirst() == [
          .send(.authentication(.failure(continuing: ["keyboard-interactive"], partial: false))),
          .penalty(.failed),
        ])
      #expect(scenario.said.lines(.info).last == "refused 'bob' by totp: \(answer.refusal?.rawValue ?? "wrong_code")")
    }
  }

  @Test func `log lines do not contain a code`() {
    var scenario = Scenario.prepared { $0.auth.required = [[.totp, .publicKey]] }
    _ = scenario.authenticate(Scenario.request("keyboard-interactive") { for _ in 0..<2 { $0.text("") } })
    scenario.send(.transport(.informationResponse(SecretBytes(Scenario.answer("123456")))))
    scenario.now += 100
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(scenario.said.lines().allSatisfy { !$0.contains("123456") })
    #expect(scenario.said.lines().last == "partly accepted 'bob' by totp: needs publickey as well")
  }

  @Test func `the permissions of the first step's key apply to the login`() {
    var scenario = Scenario.prepared { $0.auth.required = [[.publicKey, .password]] }
    var permissions = KeyPermissions.restricted
    permissions.forcedCommand = Array("date".utf8)
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.send(.verdict(Verdict(outcome: .accepted, fingerprint: "SHA256:abc", permissions: permissions)))
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.now += 100
    let actions = scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(
      actions.compactMap { if case .openSession(let login, _) = $0 { login.permissions } else { nil } } == [permissions]
    )
  }

  @Test func `a refused key does not restrict the login`() {
    var scenario = Scenario.prepared { $0.auth.required = [[.publicKey, .publicKey]] }
    let attempts: [(ProofOutcome, String, KeyPermissions)] = [
      (.accepted, "a", .everything), (.rejected, "b", .restricted), (.accepted, "a", .restricted),
      (.accepted, "c", .everything),
    ]
    for (outcome, key, permissions) in attempts {
      _ = scenario.authenticate(Scenario.keyRequest(signed: true))
      scenario.now += 10
      scenario.send(.verdict(Verdict(outcome: outcome, fingerprint: key, permissions: permissions)))
    }
    #expect(scenario.machine.phase == .opening)
    #expect(scenario.machine.authentication.permissions == .everything)
  }

  @Test func `the key of an earlier step is not accepted again`() {
    var scenario = Scenario.prepared { $0.auth.required = [[.publicKey, .publicKey]] }
    for expected in ["partly accepted 'bob' by publickey", "refused 'bob' by publickey: key_used_before"] {
      _ = scenario.authenticate(Scenario.keyRequest(signed: true))
      scenario.now += 10
      let actions = scenario.send(.verdict(Verdict(outcome: .accepted, fingerprint: "SHA256:abc")))
      #expect(actions.lines().first?.hasPrefix(expected) == true)
      #expect(!actions.opensSession)
    }
  }

  @Test func `the sixth failure ends the connection`() {
    var scenario = Scenario.prepared()
    for attempt in 1...6 {
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.now += 100
      let actions = scenario.send(.verdict(Verdict(outcome: .rejected, reason: "wrong_password")))
      #expect(actions.disconnects == (attempt == 6))
    }
  }

  @Test func `the log contains method, user, reason and key of each attempt, and warnings`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.now += 10
    let refused = scenario.send(
      .verdict(
        Verdict(outcome: .rejected, reason: "bad_signature", fingerprint: "SHA256:abc", warnings: ["line 3 is bad"])))
    #expect(refused.lines(.warning) == ["line 3 is bad"])
    #expect(refused.lines(.info) == ["refused 'bob' by publickey: bad_signature, key SHA256:abc"])
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.send(.verdict(Verdict(outcome: .accepted, fingerprint: "SHA256:abc")))
    #expect(scenario.loggedIn() == "accepted 'bob' by publickey, key SHA256:abc")
  }

  @Test func `log lines do not contain a password`() {
    var scenario = Scenario.atAuthentication()
    _ = scenario.authenticate(Scenario.passwordRequest("hunter2"))
    scenario.send(.account(Scenario.known()))
    scenario.now += 100
    scenario.send(.verdict(Verdict(outcome: .rejected, reason: "wrong_password")))
    #expect(scenario.said.lines().allSatisfy { !$0.contains("hunter2") })
  }

  @Test func `the user's file of principals is read last and sent separately`() {
    let files = Scenario.memory.map { KeyFile(path: $0, length: 3, problem: nil) }
    let principals = KeyFile(path: "/principals/bob", length: 0, problem: "no such file")
    var scenario = Scenario.atAuthentication { $0.auth.authorizedPrincipalsPattern = "/principals/%u" }
    let payload = Scenario.keyRequest(signed: true)
    _ = scenario.authenticate(payload)
    let actions = scenario.send(.account(Scenario.known()))
    #expect(actions.contains(.startKeyFetch(Scenario.account(), paths: Scenario.memory + ["/principals/bob"])))
    #expect(
      scenario.send(.session(.keys(files + [principals]))).questions == [
        .publicKey(Scenario.question(payload, files, principals: principals))
      ])
  }

  @Test func `a look-up without the file of principals is a violation`() {
    var scenario = Scenario.atAuthentication { $0.auth.authorizedPrincipalsPattern = "/principals/%u" }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    scenario.send(.account(Scenario.known()))
    #expect(scenario.send(Scenario.keys).contains(.killSession))
  }

  @Test func `after a failed look-up there are no files and no principals`() {
    var scenario = Scenario.atAuthentication { $0.auth.authorizedPrincipalsPattern = "/principals/%u" }
    let payload = Scenario.keyRequest(signed: true)
    _ = scenario.authenticate(payload)
    scenario.send(.account(Scenario.known()))
    #expect(scenario.send(.sessionFailed("x")).questions == [.publicKey(Scenario.question(payload, []))])
  }

  @Test func `a login by a certificate is reported with key id, serial number and CA`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    let certificate = CertificateIdentity(keyID: "bob's laptop", serial: 42, authority: "SHA256:ca")
    let verdict = Verdict(outcome: .accepted, fingerprint: "SHA256:abc", certificate: certificate, place: "/k:3")
    scenario.send(.verdict(verdict))
    #expect(
      scenario.loggedIn() == "accepted 'bob' by publickey, key SHA256:abc, "
        + "certificate 'bob\\'s laptop' serial 42, CA SHA256:ca, by /k:3")
  }

  @Test(
    arguments: [
      ("", nil, false), ("/k:3", nil, true), ("", CertificateIdentity(keyID: "", serial: 0, authority: ""), true),
    ] as [(String, CertificateIdentity?, Bool)])
  func `an offered key is reported if it is known`(
    place: String, certificate: CertificateIdentity?, isTold: Bool
  ) {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    let verdict = Verdict(
      outcome: .rejected, reason: "expired_key", fingerprint: "SHA256:abc", certificate: certificate, place: place)
    scenario.now += 10
    let lines = scenario.send(.verdict(verdict)).lines(isTold ? .info : .debug)
    #expect(lines.count == 1 && lines[0].hasPrefix("refused 'bob' by publickey: expired_key, key SHA256:abc"))
  }

  @Test func `an acceptable key is logged at debug level`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.keyRequest(signed: false))
    let actions = scenario.send(.verdict(Verdict(outcome: .acceptable, fingerprint: "SHA256:abc", place: "/k:3")))
    #expect(actions.lines() == ["asked 'bob' by publickey: would do, key SHA256:abc, by /k:3"])
    #expect(actions.lines(.debug).count == 1)
  }

  @Test func `warnings about lines are logged once and limited in number`() {
    var scenario = Scenario.prepared()
    var told = 0
    for number in 0..<10 {
      _ = scenario.authenticate(Scenario.keyRequest(signed: false))
      let warnings = (0..<20).map { "line \($0) of \(number / 2)" }
      scenario.now += 10
      told += scenario.send(.verdict(Verdict(outcome: .rejected, warnings: warnings))).lines(.warning).count
      if number == 1 { #expect(told == 16) }
    }
    #expect(told == 64)
  }
}
