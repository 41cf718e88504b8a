import Glibc
import IPC
import System

/// Makes processes. What a service needs of ``ZygoteService`` to have one.
protocol ProcessMaker: AnyObject {
  /// Has a process made. It may be sent messages at once; ``SupervisorEvent/made(_:)`` follows, or its end.
  ///
  /// - Parameter identity: whose process it is; nil: the zygote's.
  /// - Throws: when no zygote can be started.
  func make(_ identity: ForkIdentity?) throws(SystemError) -> Child
  /// The next process comes of a new zygote.
  func retire()
}

/// Makes transports or session processes: copies of a zygote, which is started when the first is needed.
final class ZygoteService: ProcessMaker {
  private let runtime: any Runtime
  /// What it makes.
  private let role: Child.Role
  private var program: Program
  /// What a new zygote is told, and given.
  private var settings: TransportSettings?
  private let descriptors: [Descriptor]
  /// Makes the next process; nil: a new one has to be started first.
  private var current: Child?
  private var loggedWeaknesses: Set<String> = []
  /// The daemon ends.
  private var isEnding = false
  /// No process is the child of this one: it is a copy that logins go on in.
  private var isCopy = false

  /// - Parameters:
  ///   - role: what the zygotes make.
  ///   - program: what they are started as.
  ///   - descriptors: what each of them gets.
  init(_ runtime: any Runtime, of role: Child.Role, _ program: Program, _ descriptors: [Descriptor] = []) {
    self.runtime = runtime
    self.role = role
    self.program = program
    self.descriptors = descriptors
  }

  /// What new zygotes are from now on. The current one goes on until ``retire()``.
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

  /// The daemon ends.
  func close() {
    isEnding = true
    retire()
  }

  /// This process is a copy of the daemon from now on.
  func becomeCopy() { isCopy = true }

  /// A message of a zygote.
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
        // The zygote of session processes is root; the other one is not believed.
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

  /// A zygote has ended, and with it what it was to make.
  func ended(_ zygote: Child, _ status: ExitStatus) {
    if zygote === current { current = nil }
    if !isEnding && zygote.sentSignal == nil {
      runtime.log(.error, "\(zygote.role.name) \(zygote.pid) \(status)")
    }
    for child in runtime.children.values where child.maker == zygote.number { runtime.forget(child, .unknown) }
  }

  /// Ends a zygote that is not the current one any more, once it has made what it was asked for.
  private func killWhenIdle(_ zygote: Child) {
    guard zygote !== current, !runtime.children.values.contains(where: { $0.maker == zygote.number }) else { return }
    zygote.signal(SIGKILL)
  }
}
