import AccessControl
import Glibc
import IPC
import System
import Wire

/// Starts and ends authorities, and sends them the requests of connections for signatures, accounts and verdicts.
final class AuthorityService: CandidateSource, AuthorityQuestions {
  private let runtime: any Runtime
  /// The user id of every login if the daemon does not run as root; nil: it does.
  private let singleUser: UInt32?
  /// The current settings; nil: none yet.
  private var loaded: LoadedSettings?
  private var pool = AuthorityPool()
  private var codes = OTPReplayGuard()
  /// The first authority of settings that are not applied yet.
  private var candidate: Child?
  /// Sealed memory with the authorized_keys files, for each connection with a request about a key.
  private var keys: [UInt64: Descriptor] = [:]
  /// The user of each connection with a request about a one-time code.
  private var users: [UInt64: String] = [:]

  init(_ runtime: any Runtime, singleUser: UInt32?) {
    self.runtime = runtime
    self.singleUser = singleUser
  }

  // MARK: Settings

  func startCandidate(_ new: LoadedSettings) throws(SystemError) {
    let child = try start(new)
    candidate = child
    runtime.setTimer(.authorityAnswer(child.number), after: AuthorityPool.timeout)
  }

  func dropCandidate() { candidate?.signal(SIGKILL) }

  /// Applies the settings of the candidate, which is ready.
  ///
  /// - Parameter number: the number of the candidate.
  func adopt(_ number: UInt64, _ new: LoadedSettings) {
    loaded = new
    perform(pool.adopt(number))
  }

  private func start(_ loaded: LoadedSettings) throws(SystemError) -> Child {
    let child = try runtime.spawn(.authority(loaded.accounts))
    let start = AuthorityStart(hostKeyCount: UInt32(loaded.hostKeys.count), singleUser: singleUser)
    runtime.send(start, [loaded.memory] + loaded.hostKeys, to: child)
    return child
  }

  // MARK: Requests

  func ask(
    _ question: SupervisorToAuthority, for connection: UInt64, from source: ClientSource, keys: Descriptor?
  ) {
    switch question {
    case .publicKey: self.keys[connection] = keys
    case .code(let user, _): users[connection] = user
    case .sign, .proveHostKeys, .account, .password: break
    }
    perform(pool.ask(question, for: connection, from: source))
  }

  func forget(_ connection: UInt64) {
    pool.forget(connection: connection)
    keys[connection] = nil
    users[connection] = nil
  }

  private func perform(_ actions: [AuthorityPool.Action]) {
    performInOrder(actions) { action in
      switch action {
      case .start: return start()
      case .restartAfter(let milliseconds):
        runtime.setTimer(.authorityRestart(runtime.newNumber()), after: milliseconds)
      case .ask(let number, let ticket, let question):
        guard let child = runtime.children[number] else { break }
        runtime.send(question, descriptors(question, ticket.connection), to: child)
      case .watch(let number): runtime.setTimer(.authorityAnswer(number), after: AuthorityPool.timeout)
      case .stopWatching(let number): runtime.cancelTimer(.authorityAnswer(number))
      case .answer(let ticket, let answer):
        runtime.post(.connection(event(ticket, answer), of: ticket.connection))
      case .retire(let number): runtime.children[number]?.signal(SIGTERM)
      case .kill(let number, let reason):
        guard let child = runtime.children[number] else { break }
        runtime.log(.error, "authority \(child.pid) \(reason): killed")
        child.signal(SIGKILL)
      }
      return []
    }
  }

  private func start() -> [AuthorityPool.Action] {
    guard let loaded else { return [] }
    do throws(SystemError) {
      return pool.started(try start(loaded).number)
    } catch {
      runtime.log(.error, "an authority could not be started: \(error)")
      return pool.startFailed()
    }
  }

  private func descriptors(_ question: SupervisorToAuthority, _ connection: UInt64) -> [Descriptor] {
    guard case .publicKey(let key) = question, !key.files.isEmpty || key.principals != nil else { return [] }
    return keys[connection].map { [$0] } ?? []
  }

  private func event(_ ticket: Ticket, _ answer: AuthorityToSupervisor?) -> ConnectionMachine.Event {
    switch answer {
    case .signed(let signature): .signed(signature)
    case .proved(let payload): .proved(payload)
    case .account(let account): .account(account)
    case .verdict(let verdict): .verdict(verdict)
    case .code(let answer):
      .verdict(users[ticket.connection].map { codes.verdict(on: answer, of: $0, at: runtime.now) })
    case nil, .ready:
      switch ticket.purpose {
      case .signature: .signed(nil)
      case .hostKeyProofs: .proved(nil)
      case .account: .account(nil)
      case .verdict, .code: .verdict(nil)
      }
    }
  }

  // MARK: Processes

  /// Handles the end of the pause before authorities are restarted.
  func restartTime() { perform(pool.restartTime()) }

  /// Handles a message of an authority.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    let message: AuthorityToSupervisor
    do throws(WireError) {
      message = try AuthorityToSupervisor(wireBytes: bytes[...])
    } catch {
      if child === candidate { return child.signal(SIGKILL) }
      return perform(pool.misbehaved(child.number, "sent a message that cannot be read"))
    }
    guard child === candidate else { return perform(pool.received(message, from: child.number)) }
    guard case .ready(let hostKeys) = message, !hostKeys.isEmpty else { return child.signal(SIGKILL) }
    runtime.cancelTimer(.authorityAnswer(child.number))
    candidate = nil
    runtime.post(.candidateReady(child, hostKeys))
  }

  /// Handles that an authority has not started or replied in time.
  func isLate(_ number: UInt64) {
    guard let child = runtime.children[number] else { return }
    guard child === candidate else { return perform(pool.hung(number)) }
    runtime.log(.error, "authority \(child.pid) was not ready after \(AuthorityPool.timeout / 1000) s: killed")
    child.signal(SIGKILL)
  }

  /// Handles the end of an authority.
  func ended(_ child: Child, _ status: ExitStatus) {
    if child === candidate {
      runtime.cancelTimer(.authorityAnswer(child.number))
      candidate = nil
      return runtime.post(.candidateFailed("the authority \(status)"))
    }
    // SIGTERM ends an authority that is no longer needed, which is not worth a line.
    if child.sentSignal != SIGTERM { runtime.log(.warning, "authority \(child.pid) \(status)") }
    perform(pool.ended(child.number))
  }
}
