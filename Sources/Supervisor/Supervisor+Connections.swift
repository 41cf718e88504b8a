import AccessControl
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Connections of a listening socket that are accepted before others have their turn.
  static let acceptLimit = 32

  /// Accepts a connection that waits at a listening socket, and posts the event for the next.
  func accept(_ number: UInt64, left: Int) {
    guard left > 0, let socket = listeners.first(where: { $0.number == number }) else { return }
    switch socket.listener.accept() {
    case .wouldBlock: return
    case .failed(let error):
      if let lost = acceptThrottle.pass(at: runtime.now) {
        runtime.log(.error, "\(error); trying again (\(lost) more such lines left out)")
      }
      // Level-triggered: without a pause the loop would spin until there are descriptors again.
      for listening in listeners { runtime.unwatch(listening.listener.descriptor) }
      return runtime.setTimer(.acceptAgain, after: 100)
    case .connection(let descriptor):
      if let client = SocketAddress(of: descriptor, peer: true),
        let server = SocketAddress(of: descriptor, peer: false)
      {
        if let address = IPAddress(client.address), proxies.contains(address) {
          awaitHeader(descriptor, client, server)
        } else {
          open(descriptor, client, server, proxy: nil)
        }
      }
    }
    runtime.post(.accept(listener: number, left: left - 1))
  }

  /// Listens again after a pause.
  func acceptAgain() {
    if journal.isHolding { return }
    for listening in listeners {
      // It may have been listened to all the time.
      runtime.unwatch(listening.listener.descriptor)
      do throws(SystemError) {
        try runtime.watch(listening.listener.descriptor, listening.number)
      } catch {
        runtime.log(.error, "\(error)")
      }
    }
  }

  /// A connection comes from `client`, by way of `proxy` if there is one; `isOfProxy`: the client is a load balancer itself.
  func open(
    _ descriptor: Descriptor, _ client: SocketAddress, _ server: SocketAddress, proxy: SocketAddress?,
    isOfProxy: Bool = false
  ) {
    let number = runtime.newNumber()
    guard let address = IPAddress(client.address),
      admission.admits(address, client, number, connections: connections.count + proxied.count)
    else { return }
    var machine = ConnectionMachine(context(of: client, server), at: runtime.now)
    machine.proxy = proxy
    machine.isPerhapsCheck = isOfProxy
    connections[number] = Connection(
      number: number, client: address, machine: machine, socket: descriptor)
    post(.accepted, to: number)
  }

  /// What applies to a connection now.
  func context(of client: SocketAddress, _ server: SocketAddress) -> ConnectionMachine.Context {
    ConnectionMachine.Context(
      client: client, server: server, hostKeys: transportSettings?.hostKeys ?? [], settings: loaded.settings,
      singleUser: isRoot ? nil : Daemon.userID)
  }

  /// Something happens to a connection: an event, handled after the current one.
  func post(_ event: ConnectionMachine.Event, to number: UInt64) { runtime.post(.connection(event, of: number)) }

  /// Tells a connection what happened, and does what it says; nothing when it is over.
  func deliver(_ event: ConnectionMachine.Event, to number: UInt64) {
    guard let connection = connections[number] else { return }
    let actions = connection.machine.handle(event, at: runtime.now)
    setRecordingNeeds(connection)
    admission.advance(number, to: connection.machine.progress)
    perform(actions, connection)
    switch event {
    case .accepted: transports.serve(number, of: ClientSource(connection.client))
    case .sessionOpened: connection.session?.subject = connection.machine.subject
    case .session(.facts), .session(.starts):
      if let session = connection.session { throttle(session, connection.machine.authentication.user) }
    default: break
    }
  }

  private func perform(_ actions: [ConnectionMachine.Action], _ connection: Connection) {
    for action in actions {
      switch action {
      case .tell(let message): tell(connection, message)
      case .ask(let question):
        authorities.ask(
          question, for: connection.number, from: ClientSource(connection.client), keys: connection.keyMemory)
      case .startLookUp(let account, let paths): startLookUp(connection, account, paths)
      case .openSession(let login, let promoting): openSession(connection, login, promoting)
      case .checkAccount(let question): startAccountCheck(connection, question)
      case .killAccountCheck: killAccountCheck(connection)
      case .killSession: killSession(connection)
      case .endSession: endSession(connection)
      case .killTransport: connection.transport?.signal(SIGKILL)
      case .setTimer(let timer, let milliseconds):
        runtime.setTimer(.connection(connection.number, timer), after: milliseconds)
      case .cancelTimer(let timer): runtime.cancelTimer(.connection(connection.number, timer))
      case .note(let conduct):
        if case .loggedIn = conduct { admission.finishStart(connection.number) }
        admission.note(conduct, connection.number, of: connection.client)
      case .log(let level, let text): runtime.log(level, "[\(connection.number)] \(text)")
      case .warnOnce(let text):
        if toldWarnings.count < 1024, toldWarnings.insert(text).inserted { runtime.log(.warning, text) }
      case .audit(let fact, let subject):
        audit.record(fact, of: subject, connection.number, logging: admission.suffix(of: fact))
      case .countCheck: admission.countCheck(of: connection.machine.context.client)
      case .openRecording(let directory): openRecording(connection, directory)
      case .killRecorder: recordings.killRecorder(of: connection.number)
      case .giveRecording(let channel, let title):
        guard let socket = recordings.takeSocket(of: connection.number) else { continue }
        tell(connection, .recording(channel: channel, title: title), [socket])
      case .awaitStart(let number):
        guard let session = connection.session else { continue }
        journal.awaitStart(number, of: session, user: session.subject.user ?? "")
      case .recordLogin(let entry):
        logins.record(
          entry, isWanted: connection.machine.context.settings.audit.loginRecords, of: connection.number)
      case .auditAfterSession(let fact, let subject):
        if let session = connection.session, session.hasLogin {
          session.lastWords.append((fact, subject))
        } else {
          audit.record(fact, of: subject, connection.number)
        }
      case .close: close(connection)
      }
    }
  }

  /// A connection gets a transport.
  func assign(_ transport: Child, to number: UInt64) {
    guard let connection = connections[number], let socket = connection.socket else {
      return transport.signal(SIGKILL)
    }
    // It may have ended meanwhile.
    guard runtime.children[transport.number] != nil else {
      return transports.serve(number, of: ClientSource(connection.client))
    }
    transport.connection = number
    connection.transport = transport
    post(.served(context(of: connection.machine.context.client, connection.machine.context.server)), to: number)
    runtime.send(SupervisorToTransport.serve(connection: number), [socket], to: transport)
    connection.socket = nil
  }

  /// Tells the transport of a connection something.
  func tell(_ connection: Connection, _ message: SupervisorToTransport, _ descriptors: [Descriptor] = []) {
    guard let transport = connection.transport else { return }
    runtime.send(message, descriptors, to: transport)
  }

  /// What a connection needs of recorders stays the same for as long as it is a login.
  private func setRecordingNeeds(_ connection: Connection) {
    let isLogin = connection.machine.phase == .loggedIn
    if isLogin, connection.isRecordable { return }
    connection.isRecordable = isLogin
    recorders.setNeeds(connection.machine.recordingNeeds, of: connection.number)
  }

  private func openRecording(_ connection: Connection, _ directory: String) {
    let session = connection.machine.subject.sessionID.map(\.description) ?? "\(connection.number)"
    recordings.open(
      in: directory, user: connection.machine.authentication.user ?? "", session: session, for: connection.number)
  }

  private func close(_ connection: Connection) {
    connections[connection.number] = nil
    admission.finishStart(connection.number)
    if let user = connection.countedUser { sessionCounts.leave(user) }
    killAccountCheck(connection)
    authorities.forget(connection.number)
    transports.forget(connection.number)
    for timer in ConnectionMachine.Timer.allCases { runtime.cancelTimer(.connection(connection.number, timer)) }
    recordings.forget(connection.number)
    logins.forget(connection.number)
    recorders.setNeeds(nil, of: connection.number)
    endWhenIdle()
  }
}

extension ConnectionMachine {
  /// What this connection needs of recorders.
  fileprivate var recordingNeeds: RecordingNeeds {
    let audit = context.settings.audit
    let directories =
      phase == .loggedIn
      ? terminals.isRecorded ? [audit.recordingDirectory] : [] : context.settings.recordingDirectories
    return RecordingNeeds(keepsLogins: audit.loginRecords, directories: directories)
  }
}
