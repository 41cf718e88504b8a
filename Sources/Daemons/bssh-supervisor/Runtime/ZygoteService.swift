import Glibc
import IPC
import System

/// The part of ``ZygoteService`` that a service needs to create processes.
protocol ProcessMaker: AnyObject {
  /// Creates a process. Messages can be sent to it immediately; ``SupervisorEvent/made(_:)`` or its end follows.
  ///
  /// - Parameter identity: the credentials of the process; nil: those of the zygote.
  /// - Throws: `SystemError` when no zygote can be started.
  func make(_ identity: ForkIdentity?) throws(SystemError) -> Child
  /// Uses a new zygote for the next process.
  func retire()
}

/// Creates transports or session processes: copies of a zygote, which is started for the first one.
final class ZygoteService: ProcessMaker {
  private let runtime: any Runtime
  /// The role of the processes.
  private let role: Child.Role
  private var program: Program
  /// The settings and descriptors for a new zygote.
  private var settings: TransportSettings?
  private let descriptors: [Descriptor]
  /// The zygote for the next process; nil: a new one has to be started.
  private var current: Child?
  private var loggedWeaknesses: Set<String> = []
  /// True if the daemon ends.
  private var isEnding = false
  /// True in the copy of the supervisor after a hand-over, which is not the parent of any process.
  private var isCopy = false

  /// - Parameters:
  ///   - role: the role of the processes.
  ///   - program: the program of the zygotes.
  ///   - descriptors: the descriptors that each zygote gets.
  init(_ runtime: any Runtime, of role: Child.Role, _ program: Program, _ descriptors: [Descriptor] = []) {
    self.runtime = runtime
    self.role = role
    self.program = program
    self.descriptors = descriptors
  }

  /// Sets the program and settings of new zygotes. The current one remains until ``retire()``.
  func apply(_ program: Program, _ settings: TransportSettings) {
    self.program = program
    self.settings = settings
  }

  func make(_ identity: ForkIdentity?) throws(SystemError) -> Child {
    try runtime.copy(role, of: try zygote(), identity)
  }

  private func zygote() throws(SystemError) -> Child {
    if let current { return current }
    let zygote = try runtime.spawn(program)
    current = zygote
    runtime.send(SupervisorToZygote.prepare(settings), descriptors, to: zygote)
    return zygote
  }

  func retire() {
    guard let zygote = current else { return }
    current = nil
    killWhenIdle(zygote)
  }

  /// Ends the zygote, because the daemon ends.
  func close() {
    isEnding = true
    retire()
  }

  /// Handles that this process is a copy of the supervisor after a hand-over.
  func becomeCopy() { isCopy = true }

  /// Handles a message of a zygote.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from zygote: Child) {
    guard descriptors.isEmpty, let message = try? ZygoteToSupervisor(wireBytes: bytes[...]) else {
      return zygote.signal(SIGKILL)
    }
    switch message {
    case .ready(let weaknesses):
      for weakness in weaknesses.prefix(8) where loggedWeaknesses.count < 32 {
        if loggedWeaknesses.insert(weakness).inserted { runtime.log(.warning, "transports are weaker: \(weakness)") }
      }
    case .forked(let number, let pid):
      guard let child = runtime.children[number], child.maker == zygote.number,
        !runtime.children.values.contains(where: { $0.process?.pid == pid })
      else { return zygote.signal(SIGKILL) }
      do throws(SystemError) {
        // The zygote of session processes runs as root and is trusted. A process of the other one must be our child.
        if try runtime.adopt(pid, isChild: !isCopy || role != .session, as: child) { runtime.post(.made(child)) }
      } catch {
        runtime.log(
          .error, "\(zygote.role.name) \(zygote.pid) told of a process that is not there: \(error)")
        runtime.forget(child, .unknown)
      }
      killWhenIdle(zygote)
    case .failed(let number, let reason):
      runtime.log(.error, "\(zygote.role.name) \(zygote.pid): \(reason)")
      if let child = runtime.children[number], child.maker == zygote.number { runtime.forget(child, .unknown) }
    }
  }

  /// Handles the end of a zygote: the processes that it had to create are ended too.
  func ended(_ zygote: Child, _ status: ExitStatus) {
    if zygote === current { current = nil }
    if !isEnding && zygote.sentSignal == nil {
      runtime.log(.error, "\(zygote.role.name) \(zygote.pid) \(status)")
    }
    for child in runtime.children.values where child.maker == zygote.number { runtime.forget(child, .unknown) }
  }

  /// Kills a zygote that is no longer the current one, as soon as it has created the requested processes.
  private func killWhenIdle(_ zygote: Child) {
    guard zygote !== current, !runtime.children.values.contains(where: { $0.maker == zygote.number }) else { return }
    zygote.signal(SIGKILL)
  }
}
