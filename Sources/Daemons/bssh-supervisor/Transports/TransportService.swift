import AccessControl
import Glibc
import IPC
import System
import Wire

/// Assigns a transport to each connection, and keeps spares.
final class TransportService: TransportSource {
  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  private var pool: TransportPool
  /// True during the start of the daemon, which fails without transports.
  private var isStarting = true

  /// - Parameter zygotes: creates the transports.
  init(_ runtime: any Runtime, _ zygotes: any ProcessMaker) {
    self.runtime = runtime
    self.zygotes = zygotes
    pool = TransportPool(spares: 0)
  }

  func serve(_ connection: UInt64, of source: ClientSource) { perform(pool.serve(connection, of: source)) }

  func forget(_ connection: UInt64) { pool.forget(connection: connection) }

  /// Replaces the transports without a connection by copies of a new zygote, because settings have changed or an attacker
  /// may know the memory layout.
  func replaceAll(spares: Int) {
    zygotes.retire()
    perform(pool.replaceAll(spares: spares))
  }

  /// Handles a crash of a transport. The copies of one zygote share a memory layout, so a new zygote prevents an attacker
  /// from using what the crash revealed.
  func crashed() { replaceAll(spares: pool.spares) }

  /// Handles the end of the start of the daemon.
  func started() { isStarting = false }

  /// Ends the transports without a connection, because no more connections are accepted.
  func close() { perform(pool.close()) }

  /// Handles the end of the pause before transports are started again.
  func restartTime() { perform(pool.restartTime()) }

  private func perform(_ actions: [TransportPool.Action]) {
    performInOrder(actions) { action in
      switch action {
      case .start: return start()
      case .restartAfter(let milliseconds): runtime.setTimer(.transportRestart, after: milliseconds)
      case .serve(let connection, let transport):
        if let child = runtime.children[transport] { runtime.post(.transportAssigned(child, to: connection)) }
      case .kill(let number): runtime.children[number]?.signal(SIGKILL)
      }
      return []
    }
  }

  private func start() -> [TransportPool.Action] {
    do throws(SystemError) {
      return pool.started(try zygotes.make(nil).number)
    } catch {
      runtime.log(.error, "a transport could not be started: \(error)")
      if isStarting { runtime.post(.failed(.unavailable)) }
      return pool.startFailed()
    }
  }

  /// Handles that a transport was created. It is ready, because its zygote was initialized before.
  func made(_ child: Child) {
    guard let actions = pool.becameReady(child.number) else { return }
    perform(actions)
    runtime.post(.transportReady)
  }

  /// Handles a message of a transport.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    let message: TransportToSupervisor
    do throws(WireError) {
      message = try TransportToSupervisor(wireBytes: bytes[...])
    } catch {
      return misbehaved(child, "sent a message that cannot be read")
    }
    guard descriptors.isEmpty else { return misbehaved(child, "sent a descriptor") }
    if let connection = child.connection { return runtime.post(.connection(.transport(message), of: connection)) }
    misbehaved(child, "spoke before it had a connection")
  }

  private func misbehaved(_ child: Child, _ what: String) {
    if let connection = child.connection {
      return runtime.post(.connection(.transportMisbehaved(what), of: connection))
    }
    runtime.log(.error, "transport \(child.pid) \(what): killed")
    child.signal(SIGKILL)
  }

  /// Handles the end of a transport.
  func ended(_ child: Child, _ status: ExitStatus) {
    if let connection = child.connection {
      return runtime.post(.connection(.transportEnded(status), of: connection))
    }
    let actions = pool.ended(child.number)
    guard !actions.isEmpty || isStarting else { return }
    runtime.log(.error, "transport \(child.pid) \(status) before it had a connection")
    perform(actions)
    if isStarting { runtime.post(.failed(.unavailable)) }
  }
}
