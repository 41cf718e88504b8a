import AccessControl
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Takes the connections that wait, some at a time.
  func accept(_ socket: ListeningSocket) {
    for _ in 0..<32 {
      switch socket.listener.accept() {
      case .wouldBlock: return
      case .failed(let error):
        if let lost = acceptThrottle.pass(at: Clock.milliseconds) {
          log.write(.error, "\(error); trying again (\(lost) more such lines left out)")
        }
        // Level-triggered: without a pause the loop would spin until there are descriptors again.
        for listening in listeners { loop.remove(listening.listener.descriptor) }
        timers.set(.acceptAgain, at: Clock.milliseconds + 100)
        return
      case .connection(let descriptor):
        guard let client = SocketAddress(of: descriptor, peer: true),
          let server = SocketAddress(of: descriptor, peer: false)
        else { continue }
        if let address = IPAddress(client.address), proxies.contains(address) {
          awaitHeader(descriptor, client, server)
        } else {
          open(descriptor, client, server, proxy: nil)
        }
      }
    }
  }

  /// Listens again after a pause.
  func acceptAgain() {
    if events.isHolding { return }
    for listening in listeners {
      // It may have been listened to all the time.
      loop.remove(listening.listener.descriptor)
      do throws(SystemError) {
        try loop.add(listening.listener.descriptor, .read, token: Self.token(listening.number))
      } catch {
        log.write(.error, "\(error)")
      }
    }
  }

  /// A connection comes from `client`, by way of `proxy` if there is one; `isOfProxy`: the client is a load balancer itself.
  func open(
    _ descriptor: Descriptor, _ client: SocketAddress, _ server: SocketAddress, proxy: SocketAddress?,
    isOfProxy: Bool = false
  ) {
    let number = newNumber()
    guard let address = IPAddress(client.address), admits(address, client, number) else { return }
    var machine = ConnectionMachine(context(of: client, server), at: Clock.milliseconds)
    machine.proxy = proxy
    machine.isPerhapsCheck = isOfProxy
    connections[number] = Connection(
      number: number, client: address, machine: machine, socket: descriptor)
    deliver(.accepted, to: number)
    perform(transports.serve(number, of: ClientSource(address)))
  }

  /// What applies to a connection now.
  func context(of client: SocketAddress, _ server: SocketAddress) -> ConnectionMachine.Context {
    ConnectionMachine.Context(
      client: client, server: server, hostKeys: transportSettings?.hostKeys ?? [], settings: loaded.settings,
      singleUser: isRoot ? nil : Daemon.userID)
  }

  /// Tells a connection what happened, and does what it says; nothing when it is over.
  func deliver(_ event: ConnectionMachine.Event, to number: UInt64) {
    guard let connection = connections[number] else { return }
    let actions = connection.machine.handle(event, at: Clock.milliseconds)
    if connection.isStarting { admission.advance(number, to: connection.machine.progress) }
    perform(actions, connection)
  }

  private func perform(_ actions: [ConnectionMachine.Action], _ connection: Connection) {
    for action in actions {
      switch action {
      case .tell(let message): tell(connection, message)
      case .ask(let question):
        perform(authorities.ask(question, for: connection.number, from: ClientSource(connection.client)))
      case .startLookUp(let account, let paths): startLookUp(connection, account, paths)
      case .openSession(let login, let promoting): openSession(connection, login, promoting)
      case .checkAccount(let question): startAccountCheck(connection, question)
      case .killAccountCheck: killAccountCheck(connection)
      case .killSession: killSession(connection)
      case .endSession: endSession(connection)
      case .killTransport: connection.transport?.signal(SIGKILL)
      case .setTimer(let timer, let milliseconds):
        timers.set(.connection(connection.number, timer), at: Clock.milliseconds + milliseconds)
      case .cancelTimer(let timer): timers.cancel(.connection(connection.number, timer))
      case .note(let conduct):
        if case .loggedIn = conduct { finishStart(connection) }
        note(conduct, connection)
      case .log(let level, let text): log.write(level, "[\(connection.number)] \(text)")
      case .warnOnce(let text):
        if toldWarnings.count < 1024, toldWarnings.insert(text).inserted { log.write(.warning, text) }
      case .audit(let fact, let subject): record(fact, of: subject, connection.number, logging: suffix(of: fact))
      case .countCheck: countCheck(of: connection.machine.context.client)
      case .openRecording(let directory): openRecording(connection, directory)
      case .killRecorder: killRecorder(of: connection)
      case .giveRecording(let channel, let title): giveRecording(connection, channel, title)
      case .awaitStart(let number):
        if let session = connection.session { awaitStart(number, of: session) }
      case .recordLogin(let entry): recordLogin(entry, connection.number)
      case .auditAfterSession(let fact, let subject):
        if let session = connection.session, session.hasLogin {
          session.lastWords.append((fact, subject))
        } else {
          record(fact, of: subject, connection.number)
        }
      case .close: close(connection)
      }
    }
  }

  /// Tells the transport of a connection something.
  func tell(_ connection: Connection, _ message: SupervisorToTransport, _ descriptors: [Descriptor] = []) {
    guard let transport = connection.transport else { return }
    send(message, descriptors, to: transport)
  }

  private func close(_ connection: Connection) {
    connections[connection.number] = nil
    finishStart(connection)
    if let user = connection.countedUser { sessionCounts.leave(user) }
    killAccountCheck(connection)
    authorities.forget(connection: connection.number)
    transports.forget(connection: connection.number)
    for timer in ConnectionMachine.Timer.allCases { timers.cancel(.connection(connection.number, timer)) }
    closeRecordingDirectories()
    endWhenIdle()
  }
}
