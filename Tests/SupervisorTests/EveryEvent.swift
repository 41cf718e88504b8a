import Audit
import IPC
import Model
import System
import Wire

@testable import Supervisor

// Samples for properties of all events in all phases. `kind` and `samples` are exhaustive, so that a new case does not
// compile without a sample.

extension TransportToSupervisor {
  /// The cases, without their values.
  enum Kind: CaseIterable {
    case sign, negotiated, authenticate, informationResponse, proveHostKeys, idle, record, recorded, closed
  }

  var kind: Kind {
    switch self {
    case .sign: .sign
    case .negotiated: .negotiated
    case .authenticate: .authenticate
    case .informationResponse: .informationResponse
    case .proveHostKeys: .proveHostKeys
    case .idle: .idle
    case .record: .record
    case .recorded: .recorded
    case .closed: .closed
    }
  }

  /// Well-formed messages of a kind.
  static func samples(of kind: Kind) -> [TransportToSupervisor] {
    switch kind {
    case .sign: [.sign(hostKey: Scenario.hostKey, algorithm: "ssh-ed25519", hash: Scenario.hash)]
    case .negotiated: [.negotiated(Negotiated(client: "x", keyExchange: "k", cipherIn: "a", cipherOut: "b"))]
    case .authenticate:
      [
        .authenticate(SecretBytes(Scenario.passwordRequest())),
        .authenticate(SecretBytes(Scenario.keyRequest(signed: true))),
      ]
    case .informationResponse: [.informationResponse(SecretBytes(Scenario.answer("x")))]
    case .proveHostKeys: [.proveHostKeys([0, 0, 0, 3, 1, 2, 3])]
    case .idle: [.idle(since: 0)]
    case .record: [.record(channel: 3)]
    case .recorded:
      [
        .recorded(
          RecordingEnd(
            channel: 3, bytes: 10, hash: [UInt8](repeating: 0xa0, count: 32), milliseconds: 7, failure: nil))
      ]
    case .closed: [.closed(reason: .clientDisconnected, detail: "", bytesIn: 0, bytesOut: 0)]
    }
  }

  /// At least one message of each kind.
  static let samples: [TransportToSupervisor] = Kind.allCases.flatMap(samples(of:))
}

extension SessionToSupervisor {
  /// The cases, without their values.
  enum Kind: CaseIterable {
    case keys, log, account, records, terminal, starts
  }

  var kind: Kind {
    switch self {
    case .keys: .keys
    case .log: .log
    case .account: .account
    case .records: .records
    case .terminal: .terminal
    case .starts: .starts
    }
  }

  /// Well-formed messages of a kind.
  static func samples(of kind: Kind) -> [SessionToSupervisor] {
    switch kind {
    case .keys: [.keys([KeyFile(path: "/home/bob/.ssh/authorized_keys", length: 3, problem: nil)])]
    case .log: [.log("x")]
    case .account: [.account(Scenario.state(Scenario.known()))]
    case .records: [.records(AuditBatch([AuditRecord(.commandExecuted, .success, .exec)]))]
    case .terminal:
      [.terminal(.began(channel: 3, name: "/dev/pts/3", process: 77)), .terminal(.ended(name: "/dev/pts/3"))]
    case .starts: [.starts(number: 1, AuditRecord(.commandStarted))]
    }
  }

  /// At least one message of each kind.
  static let samples: [SessionToSupervisor] = Kind.allCases.flatMap(samples(of:))
}

extension ConnectionMachine.Event {
  /// The cases, without their values.
  enum Kind: CaseIterable {
    case accepted, served, transport, transportMisbehaved, transportEnded, signed, proved, account, verdict
    case accountChecked, session, sessionMisbehaved, sessionOpened, sessionRefused, journalRefused, sessionFailed
    case sessionEnded, timer, recordingOpened, recordingFailed, banned, displaced, shutDown, abandon
  }

