import Audit
import Glibc
import IPC
import System

/// Logins leave the service for scopes of their own: a restart finds nothing left over in it, limits of the service are
/// not theirs, and what a user writes to the system's log is not the daemon's.
extension Supervisor {
  /// Milliseconds between two starts of the process that speaks with systemd.
  private static let scopesPause: Int64 = 5000

  /// Asks for a scope for a login; true when the login is to wait for the answer. Where nobody can be asked, or the daemon
  /// is not root, a login stays where it is.
  func wantsScope(_ session: Child, _ account: Account) -> Bool {
    guard isRoot, scopesProcess() != nil else { return false }
    let description = "SSH login of \(Log.printable(account.name))" + (session.connection.map { " [\($0)]" } ?? "")
    session.scope = .wanted(slice: "user-\(account.uid).slice", description: description)
    if session.process != nil { askForScope(session) }
    return true
  }

  /// Asks for the scope of a session process that is there.
  func askForScope(_ session: Child) {
    guard case .wanted(let slice, let description) = session.scope, let process = session.process else { return }
    guard let scopes = scopesProcess() else { return enteredScope(session, .none) }
    session.scope = .asked
    let number = session.connection ?? session.number
    let name = "bssh-login-\(Daemon.processID)-\(number)-\(UInt32.random(in: 0...UInt32.max)).scope"
    let message = SupervisorToScopes.move(
      number: session.number, process: UInt32(process.pid), scope: name, slice: slice, description: description)
    send(message, [process.descriptor], to: scopes)
  }

  private func scopesProcess() -> Child? {
    if let scopes { return scopes }
    guard scopesStart <= Clock.milliseconds else { return nil }
    scopesStart = Clock.milliseconds + Self.scopesPause
    do throws(SystemError) { scopes = try spawn(.scopes) { programs.scopes(ends: $0) } } catch {
      log.write(.error, "logins stay in the service's control group: \(error)")
    }
    return scopes
  }

  /// What the process that speaks with systemd tells.
  func takeFromScopes(_ bytes: [UInt8], _ descriptors: [Descriptor], _ scopes: Child) {
    guard descriptors.isEmpty, let message = try? ScopesToSupervisor(wireBytes: bytes[...]) else {
      log.write(.error, "\(scopes.role.name) \(scopes.pid) sent a message that cannot be read: killed")
      return scopes.signal(SIGKILL)
    }
    let number: UInt64
    switch message {
    case .moved(let session):
      number = session
      if toldScopeProblem != nil { log.write(.info, "logins get scopes of their own again") }
      toldScopeProblem = nil
    case .notMoved(let session, let reason):
      number = session
      // One that has ended tells nothing of those to come.
      if children[number]?.isOpen ?? false, toldScopeProblem == nil {
        toldScopeProblem = reason
        let level: Log.Level = service?.isPresent ?? false ? .warning : .info
        log.write(level, "logins stay in the service's control group: \(Log.printable(reason))")
      }
    }
    guard let session = children[number], session.scope == .asked else { return }
    if case .moved = message { enteredScope(session, .entered) } else { enteredScope(session, .none) }
  }

  /// The process that speaks with systemd has ended: nobody waits for it any more.
  func scopesEnded(_ scopes: Child, _ status: ExitStatus) {
    if self.scopes === scopes { self.scopes = nil }
    if state != .ending { log.write(.error, "\(scopes.role.name) \(scopes.pid) \(status)") }
    for session in children.values where session.scope == .asked { enteredScope(session, .none) }
  }

  /// Whatever came of it, programs of the login can start.
  private func enteredScope(_ session: Child, _ scope: Child.Scope) {
    session.scope = scope
    guard session.isOpen, session.hasLogin else { return }
    send(SupervisorToSession.scopeEntered, to: session)
  }

  /// Ends this process, which a copy goes on in place of. It becomes a program that first moves the copy, and whatever else
  /// is still in the service, into a scope of their own, so that the next daemon finds the service empty.
  func leave(to copy: pid_t) -> Never {
    guard isRoot else { _exit(0) }
    let staying = children.values.filter { $0.scope != .entered }.compactMap { $0.process?.pid }
    let words = ["bssh-session", "hand-over"] + ([copy] + staying).map(String.init)
    _ = ThisProcess.become(programs.executables.session, arguments: words.map { Array($0.utf8) })
    _exit(0)
  }
}
