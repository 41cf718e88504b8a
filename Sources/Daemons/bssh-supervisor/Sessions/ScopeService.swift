import Glibc
import IPC
import Model
import System

/// Moves logins out of the service into scopes of their own: a restart finds nothing left over in it, limits of the
/// service are not theirs, and what a user writes to the system's log is not the daemon's.
final class ScopeService {
  /// Milliseconds between two starts of the process that speaks with systemd.
  static let pause: Int64 = 5000

  /// Where a session process is on its way into a scope.
  private enum Scope: Equatable {
    /// It is to be asked for as soon as there is a process.
    case wanted(slice: String, description: String)
    case asked, entered
  }

  private let runtime: any Runtime
  /// Only root can move processes.
  private let isRoot: Bool
  /// By the number of the session process; none: it stays where it is.
  private var scopes: [UInt64: Scope] = [:]
  /// Speaks with systemd; nil: none runs.
  private var process: Child?
  /// When another one may be started.
  private var startTime: Int64 = 0
  /// Why a login was not moved last, as it was logged.
  private var problem: String?
  /// The daemon runs as a service of systemd, so that logins are expected to be moved.
  private var isService: Bool
  /// The daemon ends.
  private var isEnding = false

  init(_ runtime: any Runtime, isRoot: Bool, isService: Bool) {
    self.runtime = runtime
    self.isRoot = isRoot
    self.isService = isService
  }

  /// Asks for a scope for a login; true when the login is to wait for the answer. Where nobody can be asked, or the
  /// daemon is not root, a login stays where it is.
  func wants(_ session: Child, _ account: Account) -> Bool {
    guard isRoot, current() != nil else { return false }
    let description = "SSH login of \(Log.printable(account.name))" + (session.connection.map { " [\($0)]" } ?? "")
    scopes[session.number] = .wanted(slice: "user-\(account.uid).slice", description: description)
    made(session)
    return true
  }

  /// A session process may be there by now: asks for the scope that it wants, if it does.
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

  /// True when this process is in a scope of its own.
  func hasMoved(_ child: Child) -> Bool { scopes[child.number] == .entered }

  /// A session process has ended.
  func forget(_ session: Child) { scopes[session.number] = nil }

  /// The daemon ends, and with it the process that speaks with systemd.
  func close() { isEnding = true }

  /// Logins go on in this process, which is no service any more.
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

  /// A message of the process that speaks with systemd.
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
      // One that has ended tells nothing of those to come.
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

  /// The process that speaks with systemd has ended: nobody waits for it any more.
  func ended(_ child: Child, _ status: ExitStatus) {
    if process === child { process = nil }
    if !isEnding { runtime.log(.error, "\(child.role.name) \(child.pid) \(status)") }
    for number in scopes.filter({ $0.value == .asked }).keys.sorted() { finish(number, isMoved: false) }
  }

  /// Whatever came of it, programs of the login can start.
  private func finish(_ number: UInt64, isMoved: Bool) {
    scopes[number] = isMoved ? .entered : nil
    guard let session = runtime.children[number], session.isOpen else { return }
    runtime.send(SupervisorToSession.scopeEntered, to: session)
  }
}
