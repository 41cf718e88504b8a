import AccessControl
import Authentication
import Configuration
import IPC
import Model
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct UserAuthenticationTests {
  typealias Reaction = ConnectionMachine.Reaction

  private static let client = SocketAddress(address: "203.0.113.7", port: 50000)
  private static let files = [KeyFile(path: "/k", length: 3, problem: nil)]
  private static let leastTime: Int64 = 100

  /// Authentication with these methods or steps.
  private func authentication(
    _ methods: [AuthenticationMachine.Method] = [.publicKey, .password, .keyboardInteractive],
    _ required: [[AuthenticationMachine.Step]] = []
  ) -> UserAuthentication {
    UserAuthentication(Self.client, .init(methods: methods, required: required, permitRoot: .publicKey))
  }

  private func request(
    _ payload: [UInt8], _ account: AccountReply? = Scenario.known(), in authentication: inout UserAuthentication
  ) throws(ProtocolViolation) -> Reaction {
    try authentication.request(SecretBytes(payload), account, at: 0)
  }

  private func questions(_ authentication: inout UserAuthentication, keyFiles: [KeyFile]? = files) -> Int {
    authentication.askForVerdict(Scenario.known(), sessionID: [7], client: nil, keyFiles: keyFiles).questions.count
  }

  @Test func `a message waits for the account, and no second one is accepted before its reply`() throws {
    var authentication = authentication()
    #expect(
      try request(Scenario.passwordRequest(), nil, in: &authentication)
        == Reaction(next: .lookUpAccount(user: "bob"), penalties: [.triedOther]))
    #expect(authentication.user == nil && authentication.subject.user == "bob")
    #expect(questions(&authentication) == 0)
    let again = ProtocolViolation("sent an authentication request before the answer to the last")
    #expect(throws: again) { try request(Scenario.request("none"), in: &authentication) }
    #expect(authentication.accountKnown(Scenario.known(), authentication.policy) == Reaction())
    #expect(throws: again) { try request(Scenario.request("none"), in: &authentication) }
    #expect(questions(&authentication) == 1)
    #expect(throws: again) { try request(Scenario.request("none"), in: &authentication) }
    let rejected = Verdict(outcome: .rejected, reason: "wrong_password")
    #expect(
      authentication.verdict(rejected, Scenario.known(), Self.leastTime, at: 30)
        == Reaction([.setTimer(.passwordAnswer, milliseconds: 70)]))
    #expect(throws: again) { try request(Scenario.request("none"), in: &authentication) }
    #expect(authentication.leastTimeExpired(Scenario.known()).penalties == [.failed])
    #expect(try request(Scenario.request("none"), in: &authentication).actions.told.count == 1)
  }

  @Test func `an authority gets each request once, and one about a key only with the user's files`() throws {
    var authentication = authentication()
    _ = try request(Scenario.keyRequest(signed: false), in: &authentication)
    #expect(questions(&authentication, keyFiles: nil) == 0)
    #expect(authentication.askForVerdict(nil, sessionID: [7], client: nil, keyFiles: Self.files) == [])
    #expect(
      authentication.askForVerdict(Scenario.known(), sessionID: nil, client: nil, keyFiles: Self.files) == [])
    #expect(questions(&authentication) == 1)
    #expect(questions(&authentication) == 0)
    _ = authentication.verdict(Verdict(outcome: .acceptable), Scenario.known(), Self.leastTime, at: 0)
    _ = try request(Scenario.passwordRequest(), in: &authentication)
    #expect(questions(&authentication, keyFiles: nil) == 1)
  }

  @Test func `an unexpected verdict or timer grants nothing`() throws {
    let accepted = Verdict(outcome: .accepted)
    var authentication = authentication()
    for payload in [nil, Scenario.request("none"), Scenario.passwordRequest()] {
      if let payload { _ = try request(payload, in: &authentication) }
      #expect(authentication.verdict(accepted, Scenario.known(), 0, at: 0) == Reaction())
      #expect(authentication.leastTimeExpired(Scenario.known()) == Reaction())
      #expect(authentication.accountUnavailable(0, at: 0) == Reaction())
    }
    #expect(questions(&authentication) == 1)
    #expect(authentication.verdict(accepted, Scenario.known(), 0, at: 0).next == .openSession)
    #expect(authentication.verdict(accepted, Scenario.known(), 0, at: 0) == Reaction())
  }

  @Test func `a response without a prompt is a violation, whatever is pending`() throws {
    var authentication = authentication()
    let violation = ProtocolViolation("sent an answer without a prompt")
    let answer = SecretBytes(Scenario.answer("secret"))
    #expect(throws: violation) { try authentication.informationResponse(answer, Scenario.known(), at: 0) }
    let prompt = try request(
      Scenario.request("keyboard-interactive") { for _ in 0..<2 { $0.text("") } }, in: &authentication)
    #expect(prompt.actions == [.send(.authentication(.prompt(name: "", instruction: "", prompt: "Password: ")))])
    #expect(try authentication.informationResponse(answer, Scenario.known(), at: 0) == Reaction())
    #expect(throws: violation) { try authentication.informationResponse(answer, Scenario.known(), at: 0) }
  }

  @Test func `without an account every credential fails after its minimum time without a request`() throws {
    var authentication = authentication()
    _ = try request(Scenario.passwordRequest(), nil, in: &authentication)
    #expect(
      authentication.accountUnavailable(Self.leastTime, at: 0)
        == Reaction([.setTimer(.passwordAnswer, milliseconds: Self.leastTime)]))
    let reaction = authentication.leastTimeExpired(nil)
    #expect(reaction.next == nil && reaction.penalties == [])
    #expect(reaction.actions.records.map(\.reason) == ["no_authority"])
  }

  @Test func `two keys that force different commands are refused`() throws {
    var authentication = authentication([.publicKey], [[.publicKey, .publicKey]])
    var permissions = KeyPermissions.everything
    for (command, key) in [("date", "a"), ("id", "b")] {
      permissions.forcedCommand = Array(command.utf8)
      _ = try request(Scenario.keyRequest(signed: true), in: &authentication)
      _ = questions(&authentication)
      let verdict = Verdict(outcome: .accepted, fingerprint: key, permissions: permissions)
      let reaction = authentication.verdict(verdict, Scenario.known(), 0, at: 10)
      #expect(reaction.next == nil)
      #expect(reaction.actions.records.map(\.reason) == (key == "a" ? [] : ["forced_commands_differ"]))
    }
    #expect(authentication.permissions.forcedCommand == Array("date".utf8))
    #expect(authentication.hasProvenStep)
  }

  @Test(
    arguments: [
      (Scenario.request("none"), []), (Scenario.keyRequest(signed: false), [.triedKey]),
      (Scenario.keyRequest(signed: true), [.triedKey]), (Scenario.passwordRequest(), [.triedOther]),
      (Scenario.request("keyboard-interactive") { for _ in 0..<2 { $0.text("") } }, [.triedOther]),
      (Scenario.request("hostbased"), [.triedOther]), ([1, 2, 3], [.misbehaved]),
    ] as [([UInt8], [PenaltyState.Event])])
  func `penalties of attempts do not depend on the account`(
    payload: [UInt8], penalties: [PenaltyState.Event]
  ) throws {
    for account in [nil, Scenario.known()] {
      var authentication = authentication()
      #expect(try request(payload, account, in: &authentication).penalties == penalties)
    }
  }

  @Test func `another user name or service is misbehaviour, and too many failures are not`() throws {
    var renamed = authentication()
    _ = try request(Scenario.request("none"), in: &renamed)
    let reaction = try request(Scenario.request("none", user: "eve"), in: &renamed)
    #expect(reaction.penalties == [.misbehaved] && reaction.actions.records.map(\.reason) == ["user_changed"])
    guard case .disconnect(let disconnect) = reaction.next else {
      Issue.record("no disconnect")
      return
    }
    #expect(disconnect.reason == .authenticationFailed)
    var failing = authentication([.publicKey])
    var last = Reaction()
    for _ in 0..<6 { last = try request(Scenario.passwordRequest(), in: &failing) }
    #expect(last.next != nil && last.penalties == [.triedOther])
  }
}
