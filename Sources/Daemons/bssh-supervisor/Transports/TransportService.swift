import AccessControl
import Glibc
import IPC
import System
import Wire

/// Gives each connection a transport of its own, and keeps some ready.
final class TransportService {
  private let runtime: any Runtime
  private let zygotes: any ProcessMaker
  private var pool: TransportPool
  /// The daemon starts: without transports it fails.
  private var isStarting = true

  /// - Parameter zygotes: make the transports.
  init(_ runtime: any Runtime, _ zygotes: any ProcessMaker) {
    self.runtime = runtime
    self.zygotes = zygotes
    pool = TransportPool(spares: 0)
  }

  /// A connection needs a transport. ``SupervisorEvent/transportAssigned(_:to:)`` follows.
  func serve(_ connection: UInt64, of source: ClientSource) { perform(pool.serve(connection, of: source)) }

  /// A connection that may still be waiting is over.
  func forget(_ connection: UInt64) { pool.forget(connection: connection) }

  /// There are new settings, or the transports that there are may be known to an attacker: those that serve nobody are
  /// replaced by copies of a new zygote.
  func replaceAll(spares: Int) {
    zygotes.retire()
    perform(pool.replaceAll(spares: spares))
  }

  /// A transport was killed by a signal that is not ours. The copies of one zygote share a memory layout: whoever crashes
  /// one to learn about it finds the next ones laid out anew.
  func crashed() { replaceAll(spares: pool.spares) }

  /// The start of the daemon is over.
  func started() { isStarting = false }

  /// No connection comes any more.
  func close() { perform(pool.close()) }

  /// Transports may be started again.
  func restartTime() { perform(pool.restartTime()) }

  private func perform(_ actions: [TransportPool.Action]) {
    var left = FIFO(actions)
    while let action = left.popFirst() {
      switch action {
      case .start: for next in start() { left.append(next) }
      case .restartAfter(let milliseconds): runtime.setTimer(.transportRestart, after: milliseconds)
      case .serve(let connection, let transport):
        if let child = runtime.children[transport] { runtime.post(.transportAssigned(child, to: connection)) }
      case .kill(let number): runtime.children[number]?.signal(SIGKILL)
      }
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

  /// A transport is there, and ready: its zygote was prepared before.
  func made(_ child: Child) {
    guard let actions = pool.becameReady(child.number) else { return }
    perform(actions)
    runtime.post(.transportReady)
  }

  /// A message of a transport.
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

  /// A transport has ended.
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
