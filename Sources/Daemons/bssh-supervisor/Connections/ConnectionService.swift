import AccessControl
import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

/// Keeps the state machine of each connection, dispatches events to it, and performs its actions.
final class ConnectionService {
  /// A connection with its state machine and its resources.
  private final class Connection {
    let number: UInt64
    /// The client's address.
    let client: IPAddress
    var machine: ConnectionMachine
    /// True if its needs as a login were passed to ``RecorderService``.
    var isRecordable = false
    /// The client's socket, until it is sent to a transport.
    var socket: Descriptor?
    var transport: Child?

    init(_ number: UInt64, _ client: IPAddress, _ machine: ConnectionMachine, _ socket: Descriptor) {
      self.number = number
      self.client = client
      self.machine = machine
      self.socket = socket
    }
  }

  /// The services that a connection needs.
  struct Services {
    let events: any EventLog
    let admission: any StartControl
    let transports: any TransportSource
    let authorities: any AuthorityQuestions
    let accounts: any AccountChecks
    let sessions: any SessionProcesses
    let recorders: any RecorderDemand
    let recordings: any RecordingFiles
    let logins: any TerminalRecords
  }

  private let runtime: any Runtime
  private let services: Services
  private let singleUser: UInt32?
  private var settings: Settings
  /// The public key blobs of the host keys for new transports.
  private var hostKeys: [[UInt8]] = []
  private var connections: [UInt64: Connection] = [:]
  /// Warnings that are not specific to a connection: each is logged once, at most 1,024.
  private var loggedWarnings: Set<String> = []

  /// - Parameter singleUser: the user id of every login if the daemon does not run as root; nil: it does.
  init(_ runtime: any Runtime, _ services: Services, _ settings: Settings, singleUser: UInt32?) {
    self.runtime = runtime
    self.services = services
    self.settings = settings
    self.singleUser = singleUser
  }

  var count: Int { connections.count }
  /// The number of logins.
  var loginCount: Int { connections.values.count { $0.machine.isLoggedIn } }

  /// Applies new settings to connections that have no transport yet.
  func apply(_ settings: Settings, hostKeys: [[UInt8]]) {
    self.settings = settings
    self.hostKeys = hostKeys
  }

  // MARK: Start and end

  /// Handles an accepted connection.
  func open(_ new: NewConnection) {
    let number = runtime.newNumber()
    guard let address = IPAddress(new.client.address), services.admission.admits(address, new.client, number) else {
      return
    }
    let machine = ConnectionMachine(
      context(of: new.client, new.server), proxy: new.proxy, isOfProxy: new.isOfProxy, at: runtime.now)
    connections[number] = Connection(number, address, machine, new.descriptor)
    runtime.post(.connection(.accepted, of: number))
  }

  /// The context of a connection with the current settings.
  private func context(of client: SocketAddress, _ server: SocketAddress) -> ConnectionMachine.Context {
    ConnectionMachine.Context(
      client: client, server: server, hostKeys: hostKeys, settings: settings, singleUser: singleUser)
  }

  /// Assigns a transport to a connection.
  func assign(_ transport: Child, to number: UInt64) {
    guard let connection = connections[number], let socket = connection.socket else {
      return transport.signal(SIGKILL)
    }
    // It may have ended in the meantime.
    guard runtime.children[transport.number] != nil else {
      return services.transports.serve(number, of: ClientSource(connection.client))
    }
    transport.connection = number
    connection.transport = transport
    let old = connection.machine.context
    runtime.post(.connection(.served(context(of: old.client, old.server)), of: number))
    runtime.send(SupervisorToTransport.serve(connection: number), [socket], to: transport)
    connection.socket = nil
  }

  /// Passes an event about the end of the daemon to all connections, or only to those without a login.
  func end(_ event: ConnectionMachine.Event, logins: Bool) {
    for (number, connection) in connections where logins || !connection.machine.isLoggedIn {
      runtime.post(.connection(event, of: number))
    }
  }

  private func close(_ connection: Connection) {
    let number = connection.number
    connections[number] = nil
    services.admission.forget(number)
    services.accounts.killCheck(of: number)
    services.sessions.forget(number)
    services.authorities.forget(number)
    services.transports.forget(number)
    for timer in ConnectionMachine.Timer.allCases { runtime.cancelTimer(.connection(number, timer)) }
    services.recordings.forget(number)
    services.logins.forget(number)
    services.recorders.setNeeds(nil, of: number)
    runtime.post(.connectionClosed)
  }

  // MARK: Events

  /// Handles an event of a connection; ignored if the connection has ended.
  func handle(_ event: ConnectionMachine.Event, of number: UInt64) {
    guard let connection = connections[number] else { return }
    let actions = connection.machine.handle(event, at: runtime.now)
    setRecordingNeeds(connection)
    services.admission.advance(number, to: connection.machine.progress)
    perform(actions, connection)
    switch event {
    case .accepted: services.transports.serve(number, of: ClientSource(connection.client))
    case .sessionOpened: services.sessions.setSubject(connection.machine.subject, of: number)
    case .session(.records), .session(.starts):
      services.sessions.throttle(number, user: connection.machine.authentication.user)
    default: break
    }
  }

