import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Starts an authority with these settings.
  func startAuthority(_ loaded: LoadedSettings) throws(SystemError) -> Child {
    let child = try spawn(.authority) { programs.authority(loaded.accounts, ends: $0) }
    let start = AuthorityStart(
      hostKeyCount: UInt32(loaded.hostKeys.count), singleUser: isRoot ? nil : Daemon.userID)
    send(start, [loaded.memory] + loaded.hostKeys, to: child)
    return child
  }

  /// Does what the pool says.
  func perform(_ actions: [AuthorityPool.Action]) {
    for action in actions {
      switch action {
      case .start:
        do throws(SystemError) {
          let child = try startAuthority(loaded)
          perform(authorities.started(child.number))
        } catch {
          log.write(.error, "an authority could not be started: \(error)")
          perform(authorities.startFailed())
        }
      case .restartAfter(let milliseconds):
        timers.set(.authorityRestart(newNumber()), at: Clock.milliseconds + milliseconds)
      case .ask(let number, let ticket, let question): ask(number, ticket, question)
      case .watch(let number):
        timers.set(.authorityAnswer(number), at: Clock.milliseconds + AuthorityPool.patience)
      case .stopWatching(let number): timers.cancel(.authorityAnswer(number))
      case .answer(let ticket, let answer): deliver(event(ticket, answer), to: ticket.connection)
      case .retire(let number): children[number]?.signal(SIGTERM)
      case .kill(let number, let reason):
        guard let child = children[number] else { continue }
        log.write(.error, "authority \(child.pid) \(reason): killed")
        child.signal(SIGKILL)
      }
    }
  }

  private func ask(_ number: UInt64, _ ticket: Ticket, _ question: SupervisorToAuthority) {
    guard let child = children[number] else { return }
    var descriptors: [Descriptor] = []
    if case .publicKey(let key) = question, !key.files.isEmpty || key.principals != nil,
      let memory = connections[ticket.connection]?.keyMemory
    {
      descriptors = [memory]
    }
    send(question, descriptors, to: child)
  }

  private func event(_ ticket: Ticket, _ answer: AuthorityToSupervisor?) -> ConnectionMachine.Event {
    switch answer {
    case .signed(let signature): .signed(signature)
    case .proved(let payload): .proved(payload)
    case .account(let account): .account(account)
    case .verdict(let verdict): .verdict(verdict)
    case .code(let answer):
      .verdict(
        connections[ticket.connection]?.machine.authentication.user.map {
          codes.verdict(on: answer, of: $0, at: Clock.milliseconds)
        })
    case nil, .ready:
      switch ticket.purpose {
      case .signature: .signed(nil)
      case .hostKeyProofs: .proved(nil)
      case .account: .account(nil)
      case .verdict, .code: .verdict(nil)
      }
    }
  }

  /// A message of an authority.
  func takeFromAuthority(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    let message: AuthorityToSupervisor
    do throws(WireError) {
      message = try AuthorityToSupervisor(wireBytes: bytes[...])
    } catch {
      if child.isCandidate { return child.signal(SIGKILL) }
      return perform(authorities.misbehaved(child.number, "sent a message that cannot be read"))
    }
    guard child.isCandidate else { return perform(authorities.received(message, from: child.number)) }
    guard case .ready(let hostKeys) = message, !hostKeys.isEmpty else { return child.signal(SIGKILL) }
    timers.cancel(.authorityAnswer(child.number))
    child.isCandidate = false
    activate(child, hostKeys)
  }

  /// An authority has had its time.
  func authorityIsLate(_ number: UInt64) {
    guard let child = children[number] else { return }
    guard child.isCandidate else { return perform(authorities.hung(number)) }
    log.write(.error, "authority \(child.pid) was not ready after \(AuthorityPool.patience / 1000) s: killed")
    child.signal(SIGKILL)
  }

  /// An authority has ended.
  func authorityEnded(_ child: Child, _ status: ExitStatus) {
    if child.isCandidate {
      timers.cancel(.authorityAnswer(child.number))
      return candidateFailed("the authority \(status)")
    }
    // SIGTERM retires one that is not needed any more: no news.
    if child.sentSignal != SIGTERM { log.write(.warning, "authority \(child.pid) \(status)") }
    perform(authorities.ended(child.number))
  }
}
