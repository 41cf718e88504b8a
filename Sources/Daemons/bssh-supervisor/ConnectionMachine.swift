import AccessControl
import Audit
import Authentication
import IPC
import System
import Wire

/// One connection, from accept to its end: what its transport may ask now, and what comes of it.
///
/// Decides only. A transport holds hostile bytes, so what it says is checked against ``Phase``; what is not allowed now
/// ends it. The session id is the first exchange hash that an authority was asked to sign, never what a transport says
/// later. Only an authority's verdict, through `AuthenticationMachine`, leads to a login.
struct ConnectionMachine: Sendable {
  /// How far the connection is.
  enum Phase: Equatable, Sendable {
    /// Waits for a transport.
    case starting
    case keyExchange
    case authenticating
    /// The login is granted, and its session process is being started.
    case opening
    case loggedIn
    case closing(Closing)
  }

  /// How a connection ends.
  enum Closing: Equatable, Sendable {
    /// The transport was told to say goodbye; what it sent before it knew is ignored.
    case told
    /// The transport has said its last word.
    case closed
    /// The transport was killed; its end is waited for.
    case killed
  }

  /// What is known about the user of this connection.
  enum Identity: Equatable, Sendable {
    case unknown
    /// An authority is asked, and the client's message waits for its answer.
    case asked(user: String, ClientMessage)
    /// The answer is there, and what shadow(5) says of the account is not.
    case checking(AccountAnswer, user: String, ClientMessage)
    case known(AccountAnswer)
  }

  /// What is known about the user's keys.
  enum LookUp: Equatable, Sendable {
    case none
    case running
    /// `isAlive`: the process that found them waits to become the login.
    case done([KeyFile], isAlive: Bool)
  }

  /// Milliseconds that a transport has to say goodbye.
  static let goodbyeTime: Int64 = 2000
  /// Milliseconds that looking an account up in shadow(5) may take.
  static let accountCheckTime: Int64 = 10_000
  /// Milliseconds that reading a user's keys may take.
  static let lookUpTime: Int64 = 10_000
  var context: Context
  /// The load balancer by way of which it comes; nil: it comes from the client.
  var proxy: SocketAddress?
  /// It is a load balancer's own, and has done nothing yet but to look whether the server is there: no event tells of it.
  var isPerhapsCheck = false
  /// Whose connection it is, as far as that is known.
  var subject = Subject()
  let startTime: Int64
  var phase: Phase = .starting
  var authentication: AuthenticationMachine
  var judgement: Judgement?
  /// When the request came that is answered.
  var requestTime: Int64 = 0
  var identity: Identity = .unknown
  var lookUp: LookUp = .none
  /// What authorities said of lines that are not understood: told once, not for each key of a client.
  var toldWarnings: Set<String> = []
  /// For people: the keys that were accepted so far.
  var provenKeys: [String] = []
  /// What the client tried, and no event told.
  var trial = LoginTrial()
  /// What the credentials that were accepted so far allow.
  var permissions = KeyPermissions.everything
  var limits = LoginLimits()
  var terminals = Terminals()
  var hostKeyUse = HostKeyUse()
  /// What it did so far that says something about its source.
  var conduct = Conduct()
  /// Why it ended: the first reason counts.
  var ending: Ending?
  /// Of the connection, as its transport counted them; nil: it did not say.
  var traffic: (bytesIn: UInt64, bytesOut: UInt64)?
  /// When the login began; nil: there is none.
  var loginTime: Int64?
  /// The time of the event that is handled.
  private(set) var now: Int64

  /// A connection that was accepted at `now`; `accepted` is its first event.
  init(_ context: Context, at now: Int64) {
    self.context = context
    subject.clientAddress = context.client.address
    subject.clientPort = context.client.port
    startTime = now
    self.now = now
    authentication = AuthenticationMachine(policy: context.settings.policy)
  }

  /// Takes an event, and says what to do.
  mutating func handle(_ event: Event, at now: Int64) -> [Action] {
    self.now = now
    let actions = react(to: event, at: now)
    return isPerhapsCheck ? holdingBack(actions) : actions
  }

  private mutating func react(to event: Event, at now: Int64) -> [Action] {
    switch event {
    case .accepted: accepted()
    case .served(let context): served(context)
    case .transport(let message): transport(message, at: now)
    case .transportMisbehaved(let what): violation(what)
    case .transportEnded(let status): transportEnded(status, at: now)
    case .signed(let signature): signed(signature)
    case .proved(let payload): proved(payload)
    case .account(let answer): account(answer, at: now)
    case .verdict(let verdict): judged(verdict, at: now)
    case .accountChecked(let state): accountChecked(state, at: now)
    case .session(let message): session(message, at: now)
    case .sessionMisbehaved(let what): sessionMisbehaved(what, at: now)
    case .sessionOpened(let id): sessionOpened(id)
    case .sessionRefused(let open): sessionRefused(open)
    case .journalRefused: journalRefused()
    case .sessionFailed(let why): sessionFailed(why, at: now)
    case .sessionEnded(let status): sessionEnded(status, at: now)
    case .timer(let timer): time(timer, at: now)
    case .recordingOpened(let path): recordingOpened(path)
    case .recordingFailed(let why): recordingFailed(why)
    case .banned: banned()
    case .displaced(let newcomer): displaced(by: newcomer)
    case .shutDown: shutDown()
    case .abandon: abandon()
    }
  }

  /// True while a client's message waits until it is known who the user is.
  private var isAsking: Bool {
    switch identity {
    case .asked, .checking: true
    case .unknown, .known: false
    }
  }

  /// True once a login was granted and until it ends.
  var isLoggedIn: Bool { phase == .loggedIn }

  // MARK: The transport

