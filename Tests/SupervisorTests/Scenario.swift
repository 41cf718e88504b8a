import AccessControl
import Audit
import Authentication
import Configuration
import IPC
import Model
import System
import Testing
import Wire

@testable import Supervisor

/// The state machine of a connection with a clock, advanced to the start of a test.
struct Scenario {
  static let hostKey: [UInt8] = [1, 2, 3]
  static let loginID = EventID(high: 1, low: 2)
  static let hash = [UInt8](repeating: 7, count: 32)
  static let memory = ["/home/bob/.ssh/authorized_keys"]

  var machine: ConnectionMachine
  var now: Int64 = 1_000_000
  /// All actions of the machine, in order.
  var said: [ConnectionMachine.Action] = []
  /// True: the system's account matches the authority's, and is returned immediately.
  var systemAgrees = true

  init(_ change: (inout Settings) -> Void = { _ in }) {
    var settings = Settings()
    settings.auth.methods = [.publicKey, .password, .keyboardInteractive]
    change(&settings)
    machine = ConnectionMachine(Scenario.context(settings), at: now)
  }

  static func context(_ settings: Settings) -> ConnectionMachine.Context {
    ConnectionMachine.Context(
      client: SocketAddress(address: "203.0.113.7", port: 50000), server: SocketAddress(address: "192.0.2.1", port: 22),
      hostKeys: [hostKey], settings: settings)
  }

