import Glibc
import IPC
import Model
import System

/// Moves logins from the service to their own systemd scopes: no processes remain in the service at a restart, its limits
/// do not apply to logins, and what a user writes to the journal of systemd is not attributed to the daemon.
final class ScopeService {
  /// Milliseconds between two starts of the process that talks to systemd.
  static let pause: Int64 = 5000

  /// The progress of a session process to its scope.
  private enum Scope: Equatable {
    /// The scope is requested as soon as the process exists.
    case wanted(slice: String, description: String)
    case asked, entered
  }

  private let runtime: any Runtime
  /// True if the daemon runs as root; only root can move processes.
  private let isRoot: Bool
  /// The scope of each session process, by its number; without an entry it is not moved.
  private var scopes: [UInt64: Scope] = [:]
  /// The process that talks to systemd; nil: none is running.
  private var process: Child?
  /// The earliest time of the next start.
  private var startTime: Int64 = 0
  /// The last logged reason why a login was not moved; nil: the last one was moved.
  private var problem: String?
  /// True if the daemon runs as a service of systemd, so that logins should be moved.
  private var isService: Bool
  /// True if the daemon ends.
  private var isEnding = false

  init(_ runtime: any Runtime, isRoot: Bool, isService: Bool) {
    self.runtime = runtime
    self.isRoot = isRoot
    self.isService = isService
  }

  /// Requests a scope for a login; true: the login must wait for the reply. A login is not moved if systemd cannot be asked
  /// or the daemon does not run as root.
  func wants(_ session: Child, _ account: Account) -> Bool {
    guard isRoot, current() != nil else { return false }
    let description = "SSH login of \(Log.printable(account.name))" + (session.connection.map { " [\($0)]" } ?? "")
    scopes[session.number] = .wanted(slice: "user-\(account.uid).slice", description: description)
    made(session)
    return true
  }

  /// Handles that a session process may exist: requests its scope, if it waits for one.
  func made(_ session: Child) {
    guard case .wanted(let slice, let description) = scopes[session.number], let moved = session.process else { return }
    guard let process = current() else { return finish(session.number, isMoved: false) }
    scopes[session.number] = .asked
    let number = session.connection ?? session.number
    let name = "bssh-login-\(Daemon.processID)-\(number)-\(UInt32.random(in: 0...UInt32.max)).scope"
    let message = SupervisorToScopes.move(
      number: session.number, process: UInt32(moved.pid), scope: name, slice: slice, description: description)
    runtime.send(message, [moved.descriptor], to: process)
  }

  /// True if this process is in its own scope.
  func hasMoved(_ child: Child) -> Bool { scopes[child.number] == .entered }

  /// Handles the end of a session process.
  func forget(_ session: Child) { scopes[session.number] = nil }

  /// Handles that the daemon ends, and with it the process that talks to systemd.
  func close() { isEnding = true }

  /// Handles that this process is no longer the service after a hand-over.
  func leaveService() { isService = false }

  private func current() -> Child? {
    if let process { return process }
    guard startTime <= runtime.now else { return nil }
    startTime = runtime.now + Self.pause
    do throws(SystemError) { process = try runtime.spawn(.scopes) } catch {
      runtime.log(.error, "logins stay in the service's control group: \(error)")
    }
    return process
  }

  /// Handles a message of the process that talks to systemd.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard descriptors.isEmpty, let message = try? ScopesToSupervisor(wireBytes: bytes[...]) else {
      runtime.log(.error, "\(child.role.name) \(child.pid) sent a message that cannot be read: killed")
      return child.signal(SIGKILL)
    }
    switch message {
    case .moved(let number):
      if problem != nil { runtime.log(.info, "logins get scopes of their own again") }
      problem = nil
      answered(number, isMoved: true)
    case .notMoved(let number, let reason):
      // The failure for a process that has ended says nothing about others.
      if runtime.children[number]?.isOpen ?? false, problem == nil {
        problem = reason
        runtime.log(
          isService ? .warning : .info, "logins stay in the service's control group: \(Log.printable(reason))")
      }
      answered(number, isMoved: false)
    }
  }

  private func answered(_ number: UInt64, isMoved: Bool) {
    if scopes[number] == .asked { finish(number, isMoved: isMoved) }
  }

  /// Handles the end of the process that talks to systemd: logins no longer wait for it.
  func ended(_ child: Child, _ status: ExitStatus) {
    if process === child { process = nil }
    if !isEnding { runtime.log(.error, "\(child.role.name) \(child.pid) \(status)") }
    for number in scopes.filter({ $0.value == .asked }).keys.sorted() { finish(number, isMoved: false) }
  }

  /// Completes a request: programs of the login may start, whether it was moved or not.
  private func finish(_ number: UInt64, isMoved: Bool) {
    scopes[number] = isMoved ? .entered : nil
    guard let session = runtime.children[number], session.isOpen else { return }
    runtime.send(SupervisorToSession.scopeEntered, to: session)
  }
}
