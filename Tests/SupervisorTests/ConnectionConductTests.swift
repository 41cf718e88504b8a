import AccessControl
import Audit
import IPC
import System
import Testing

@testable import Supervisor

/// What a connection is said to have done, from its first event to its last.
@Suite struct ConnectionConductTests {
  private typealias Conduct = AdmissionControl.Conduct

  /// Everything noted, when the transport ends as `status` after what was done.
  private func notes(_ scenario: Scenario, ending status: System.ExitStatus = .code(0), lastWord: TransportEnd? = nil)
    -> [Conduct]
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

  @Test func `a wrong password counts when the answer is given, and once`() {
    var scenario = Scenario.prepared()
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.send(.verdict(rejected("wrong_password")))
    #expect(scenario.said.notes.isEmpty)
    scenario.now += 1000
    #expect(scenario.send(.timer(.passwordAnswer)).last == .note(.failed))
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
  func `a key that is not accepted does not count, only the end without a login, and apart`(reason: Reason) {
    for isSigned in [true, false] {
      let scenario = tried(Scenario.keyRequest(signed: isSigned), rejected(reason))
      #expect(scenario.said.notes.isEmpty)
      #expect(notes(scenario, lastWord: .clientDisconnected) == [.keysRefused])
    }
  }

  @Test func `refused keys are told apart only where nothing else was tried and the protocol was kept`() {
    let refused = { self.tried(Scenario.keyRequest(signed: false), self.rejected("no_such_key")) }
    // Prompts of passwords, passwords where none can be, unknown methods.
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

  @Test func `too many keys, offered or signed, are refused keys`() {
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

  @Test func `what no authority answered does not count`() {
    #expect(tried(Scenario.passwordRequest(), nil).said.notes.isEmpty)
  }

  @Test(arguments: [TransportEnd.connectionLost, .clientDisconnected, .keepaliveTimeout])
  func `who leaves before asking for a login has not failed`(lastWord: TransportEnd) {
    #expect(notes(.atKeyExchange(), lastWord: lastWord).isEmpty)
    #expect(notes(.atAuthentication(), lastWord: lastWord).isEmpty)
  }

  @Test func `whoever asked for a login and ends without one has failed`() {
    #expect(notes(.prepared(), lastWord: .clientDisconnected) == [.failed])
    #expect(notes(.prepared(), lastWord: .connectionLost) == [.failed])
    var malformed = Scenario.atAuthentication()
    _ = malformed.authenticate([1, 2, 3])
    #expect(notes(malformed, lastWord: .toldToDisconnect) == [.failed])
  }

  @Test func `who breaks the protocol has failed, unless that is after the login`() {
    #expect(notes(.atKeyExchange(), lastWord: .protocolError) == [.failed])
    #expect(notes(.loggedIn(), lastWord: .protocolError) == [.loggedIn(failures: 0)])
  }

  @Test func `running out of memory is an error, and nothing that counts`() {
    for scenario in [Scenario.atKeyExchange(), .atAuthentication(), .prepared()] {
      #expect(notes(scenario, lastWord: .outOfMemory).isEmpty)
    }
    #expect(notes(.loggedIn(), lastWord: .outOfMemory) == [.loggedIn(failures: 0)])
  }

  @Test func `who keeps a place until the time is over has failed`() {
    for var scenario in [Scenario.atKeyExchange(), .atAuthentication(), .prepared()] {
      scenario.send(.timer(.loginGrace))
      #expect(notes(scenario, lastWord: .toldToDisconnect) == [.failed])
    }
    // It waited for a transport: that is not its fault.
    var waiting = Scenario()
    waiting.send(.accepted)
    waiting.send(.timer(.loginGrace))
    #expect(waiting.said.notes.isEmpty)
  }

  @Test func `a login is told with the slips before it`() {
    var scenario = tried(Scenario.passwordRequest(), rejected("wrong_password"))
    _ = scenario.authenticate(Scenario.passwordRequest())
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    scenario.now += 1000
    scenario.send(.timer(.passwordAnswer))
    scenario.send(.sessionOpened(Scenario.loginID))
    #expect(notes(scenario, lastWord: .clientDisconnected) == [.failed, .loggedIn(failures: 1)])
  }

  @Test func `a login whose session does not start is no failure`() {
    var scenario = Scenario.atOpening()
    scenario.send(.sessionFailed("x"))
    #expect(notes(scenario, lastWord: .toldToDisconnect).isEmpty)
  }

  @Test func `what the server ends for its own reasons is no failure`() {
    for event in [ConnectionMachine.Event.shutDown, .abandon, .banned, .displaced(by: newcomer)] {
      var scenario = Scenario.prepared()
      scenario.send(event)
      #expect(notes(scenario).isEmpty)
    }
  }

  @Test(arguments: [4, 6, 7, 11, 31]) func `a crash is told, in every phase, and once`(signal: Int32) {
    for scenario in [Scenario.atKeyExchange(), .prepared()] {
      #expect(notes(scenario, ending: .signal(signal, coreDumped: false)) == [.crashed])
    }
    #expect(notes(.loggedIn(), ending: .signal(signal, coreDumped: false)) == [.loggedIn(failures: 0), .crashed])
    #expect(notes(.killed(), ending: .signal(signal, coreDumped: false)) == [.loggedIn(failures: 0), .crashed])
  }

  @Test(arguments: [1, 2, 9, 15]) func `a signal that people send is no crash`(signal: Int32) {
    #expect(notes(.atKeyExchange(), ending: .signal(signal, coreDumped: false)).isEmpty)
  }

  @Test func `a transport that lies counts as one that crashed`() {
    var scenario = Scenario.atKeyExchange()
    scenario.send(.transportMisbehaved("lied"))
    scenario.send(.transportMisbehaved("lied again"))
    #expect(notes(scenario, ending: .signal(9, coreDumped: false)) == [.crashed])
  }

  @Test func `a ban ends who has no login, politely, and nobody else`() {
    for var scenario in Scenario.everyPhase() {
      let phase = scenario.machine.phase
      let actions = scenario.send(.banned)
      switch phase {
      case .starting:
        #expect(actions.lines() == ["closed: banned, after 0.0 s"] && actions.last == .close)
      case .keyExchange, .authenticating: #expect(actions.isGoodbye)
      case .opening, .loggedIn, .closing: #expect(actions.isEmpty)
      }
    }
  }

  private let newcomer = SocketAddress(address: "192.0.2.9", port: 7)

  @Test func `who makes room hears of it, and the journal has for whom`() {
    for var scenario in Scenario.everyPhase() {
      let phase = scenario.machine.phase
      let actions = scenario.send(.displaced(by: newcomer))
      switch phase {
      case .starting:
        #expect(actions.lines() == ["closed: made_room ('for a connection from 192.0.2.9:7'), after 0.0 s"])
        #expect(actions.last == .close)
      case .keyExchange, .authenticating:
        #expect(actions.isGoodbye)
        scenario.send(.transportEnded(.code(0)))
        #expect(
          scenario.said.lines().contains { $0.hasPrefix("closed: made_room ('for a connection from 192.0.2.9:7')") })
      case .opening, .loggedIn, .closing: #expect(actions.isEmpty)
      }
    }
  }

  @Test func `progress is what an authority or a client did, and no word of the transport`() {
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

  @Test func `a step that is passed is progress`() {
    var scenario = Scenario.prepared {
      $0.auth.required = [[.publicKey, .password]]
    }
    _ = scenario.authenticate(Scenario.keyRequest(signed: true))
    #expect(scenario.machine.progress == .asked)
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    #expect(scenario.machine.progress == .settled)
  }

  @Test func `after a ban no credential helps`() {
    var scenario = Scenario.prepared()
    scenario.send(.banned)
    #expect(scenario.authenticate(Scenario.keyRequest(signed: true)).isEmpty)
    #expect(!scenario.send(.verdict(Verdict(outcome: .accepted))).opensSession)
  }
}

extension [ConnectionMachine.Action] {
  fileprivate var notes: [AdmissionControl.Conduct] {
    compactMap { if case .note(let conduct) = $0 { conduct } else { nil } }
  }
}