  /// Handles that the session process of a connection has its login: sends the socket to the transport.
  func loginOpened(_ number: UInt64, _ socket: Descriptor) {
    // The connection or its process may have ended in the meantime.
    guard let connection = connections[number], connection.machine.phase == .opening,
      services.sessions.hasProcess(number)
    else { return }
    send(connection, .authentication(.success), [socket])
    runtime.post(.connection(.sessionOpened(.random()), of: number))
  }

  /// Announces a text on the terminals of a login.
  func announce(_ text: String, to number: UInt64) {
    if let connection = connections[number] { send(connection, .announce(text)) }
  }

  /// Handles that a login of this connection is in the login records, if possible: its program may start.
  func terminalEntered(_ number: UInt64) {
    guard let machine = connections[number]?.machine, machine.phase == .loggedIn,
      machine.context.settings.audit.loginRecords
    else { return }
    services.sessions.enterTerminal(of: number)
  }

  private func perform(_ actions: [ConnectionMachine.Action], _ connection: Connection) {
    let number = connection.number
    for action in actions {
      switch action {
      case .send(let message): send(connection, message)
      case .ask(let question):
        services.authorities.ask(
          question, for: number, from: ClientSource(connection.client), keys: services.sessions.foundKeys(of: number))
      case .startKeyFetch(let account, let paths): services.sessions.fetchKeys(of: account, paths, for: number)
      case .openSession(let login, let promoting):
        services.sessions.open(
          login, promoting: promoting, user: connection.machine.authentication.user ?? login.account.name,
          limit: connection.machine.sessionLimit, for: number)
      case .checkAccount(let question): services.accounts.checkAccount(question, for: number)
      case .killAccountCheck: services.accounts.killCheck(of: number)
      case .killSession: services.sessions.kill(of: number)
      case .endSession: services.sessions.end(of: number)
      case .killTransport: connection.transport?.signal(SIGKILL)
      case .setTimer(let timer, let milliseconds): runtime.setTimer(.connection(number, timer), after: milliseconds)
      case .cancelTimer(let timer): runtime.cancelTimer(.connection(number, timer))
      case .penalty(let event):
        if case .loggedIn = event { services.admission.finishStart(number) }
        services.admission.handle(event, number, of: connection.client)
      case .log(let level, let text): runtime.log(level, "[\(number)] \(text)")
      case .warnOnce(let text):
        if loggedWarnings.count < 1024, loggedWarnings.insert(text).inserted { runtime.log(.warning, text) }
      case .audit(let record, let subject):
        services.events.record(record, of: subject, number, logging: services.admission.suffix(of: record))
      case .countCheck: services.admission.countCheck(of: connection.machine.context.client)
      case .openRecording(let directory):
        let session = connection.machine.subject.sessionID.map(\.description) ?? "\(number)"
        services.recordings.open(
          in: directory, user: connection.machine.authentication.user ?? "", session: session, for: number)
      case .killRecorder: services.recordings.killRecorder(of: number)
      case .giveRecording(let channel, let title):
        guard let socket = services.recordings.takeSocket(of: number) else { continue }
        send(connection, .recording(channel: channel, title: title), [socket])
      case .awaitStart(let start): services.sessions.awaitStart(start, of: number)
      case .recordLogin(let entry):
        services.logins.record(
          entry, isWanted: connection.machine.context.settings.audit.loginRecords, of: number)
      case .auditAfterSession(let record, let subject): services.sessions.recordAtEnd(record, of: subject, number)
      case .close: close(connection)
      }
    }
  }

  private func send(_ connection: Connection, _ message: SupervisorToTransport, _ descriptors: [Descriptor] = []) {
    guard let transport = connection.transport else { return }
    runtime.send(message, descriptors, to: transport)
  }

  /// Passes the needs of a connection to ``RecorderService``. They do not change during a login.
  private func setRecordingNeeds(_ connection: Connection) {
    let isLogin = connection.machine.phase == .loggedIn
    if isLogin, connection.isRecordable { return }
    connection.isRecordable = isLogin
    services.recorders.setNeeds(connection.machine.recordingNeeds, of: connection.number)
  }
}

extension ConnectionMachine {
  /// What this connection needs from recorders.
  fileprivate var recordingNeeds: RecordingNeeds {
    let audit = context.settings.audit
    let directories =
      phase == .loggedIn
      ? terminals.isRecorded ? [audit.recordingDirectory] : [] : context.settings.recordingDirectories
    return RecordingNeeds(keepsLogins: audit.loginRecords, directories: directories)
  }
}
