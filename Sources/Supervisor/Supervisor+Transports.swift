import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Does what the pool says.
  func perform(_ actions: [TransportPool.Action]) {
    for action in actions {
      switch action {
      case .start: startTransport()
      case .restartAfter(let milliseconds):
        timers.set(.transportRestart, at: Clock.milliseconds + milliseconds)
      case .serve(let connection, let transport): serve(connection, transport)
      case .kill(let number): children[number]?.signal(SIGKILL)
      }
    }
  }

  private func startTransport() {
    do throws(SystemError) {
      let child = try fork(.transport, nil)
      perform(transports.started(child.number))
    } catch {
      log.write(.error, "a transport could not be started: \(error)")
      perform(transports.startFailed())
      if state == .starting { fail(.unavailable) }
    }
  }

  private func serve(_ number: UInt64, _ transport: UInt64) {
    guard let child = children[transport], let connection = connections[number], let socket = connection.socket else {
      return
    }
    child.connection = number
    connection.transport = child
    deliver(.served(context(of: connection.machine.context.client, connection.machine.context.server)), to: number)
    send(SupervisorToTransport.serve(connection: number), [socket], to: child)
    connection.socket = nil
  }

  /// A message of a transport.
  func takeFromTransport(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    let message: TransportToSupervisor
    do throws(WireError) {
      message = try TransportToSupervisor(wireBytes: bytes[...])
    } catch {
      return misbehaved(child, "sent a message that cannot be read")
    }
    guard descriptors.isEmpty else { return misbehaved(child, "sent a descriptor") }
    if let connection = child.connection { return deliver(.transport(message), to: connection) }
    misbehaved(child, "spoke before it had a connection")
  }

  /// A transport is there, and ready: its zygote was prepared before.
  func transportMade(_ child: Child) {
    guard let actions = transports.becameReady(child.number) else { return }
    perform(actions)
    if state == .starting { started() }
  }

  private func misbehaved(_ child: Child, _ what: String) {
    if let connection = child.connection { return deliver(.transportMisbehaved(what), to: connection) }
    log.write(.error, "transport \(child.pid) \(what): killed")
    child.signal(SIGKILL)
  }

  /// A transport has ended.
  func transportEnded(_ child: Child, _ status: ExitStatus) {
    if let connection = child.connection { return deliver(.transportEnded(status), to: connection) }
    let actions = transports.ended(child.number)
    guard !actions.isEmpty || state == .starting else { return }
    log.write(.error, "transport \(child.pid) \(status) before it had a connection")
    perform(actions)
    if state == .starting { fail(.unavailable) }
  }
}
