import AccessControl
import Audit
import IPC
import System
import Testing

@testable import Supervisor

/// The penalties of a connection, from its first event to its last.
@Suite struct ConnectionPenaltyTests {
  private typealias PenaltyEvent = AdmissionControl.PenaltyEvent

  /// All penalties, after the transport ends with `status`.
  private func notes(_ scenario: Scenario, ending status: System.ExitStatus = .code(0), lastWord: TransportEnd? = nil)
    -> [PenaltyEvent]
  {
    var scenario = scenario
    if let lastWord {
      scenario.send(.transport(.closed(reason: lastWord, detail: "", bytesIn: 0, bytesOut: 0)))
    }
    scenario.send(.transportEnded(status))
    return scenario.said.notes
  }

  private func tried(_ payload: [UInt8], _ verdict: Verdict?) -> Scenario {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(payload)
    scenario.send(.verdict(verdict))
    scenario.now += 1000
    scenario.send(.timer(.passwordAnswer))
    return scenario
  }

  private func rejected(_ reason: Reason) -> Verdict { Verdict(outcome: .rejected, reason: reason) }

  @Test func `a wrong password counts once, with the reply`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.send(.verdict(rejected("wrong_password")))
    #expect(scenario.said.notes.isEmpty)
    scenario.now += 1000
    #expect(scenario.send(.timer(.passwordAnswer)).last == .penalty(.failed))
    #expect(notes(scenario, lastWord: .clientDisconnected) == [.failed])
  }

  @Test func `each wrong password of a connection counts`() {
    var scenario = tried(Scenario.passwordRequest(), rejected("wrong_password"))
    for _ in 0..<3 {
      _ = scenario.authenticate(Scenario.passwordRequest())
      scenario.send(.verdict(rejected("wrong_password")))
      scenario.now += 1000
      scenario.send(.timer(.passwordAnswer))
    }
    #expect(notes(scenario) == [.failed, .failed, .failed, .failed])
  }

  @Test func `a bad signature counts`() {
    #expect(notes(tried(Scenario.keyRequest(signed: true), rejected("bad_signature"))) == [.failed])
  }

  @Test(arguments: ["no_such_key", "key_type_refused", "rsa_key_too_small", "no_user_presence"] as [Reason])
  func `a refused key counts only at the end without a login, and separately`(reason: Reason) {
    for isSigned in [true, false] {
      let scenario = tried(Scenario.keyRequest(signed: isSigned), rejected(reason))
      #expect(scenario.said.notes.isEmpty)
      #expect(notes(scenario, lastWord: .clientDisconnected) == [.keysRefused])
    }
  }

  @Test func `refused keys count separately only without other attempts and violations`() {
    let refused = { self.tried(Scenario.keyRequest(signed: false), self.rejected("no_such_key")) }
    // Prompts, passwords that are not enabled, unknown methods.
    for method in ["keyboard-interactive", "password", "hostbased"] {
      var scenario = refused()
      _ = scenario.authenticate(
        method == "password" ? Scenario.passwordRequest() : Scenario.request(method))
      #expect(notes(scenario, lastWord: .clientDisconnected) == [.failed], "\(method)")
    }
    var asked = refused()
    _ = asked.authenticate(Scenario.request("none"))
    #expect(notes(asked, lastWord: .clientDisconnected) == [.keysRefused])
    var malformed = refused()
    _ = malformed.authenticate([1, 2, 3])
    #expect(notes(malformed, lastWord: .toldToDisconnect) == [.failed])
    var late = refused()
    late.send(.timer(.loginGrace))
    #expect(notes(late, lastWord: .toldToDisconnect) == [.failed])
    #expect(notes(refused(), lastWord: .protocolError) == [.failed])
  }

  @Test func `too many keys, offered or signed, count as refused keys`() {
    for isSigned in [true, false] {
      var scenario = Scenario.prepared()
      for _ in 0..<21 {
        _ = scenario.authenticate(Scenario.keyRequest(signed: isSigned))
        scenario.now += 10
        scenario.send(.verdict(rejected("no_such_key")))
      }
      #expect(scenario.said.told.contains { if case .disconnect = $0 { true } else { false } })
      #expect(notes(scenario, lastWord: .toldToDisconnect) == [.keysRefused])
    }
  }

  @Test func `requests without a verdict do not count`() {
    #expect(tried(Scenario.passwordRequest(), nil).said.notes.isEmpty)
  }

  @Test(arguments: [TransportEnd.connectionLost, .clientDisconnected, .keepaliveTimeout])
  func `a client that leaves before a request has not failed`(lastWord: TransportEnd) {
    #expect(notes(.atKeyExchange(), lastWord: lastWord).isEmpty)
    #expect(notes(.atAuthentication(), lastWord: lastWord).isEmpty)
  }

  @Test func `a client that ends without a login after a request has failed`() {
    #expect(notes(.prepared(), lastWord: .clientDisconnected) == [.failed])
    #expect(notes(.prepared(), lastWord: .connectionLost) == [.failed])
    var malformed = Scenario.atAuthentication()
    _ = malformed.authenticate([1, 2, 3])
    #expect(notes(malformed, lastWord: .toldToDisconnect) == [.failed])
  }

  @Test func `a violation of the protocol counts as a failure except after the login`() {
    #expect(notes(.atKeyExchange(), lastWord: .protocolError) == [.failed])
    #expect(notes(.loggedIn(), lastWord: .protocolError) == [.loggedIn(failures: 0)])
  }

  @Test func `exhausted memory is an error and does not count`() {
    for scenario in [Scenario.atKeyExchange(), .atAuthentication(), .prepared()] {
      #expect(notes(scenario, lastWord: .outOfMemory).isEmpty)
    }
    #expect(notes(.loggedIn(), lastWord: .outOfMemory) == [.loggedIn(failures: 0)])
  }

  @Test func `the expiry of the login time counts as a failure`() {
    for var scenario in [Scenario.atKeyExchange(), .atAuthentication(), .prepared()] {
      scenario.send(.timer(.loginGrace))
      #expect(notes(scenario, lastWord: .toldToDisconnect) == [.failed])
    }
    // A connection that waited for a transport is not at fault.
    var waiting = Scenario()
    waiting.send(.accepted)
    waiting.send(.timer(.loginGrace))
    #expect(waiting.said.notes.isEmpty)
  }

  @Test func `failures before a login count`() {
    var scenario = tried(Scenario.passwordRequest(), rejected("wrong_password"))
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    scenario.now += 1000
    scenario.send(.timer(.passwordAnswer))
    scenario.send(.sessionOpened(Scenario.loginID))
    #expect(notes(scenario, lastWord: .clientDisconnected) == [.failed, .loggedIn(failures: 1)])
  }

  @Test func `a login whose session does not start is not a failure`() {
    var scenario = Scenario.atOpening()
    scenario.send(.sessionFailed("x"))
    #expect(notes(scenario, lastWord: .toldToDisconnect).isEmpty)
  }

  @Test func `a connection that the server ends is not a failure`() {
    for event in [ConnectionMachine.Event.shutDown, .abandon, .banned, .displaced(by: newcomer)] {
      var scenario = Scenario.prepared()
      scenario.send(event)
      #expect(notes(scenario).isEmpty)
    }
  }

  @Test(arguments: [4, 6, 7, 11, 31]) func `a crash counts in every phase, once`(signal: Int32) {
    for scenario in [Scenario.atKeyExchange(), .prepared()] {
      #expect(notes(scenario, ending: .signal(signal, coreDumped: false)) == [.crashed])
    }
    #expect(notes(.loggedIn(), ending: .signal(signal, coreDumped: false)) == [.loggedIn(failures: 0), .crashed])
    #expect(notes(.killed(), ending: .signal(signal, coreDumped: false)) == [.loggedIn(failures: 0), .crashed])
  }

  @Test(arguments: [1, 2, 9, 15]) func `a signal from an administrator is not a crash`(signal: Int32) {
    #expect(notes(.atKeyExchange(), ending: .signal(signal, coreDumped: false)).isEmpty)
  }

  @Test func `a violation by the transport counts as a crash`() {
    var scenario = Scenario.atKeyExchange()
    scenario.send(.transportMisbehaved("lied"))
    scenario.send(.transportMisbehaved("lied again"))
    #expect(notes(scenario, ending: .signal(9, coreDumped: false)) == [.crashed])
  }

  @Test func `a ban disconnects only connections without a login`() {
    for var scenario in Scenario.everyPhase() {
      let phase = scenario.machine.phase
      let actions = scenario.send(.banned)
      switch phase {
      case .starting:
        #expect(actions.lines() == ["closed: banned, after 0.0 s"] && actions.last == .close)
      case .keyExchange, .authenticating: #expect(actions.disconnects)
      case .opening, .loggedIn, .closing: #expect(actions.isEmpty)
      }
    }
  }

  private let newcomer = SocketAddress(address: "192.0.2.9", port: 7)

  @Test func `a displaced connection is told so, and the journal has the address it makes room for`() {
    for var scenario in Scenario.everyPhase() {
      let phase = scenario.machine.phase
      let actions = scenario.send(.displaced(by: newcomer))
      switch phase {
      case .starting:
        #expect(actions.lines() == ["closed: made_room ('for a connection from 192.0.2.9:7'), after 0.0 s"])
        #expect(actions.last == .close)
      case .keyExchange, .authenticating:
        #expect(actions.disconnects)
        scenario.send(.transportEnded(.code(0)))
        #expect(
          scenario.said.lines().contains { $0.hasPrefix("closed: made_room ('for a connection from 192.0.2.9:7')") })
      case .opening, .loggedIn, .closing: #expect(actions.isEmpty)
      }
    }
  }

  @Test func `progress depends on authorities and clients, not on the transport`() {
    var scenario = Scenario()
    #expect(scenario.machine.progress == .connected)
    scenario.send(.accepted)
    scenario.send(.served(scenario.machine.context))
    #expect(scenario.machine.progress == .connected)
    scenario.send(Scenario.sign)
    #expect(scenario.machine.progress == .connected)
    scenario.send(.signed([9]))
    #expect(scenario.machine.progress == .keyExchange)
    scenario.send(Scenario.negotiated)
    #expect(scenario.machine.progress == .keyExchange)
    #expect(Scenario.prepared().machine.progress == .asked)
    #expect(Scenario.atOpening().machine.progress == .settled)
    #expect(Scenario.loggedIn().machine.progress == .settled)
    #expect(Scenario.killed().machine.progress == .settled)
  }

  @Test func `a completed step is progress`() {
    var scenario = Scenario.prepared {
      $0.auth.required = [[.publicKey, .password]]
    }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    #expect(scenario.machine.progress == .asked)
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(scenario.machine.progress == .settled)
  }

  @Test func `after a ban no credential is accepted`() {
    var scenario = Scenario.prepared()
    scenario.send(.banned)
    #expect(scenario.authenticate(Scenario.keyRequest(signed: true)).isEmpty)
    #expect(!scenario.send(.verdict(Verdict(outcome: .accepted))).opensSession)
  }
}

extension [ConnectionMachine.Action] {
  fileprivate var notes: [AdmissionControl.PenaltyEvent] {
    compactMap { if case .penalty(let event) = $0 { event } else { nil } }
  }
}