  @discardableResult
  mutating func send(_ event: ConnectionMachine.Event) -> [ConnectionMachine.Action] {
    var actions = machine.handle(event, at: now)
    if systemAgrees, case .account(let answer?) = event, actions.contains(where: \.checksAccount) {
      actions.removeAll { $0.checksAccount || $0 == .setTimer(.accountCheck, milliseconds: 10_000) }
      actions += machine.handle(.accountChecked(Scenario.state(answer)), at: now).filter {
        $0 != .cancelTimer(.accountCheck)
      }
    }
    said += actions
    for record in actions.records { #expect(record.reason.map(record.type.row.reasons.contains) != false, "\(record)") }
    return actions
  }

  /// The system's account that matches the authority's.
  static func state(_ answer: AccountReply) -> AccountState {
    AccountState(account: answer.login, groups: answer.groups, isClosed: answer.noLogins != nil)
  }

  static func account(_ name: String = "bob", uid: UInt32 = 1000) -> Account {
    Account(name: name, uid: uid, gid: 1000, groups: [1000], home: "/home/bob", shell: "/bin/sh")
  }

  static let whoIsBob = SupervisorToAuthority.account(user: "bob", address: "203.0.113.7")

  static func known(uid: UInt32 = 1000) -> AccountReply {
    AccountReply(login: account(uid: uid), refusal: nil, lookUp: account(uid: uid), keyPaths: memory)
  }

  static let unknown = AccountReply(
    login: nil, refusal: .noSuchUser, lookUp: account("nobody", uid: 65534), keyPaths: memory)

  static let sign = ConnectionMachine.Event.transport(.sign(hostKey: hostKey, algorithm: "ssh-ed25519", hash: hash))
  static let negotiated = ConnectionMachine.Event.transport(
    .negotiated(Negotiated(client: "OpenSSH_9.2", keyExchange: "kex", cipherIn: "a", cipherOut: "b")))
  static let lastWord = ConnectionMachine.Event.transport(
    .closed(reason: .clientDisconnected, detail: "", bytesIn: 5, bytesOut: 6))
  static let keys = ConnectionMachine.Event.session(
    .keys([KeyFile(path: "/home/bob/.ssh/authorized_keys", length: 3, problem: nil)]))

  /// The event with the keys of this user.
  static func keys(of answer: AccountReply) -> ConnectionMachine.Event {
    guard answer.login == nil else { return keys }
    return .session(
      .keys([KeyFile(path: "/nonexistent/.ssh/authorized_keys", length: 0, problem: "no such file")]))
  }

  /// The request to an authority about a key.
  static func question(_ payload: [UInt8], _ files: [KeyFile], principals: KeyFile? = nil) -> KeyVerificationRequest {
    KeyVerificationRequest(
      sessionID: hash, request: payload, client: IPAddress("203.0.113.7"), files: files, principals: principals)
  }

  static func request(_ method: String, user: String = "bob", _ rest: (inout WireWriter) -> Void = { _ in }) -> [UInt8]
  {
    var writer = WireWriter()
    writer.text(user)
    writer.text("ssh-connection")
    writer.text(method)
    rest(&writer)
    return writer.bytes
  }

  static func passwordRequest(_ password: String = "secret", user: String = "bob") -> [UInt8] {
    request("password", user: user) {
      $0.boolean(false)
      $0.text(password)
    }
  }

  static func keyRequest(signed: Bool) -> [UInt8] {
    request("publickey") {
      $0.boolean(signed)
      $0.text("ssh-ed25519")
      $0.string([9, 9])
      if signed { $0.string([8, 8]) }
    }
  }

  /// A response to a prompt.
  static func answer(_ password: String) -> [UInt8] {
    var writer = WireWriter()
    writer.uint32(1)
    writer.text(password)
    return writer.bytes
  }

  mutating func authenticate(_ payload: [UInt8]) -> [ConnectionMachine.Action] {
    send(.transport(.authenticate(SecretBytes(payload))))
  }

  static func atKeyExchange(_ change: (inout Settings) -> Void = { _ in }) -> Scenario {
    var scenario = Scenario(change)
    scenario.send(.accepted)
    scenario.send(.served(scenario.machine.context))
    return scenario
  }

  static func atAuthentication(_ change: (inout Settings) -> Void = { _ in }) -> Scenario {
    var scenario = atKeyExchange(change)
    scenario.send(sign)
    scenario.send(.signed([4]))
    scenario.send(negotiated)
    return scenario
  }

  /// A connection whose account is known and whose keys are read.
  static func prepared(
    _ answer: AccountReply = known(), _ change: (inout Settings) -> Void = { _ in }
  ) -> Scenario {
    var scenario = atAuthentication(change)
    _ = scenario.authenticate(request("none"))
    scenario.send(.account(answer))
    scenario.send(keys(of: answer))
    return scenario
  }

  static func atOpening(_ change: (inout Settings) -> Void = { _ in }) -> Scenario {
    var scenario = prepared(known(), change)
    _ = scenario.authenticate(keyRequest(signed: true))
    scenario.send(.verdict(Verdict(outcome: .accepted)))
    return scenario
  }

  static func loggedIn(_ change: (inout Settings) -> Void = { _ in }) -> Scenario {
    var scenario = atOpening(change)
    scenario.send(.sessionOpened(Scenario.loginID))
    return scenario
  }

  /// Starts the session; returns the first log line about that.
  mutating func loggedIn() -> String? { send(.sessionOpened(Scenario.loginID)).lines().first }

  static func told() -> Scenario {
    var scenario = loggedIn()
    scenario.send(.shutDown)
    return scenario
  }

  static func closed() -> Scenario {
    var scenario = loggedIn()
    scenario.send(lastWord)
    return scenario
  }

  static func killed() -> Scenario {
    var scenario = loggedIn()
    scenario.send(.transportMisbehaved("lied"))
    return scenario
  }
}

extension ConnectionMachine.Action {
  var checksAccount: Bool { if case .checkAccount = self { true } else { false } }
}

extension [ConnectionMachine.Action] {
  var kills: Bool { contains(.killTransport) }

  var disconnects: Bool {
    contains { if case .send(.disconnect) = $0 { true } else { false } }
  }

  var opensSession: Bool {
    contains { if case .openSession = $0 { true } else { false } }
  }

  /// The requests to authorities.
  var questions: [SupervisorToAuthority] {
    compactMap { if case .ask(let question) = $0 { question } else { nil } }
  }

  /// The messages to the transport.
  var told: [SupervisorToTransport] {
    compactMap { if case .send(let message) = $0 { message } else { nil } }
  }

  /// The log lines of a level, or of all.
  func lines(_ level: Log.Level? = nil) -> [String] {
    compactMap { action in
      switch action {
      case .log(let found, let text): level == nil || found == level ? text : nil
      case .audit(let record, let subject), .auditAfterSession(let record, let subject):
        level == nil || Log.Level(record.logLevel) == level ? record.logMessage(of: subject) : nil
      default: nil
      }
    }
  }

  /// The reported facts, in order.
  var records: [AuditRecord] {
    compactMap { action in
      switch action {
      case .audit(let record, _), .auditAfterSession(let record, _): record
      default: nil
      }
    }
  }
}