  var kind: Kind {
    switch self {
    case .accepted: .accepted
    case .served: .served
    case .transport: .transport
    case .transportMisbehaved: .transportMisbehaved
    case .transportEnded: .transportEnded
    case .signed: .signed
    case .proved: .proved
    case .account: .account
    case .verdict: .verdict
    case .accountChecked: .accountChecked
    case .session: .session
    case .sessionMisbehaved: .sessionMisbehaved
    case .sessionOpened: .sessionOpened
    case .sessionRefused: .sessionRefused
    case .journalRefused: .journalRefused
    case .sessionFailed: .sessionFailed
    case .sessionEnded: .sessionEnded
    case .timer: .timer
    case .recordingOpened: .recordingOpened
    case .recordingFailed: .recordingFailed
    case .banned: .banned
    case .displaced: .displaced
    case .shutDown: .shutDown
    case .abandon: .abandon
    }
  }

  /// Events of a kind, with each relevant choice inside.
  static func samples(of kind: Kind) -> [ConnectionMachine.Event] {
    switch kind {
    case .accepted: [.accepted]
    case .served: [.served(Scenario().machine.context)]
    case .transport: TransportToSupervisor.samples.map { .transport($0) }
    case .transportMisbehaved: [.transportMisbehaved("x")]
    case .transportEnded: [.transportEnded(.code(0)), .transportEnded(.signal(11, coreDumped: false))]
    case .signed: [.signed(nil), .signed([1])]
    case .proved: [.proved(nil), .proved([1])]
    case .account: [.account(nil), .account(Scenario.known()), .account(Scenario.unknown)]
    case .verdict:
      [.verdict(nil)]
        + ProofOutcome.allCases.map { .verdict(Verdict(outcome: $0)) }
    case .accountChecked: [.accountChecked(nil), .accountChecked(Scenario.state(Scenario.known()))]
    case .session: SessionToSupervisor.samples.map { .session($0) }
    case .sessionMisbehaved: [.sessionMisbehaved("x")]
    case .sessionOpened: [.sessionOpened(Scenario.loginID)]
    case .sessionRefused: [.sessionRefused(open: 10)]
    case .journalRefused: [.journalRefused]
    case .sessionFailed: [.sessionFailed("x")]
    case .sessionEnded: [.sessionEnded(.code(0)), .sessionEnded(.unknown)]
    case .timer: ConnectionMachine.Timer.allCases.map { .timer($0) }
    case .recordingOpened: [.recordingOpened("/r/a.cast")]
    case .recordingFailed: [.recordingFailed("No space left")]
    case .banned: [.banned]
    case .displaced: [.displaced(by: SocketAddress(address: "203.0.113.9", port: 50_001))]
    case .shutDown: [.shutDown]
    case .abandon: [.abandon]
    }
  }

  /// At least one event of each kind.
  static let samples: [ConnectionMachine.Event] = Kind.allCases.flatMap(samples(of:))
}

extension ConnectionMachine.Phase {
  /// The cases, including those of ``ConnectionMachine/Closing``.
  enum Kind: CaseIterable {
    case starting, keyExchange, authenticating, opening, loggedIn, told, closed, killed
  }

  var kind: Kind {
    switch self {
    case .starting: .starting
    case .keyExchange: .keyExchange
    case .authenticating: .authenticating
    case .opening: .opening
    case .loggedIn: .loggedIn
    case .closing(.disconnecting): .told
    case .closing(.closed): .closed
    case .closing(.killed): .killed
    }
  }
}

extension Scenario {
  /// Machines in a phase.
  static func samples(of kind: ConnectionMachine.Phase.Kind) -> [Scenario] {
    switch kind {
    case .starting:
      var scenario = Scenario()
      scenario.send(.accepted)
      return [scenario]
    case .keyExchange: return [atKeyExchange()]
    case .authenticating: return [atAuthentication(), prepared()]
    case .opening: return [atOpening()]
    case .loggedIn: return [loggedIn()]
    case .told: return [told()]
    case .closed: return [closed()]
    case .killed: return [killed()]
    }
  }

  /// At least one machine in each phase.
  static func everyPhase() -> [Scenario] { ConnectionMachine.Phase.Kind.allCases.flatMap(samples(of:)) }
}
