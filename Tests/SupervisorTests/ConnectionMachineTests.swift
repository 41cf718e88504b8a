import IPC
import System
import Testing
import Wire

@testable import Supervisor

@Suite struct ConnectionMachineTests {
  typealias Event = ConnectionMachine.Event

  @Test func `each sample has the kind it is listed for`() {
    for kind in Event.Kind.allCases {
      #expect(!Event.samples(of: kind).isEmpty && Event.samples(of: kind).allSatisfy { $0.kind == kind }, "\(kind)")
    }
    for kind in TransportToSupervisor.Kind.allCases {
      #expect(
        !TransportToSupervisor.samples(of: kind).isEmpty
          && TransportToSupervisor.samples(of: kind).allSatisfy { $0.kind == kind })
    }
    for kind in SessionToSupervisor.Kind.allCases {
      #expect(
        !SessionToSupervisor.samples(of: kind).isEmpty
          && SessionToSupervisor.samples(of: kind).allSatisfy { $0.kind == kind })
    }
    for kind in ConnectionMachine.Phase.Kind.allCases {
      let phases = Scenario.samples(of: kind).map(\.machine.phase)
      #expect(!phases.isEmpty && phases.allSatisfy { $0.kind == kind }, "\(kind)")
    }
  }

  /// The phases in which a message does not end its transport, if nothing is pending.
  private static func phases(allowing message: TransportToSupervisor.Kind) -> Set<ConnectionMachine.Phase.Kind> {
    // Messages that were sent before the transport knew of its end are ignored.
    switch message {
    case .sign, .closed: [.keyExchange, .authenticating, .opening, .loggedIn, .told, .killed]
    // In the key exchange, the host key signature is missing.
    case .negotiated, .informationResponse, .idle, .record: [.told, .killed]
    case .authenticate: [.authenticating, .told, .killed]
    case .proveHostKeys: [.loggedIn, .told, .killed]
    case .recorded: [.killed]
    }
  }

  @Test func `a transport may send in each phase exactly the messages of the table`() {
    for message in TransportToSupervisor.samples {
      for var scenario in Scenario.everyPhase() {
        let phase = scenario.machine.phase
        let isAllowed = Self.phases(allowing: message.kind).contains(phase.kind)
        #expect(scenario.send(.transport(message)).kills == !isAllowed, "\(message) in \(phase)")
      }
    }
  }

  @Test func `only a verdict during authentication leads to a login`() {
    for scenario in Scenario.everyPhase() {
      for event in Event.samples {
        var scenario = scenario
        #expect(!scenario.send(event).opensSession, "\(event) in \(scenario.machine.phase)")
      }
    }
  }

  @Test func `no two events in any phase trap or log in without a session`() {
    for scenario in Scenario.everyPhase() {
      for first in Event.samples {
        for second in Event.samples {
          var scenario = scenario
          let wasLoggedIn = scenario.machine.isLoggedIn || scenario.machine.phase == .opening
          scenario.send(first)
          scenario.send(second)
          #expect(!scenario.machine.isLoggedIn || wasLoggedIn, "\(first), \(second)")
        }
      }
    }
  }

  /// The case that the two properties above omit: a verdict is pending.
  @Test func `while a verdict is pending only an accepting verdict opens a session`() {
    var waiting = Scenario.prepared()
    _ = waiting.authenticate(Scenario.keyRequest(signed: true))
    for event in Event.samples {
      var scenario = waiting
      let opens = scenario.send(event).opensSession
      #expect(opens == (event == .verdict(Verdict(outcome: .accepted))), "\(event)")
      guard !opens else { continue }
      #expect(!scenario.machine.isLoggedIn)
    }
  }

  @Test func `in every phase the connection ends with its transport`() {
    for scenario in Scenario.everyPhase() {
      var scenario = scenario
      #expect(scenario.send(.transportEnded(.signal(9, coreDumped: false))).suffix(2) == [.endSession, .close])
    }
  }

  @Test func `the first signed hash is the session identifier, whatever is signed later`() {
    var scenario = Scenario.atAuthentication()
    scenario.send(
      .transport(.sign(hostKey: Scenario.hostKey, algorithm: "ssh-ed25519", hash: .init(repeating: 9, count: 32))))
    #expect(scenario.machine.hostKeys.sessionID == Scenario.hash)
  }

  @Test func `a key exchange is one signature followed by one negotiated`() {
    var scenario = Scenario.atKeyExchange()
    #expect(scenario.send(Scenario.sign).questions.count == 1)
    #expect(scenario.send(.signed([4])) == [.send(.signature([4]))])
    #expect(!scenario.send(Scenario.negotiated).kills)
    #expect(scenario.machine.phase == .authenticating)
    #expect(scenario.send(Scenario.negotiated).kills)
  }

  @Test func `a second signature in the first key exchange ends the transport`() {
    var scenario = Scenario.atKeyExchange()
    scenario.send(Scenario.sign)
    scenario.send(.signed([4]))
    #expect(scenario.send(Scenario.sign).kills)
  }

  @Test func `a refused signature is sent and never negotiated`() {
    var scenario = Scenario.atKeyExchange()
    scenario.send(Scenario.sign)
    #expect(scenario.send(.signed(nil)).told == [.signature(nil)])
    #expect(scenario.send(Scenario.negotiated).kills)
  }

  @Test(arguments: [
    TransportToSupervisor.sign(hostKey: [6, 6], algorithm: "ssh-ed25519", hash: Scenario.hash),
    .sign(hostKey: Scenario.hostKey, algorithm: "ssh-rsa", hash: Scenario.hash),
    .sign(hostKey: Scenario.hostKey, algorithm: "ssh-ed25519", hash: []),
    .sign(hostKey: Scenario.hostKey, algorithm: "ssh-ed25519", hash: .init(repeating: 1, count: 33)),
  ])
  func `a signature with another key, algorithm or length is a violation`(_ message: TransportToSupervisor) {
    var scenario = Scenario.atKeyExchange()
    let actions = scenario.send(.transport(message))
    #expect(actions.kills && actions.questions.isEmpty)
  }

  @Test func `a hundred signatures are immediate, then ten per second`() {
    var scenario = Scenario.atAuthentication()
    var delays = 0
    for _ in 0..<99 {
      #expect(scenario.send(Scenario.sign).questions.count == 1)
      scenario.send(.signed([4]))
    }
    for _ in 0..<3 {
      #expect(scenario.send(Scenario.sign) == [.setTimer(.signature, milliseconds: 100)])
      scenario.now += 100
      #expect(scenario.send(.timer(.signature)).questions.count == 1)
      scenario.send(.signed([4]))
      delays += 1
    }
    #expect(delays == 3)
  }

  @Test func `a flood of signature requests ends the transport even while they are delayed`() {
    var scenario = Scenario.atAuthentication()
    for _ in 0..<9 {
      scenario.send(Scenario.sign)
      scenario.send(.signed([4]))
    }
    #expect(!scenario.send(Scenario.sign).kills)
    #expect(scenario.send(Scenario.sign).kills)
  }

  @Test func `host key proofs are limited to four`() {
    var scenario = Scenario.loggedIn()
    for _ in 0..<4 {
      #expect(
        scenario.send(.transport(.proveHostKeys([0, 0, 0, 3, 1, 2, 3]))).questions == [
          .proveHostKeys(
            sessionID: Scenario.hash, keyExchangeAlgorithm: "ssh-ed25519", keys: [Scenario.hostKey])
        ])
      #expect(scenario.send(.proved([5])).told == [.hostKeyProofs([5])])
    }
    #expect(scenario.send(.transport(.proveHostKeys([0, 0, 0, 3, 1, 2, 3]))).kills)
  }

  @Test func `two requests for host key proofs at once end the transport`() {
    var scenario = Scenario.loggedIn()
    scenario.send(.transport(.proveHostKeys([0, 0, 0, 3, 1, 2, 3])))
    #expect(scenario.send(.transport(.proveHostKeys([0, 0, 0, 3, 1, 2, 3]))).kills)
  }

  @Test(arguments: [[UInt8](), [0, 0, 0, 9, 1], [0, 0, 0, 1, 9], [0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 3, 1, 2, 3]])
  func `proofs of other keys or of none are refused without a request`(_ payload: [UInt8]) {
    var scenario = Scenario.loggedIn()
    let actions = scenario.send(.transport(.proveHostKeys(payload)))
    #expect(actions.told == [.hostKeyProofs(nil)] && actions.questions.isEmpty)
  }

  @Test func `without a login in time the transport is told to disconnect and then killed`() {
    for var scenario in [Scenario.atKeyExchange(), .atAuthentication(), .prepared()] {
      let actions = scenario.send(.timer(.loginGrace))
      #expect(actions.disconnects)
      #expect(actions.contains(.setTimer(.disconnectGrace, milliseconds: 2000)))
      #expect(scenario.send(.timer(.disconnectGrace)) == [.killTransport])
    }
  }

  @Test func `a connection without a transport is closed after its time`() {
    var scenario = Scenario { $0.server.loginGrace = 7 }
    #expect(scenario.send(.accepted).contains(.setTimer(.loginGrace, milliseconds: 7000)))
    #expect(scenario.send(.timer(.loginGrace)).last == .close)
  }

  @Test func `login grace 0 means no limit, and a login ends the limit`() {
    var scenario = Scenario { $0.server.loginGrace = 0 }
    #expect(scenario.send(.accepted).count == 1)
    var opening = Scenario.atOpening()
    #expect(opening.send(.sessionOpened(Scenario.loginID)).contains(.cancelTimer(.loginGrace)))
    #expect(opening.send(.timer(.loginGrace)) == [])
  }

  @Test func `the end is logged with its reason, duration and bytes`() {
    var scenario = Scenario.loggedIn()
    scenario.now += 61_250
    scenario.send(Scenario.lastWord)
    let lines = scenario.send(.transportEnded(.code(0))).lines()
    let ends = "after 61.2 s, 5 bytes in, 6 bytes out"
    #expect(lines == ["logged out 'bob' \(ends)", "closed: client_disconnected, \(ends)"])
  }

  @Test func `a transport that crashed is an error in the log`() {
    var scenario = Scenario.loggedIn()
    let lines = scenario.send(.transportEnded(.signal(11, coreDumped: false))).lines(.error)
    #expect(lines == ["suspicious activity: transport_crashed its transport killed by signal 11"])
  }

  @Test func `a killed transport is an error in the log even if its session ended first`() {
    var scenario = Scenario.loggedIn()
    scenario.send(.sessionEnded(.code(0)))
    let lines = scenario.send(.transportEnded(.signal(9, coreDumped: false))).lines(.error)
    #expect(lines == ["its transport killed by signal 9"])
    #expect(scenario.said.records.last?.reason == "transport_lost")
  }

  @Test func `a hand-over drops connections without a login immediately`() {
    var scenario = Scenario.prepared()
    #expect(scenario.send(.abandon) == [.killTransport])
    var waiting = Scenario()
    #expect(waiting.send(.abandon).last == .close)
  }

  @Test func `messages sent before a disconnect request are ignored`() {
    var scenario = Scenario.told()
    #expect(scenario.send(Scenario.sign) == [])
    #expect(scenario.send(Scenario.lastWord).contains(.endSession))
    #expect(scenario.send(Scenario.lastWord).kills)
  }

  @Test func `settings that change while a connection waits apply to it`() {
    var scenario = Scenario()
    scenario.send(.accepted)
    var settings = scenario.machine.context.settings
    settings.auth.methods = [.password]
    scenario.send(.served(Scenario.context(settings)))
    #expect(scenario.machine.authentication.policy.methods == [.password])
  }
}