  private mutating func accepted() -> [Action] {
    var actions = isPerhapsCheck ? [] : [opened()]
    let grace = Int64(context.settings.server.loginGrace)
    if grace > 0 { actions.append(.setTimer(.loginGrace, milliseconds: grace * 1000)) }
    return actions
  }

  private mutating func served(_ context: Context) -> [Action] {
    guard phase == .starting else { return [] }
    phase = .keyExchange
    self.context = context
    authentication = AuthenticationMachine(policy: context.settings.policy)
    return []
  }

  private mutating func transport(_ message: TransportToSupervisor, at now: Int64) -> [Action] {
    switch phase {
    case .starting: return violation("spoke before it had the connection")
    case .closing(.killed): return []
    case .closing(.closed): return violation("spoke after its last word")
    case .closing(.told):
      switch message {
      case .closed(let reason, let detail, let bytesIn, let bytesOut):
        return closed(reason, detail, (bytesIn, bytesOut))
      case .recorded(let end): return recorded(end)
      case .sign, .negotiated, .authenticate, .informationResponse, .proveHostKeys, .idle, .record: return []
      }
    case .keyExchange, .authenticating, .opening, .loggedIn: break
    }
    switch message {
    case .sign(let hostKey, let algorithm, let hash):
      return sign(hostKey: hostKey, algorithm: algorithm, hash: hash, at: now)
    case .negotiated(let negotiated):
      guard phase == .keyExchange else { return violation("negotiated a second time") }
      guard hostKeyUse.isSigned else { return violation("negotiated without a host key signature") }
      phase = .authenticating
      subject.clientVersion = "SSH-2.0-\(negotiated.client)"
      subject.keyExchange = negotiated.keyExchange
      return [
        .log(
          .info,
          "client \(negotiated.client.quoted()), key exchange \(negotiated.keyExchange) with \(hostKeyUse.algorithm), "
            + "ciphers \(negotiated.cipherIn) in, \(negotiated.cipherOut) out")
      ]
    case .authenticate(let payload):
      guard phase == .authenticating else { return violation("sent an authentication request out of turn") }
      conduct.hasAskedForLogin = true
      guard judgement == nil, !isAsking else {
        return violation("sent an authentication request before the answer to the last")
      }
      return authenticate(payload, at: now)
    case .informationResponse(let payload):
      guard phase == .authenticating, judgement == nil, !isAsking, prompt != nil else {
        return violation("sent an answer without a prompt")
      }
      return informationResponse(payload, at: now)
    case .proveHostKeys(let payload):
      return proveHostKeys(payload)
    case .idle(let time):
      guard phase == .loggedIn, limits.takeAnswer() else { return violation("told of idleness without a question") }
      return idle(since: time, at: now)
    case .record(let channel): return record(channel)
    case .recorded(let end): return recorded(end)
    case .closed(let reason, let detail, let bytesIn, let bytesOut):
      return closed(reason, detail, (bytesIn, bytesOut))
    }
  }

  private mutating func time(_ timer: Timer, at now: Int64) -> [Action] {
    switch (timer, phase) {
    case (.loginGrace, .starting), (.loginGrace, .keyExchange), (.loginGrace, .authenticating),
      (.loginGrace, .opening):
      conduct.isUnfit = true
      return end(
        reason: 11, "No login within \(context.settings.server.loginGrace) seconds (\(CloseReason.loginTimeout))",
        log: .loginTimeout)
    case (.loginGrace, .loggedIn), (.loginGrace, .closing): return []

    case (.goodbye, .closing(.told)), (.goodbye, .closing(.closed)):
      phase = .closing(.killed)
      return [.killTransport]
    case (.goodbye, .closing(.killed)): return []
    case (.goodbye, .starting), (.goodbye, .keyExchange), (.goodbye, .authenticating), (.goodbye, .opening),
      (.goodbye, .loggedIn):
      return []

    case (.signature, .keyExchange), (.signature, .authenticating), (.signature, .opening), (.signature, .loggedIn):
      return signatureTime(at: now)
    case (.signature, .starting), (.signature, .closing): return []

    case (.lookUp, .authenticating): return lookUpTimedOut(at: now)
    case (.lookUp, .starting), (.lookUp, .keyExchange), (.lookUp, .opening), (.lookUp, .loggedIn),
      (.lookUp, .closing):
      return []

    case (.accountCheck, .authenticating):
      return [
        .log(.warning, "shadow(5) could not be read within \(Self.accountCheckTime / 1000) s"), .killAccountCheck,
      ]
        + accountChecked(nil, at: now)
    case (.accountCheck, .starting), (.accountCheck, .keyExchange), (.accountCheck, .opening),
      (.accountCheck, .loggedIn), (.accountCheck, .closing):
      return []

    case (.passwordAnswer, .authenticating): return passwordTime(at: now)
    case (.passwordAnswer, .starting), (.passwordAnswer, .keyExchange), (.passwordAnswer, .opening),
      (.passwordAnswer, .loggedIn), (.passwordAnswer, .closing):
      return []

    case (.recording, .loggedIn):
      return [.killRecorder] + recordingFailed("no file within \(Terminals.recorderTime / 1000) s")
    case (.recording, .starting), (.recording, .keyExchange), (.recording, .authenticating), (.recording, .opening),
      (.recording, .closing):
      return []

    case (.idle, .loggedIn): return askForIdleness()
    case (.session, .loggedIn): return sessionTime()
    case (.idle, .starting), (.idle, .keyExchange), (.idle, .authenticating), (.idle, .opening), (.idle, .closing),
      (.session, .starting), (.session, .keyExchange), (.session, .authenticating), (.session, .opening),
      (.session, .closing):
      return []
    }
  }
}
