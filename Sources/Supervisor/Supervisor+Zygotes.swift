import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Has a zygote make a process, with one end of a new socket. Nil identity: the zygote's.
  func fork(_ role: Child.Role, _ identity: ForkIdentity?) throws(SystemError) -> Child {
    let zygote = try role == .session ? currentSessionZygote() : currentTransportZygote()
    let (ours, theirs) = try MessageSocket.supervised()
    let errors = try errorPipe()
    let child = Child(
      number: newNumber(), role: role, maker: zygote.number, socket: ours, errors: errors.reader)
    try loop.add(ours.descriptor, .read, token: Self.token(child.number))
    children[child.number] = child
    timers.set(.made(child.number), at: Clock.milliseconds + Self.makeTime)
    watchErrors(child)
    send(SupervisorToZygote.fork(number: child.number, identity: identity), theirs + [errors.writer], to: zygote)
    return child
  }

  private func currentSessionZygote() throws(SystemError) -> Child {
    if let sessionZygote { return sessionZygote }
    let zygote = try spawn(.sessionZygote) { programs.sessionZygote(ends: $0) }
    sessionZygote = zygote
    send(SupervisorToZygote.prepare(nil), [programs.executables.transfer.descriptor], to: zygote)
    return zygote
  }

  private func currentTransportZygote() throws(SystemError) -> Child {
    if let transportZygote { return transportZygote }
    let zygote = try spawn(.transportZygote) { programs.transportZygote(loaded.accounts, ends: $0) }
    transportZygote = zygote
    send(SupervisorToZygote.prepare(transportSettings), to: zygote)
    return zygote
  }

  /// A message of a zygote.
  func takeFromZygote(_ bytes: [UInt8], _ descriptors: [Descriptor], _ zygote: Child) {
    guard descriptors.isEmpty, let message = try? ZygoteToSupervisor(wireBytes: bytes[...]) else {
      return zygote.signal(SIGKILL)
    }
    switch message {
    case .ready(let weaknesses):
      for weakness in weaknesses.prefix(8) where toldWeaknesses.count < 32 {
        if toldWeaknesses.insert(weakness).inserted { log.write(.warning, "transports are weaker: \(weakness)") }
      }
    case .forked(let number, let pid):
      guard let child = children[number], child.maker == zygote.number,
        !children.values.contains(where: { $0.process?.pid == pid })
      else { return zygote.signal(SIGKILL) }
      do throws(SystemError) {
        // After a hand-over no process is our child. That zygote is root; the other one is not believed.
        let isChild = !hasLetGo || zygote.role != .sessionZygote
        made(child, try ChildProcess(adopting: pid, isChild: isChild))
      } catch {
        log.write(.error, "\(zygote.role.name) \(zygote.pid) told of a process that is not there: \(error)")
        forget(child, .unknown)
      }
      retireWhenIdle(zygote)
    case .failed(let number, let reason):
      log.write(.error, "\(zygote.role.name) \(zygote.pid): \(reason)")
      if let child = children[number], child.maker == zygote.number { forget(child, .unknown) }
    }
  }

  private func made(_ child: Child, _ process: ChildProcess) {
    do throws(SystemError) {
      try loop.add(process.descriptor, .read, token: Self.token(child.number, .end))
    } catch {
      process.signal(SIGKILL)
      return forget(child, .unknown)
    }
    timers.cancel(.made(child.number))
    child.adopt(process)
    if child.role == .transport { transportMade(child) }
    askForScope(child)
  }

  /// A zygote has ended, and with it what it was to make.
  func zygoteEnded(_ zygote: Child, _ status: ExitStatus) {
    if zygote.number == transportZygote?.number { transportZygote = nil }
    if zygote.number == sessionZygote?.number { sessionZygote = nil }
    if state != .ending && zygote.sentSignal == nil {
      log.write(.error, "\(zygote.role.name) \(zygote.pid) \(status)")
    }
    for child in children.values where child.maker == zygote.number { forget(child, .unknown) }
  }

  /// A process was killed by a signal that is not ours. The copies of one zygote share a memory layout: whoever
  /// crashes one to learn about it finds the next ones laid out anew.
  func crashed(_ child: Child, signal: Int32) {
    switch child.role {
    case .transport:
      retireTransportZygote()
      // The spares are laid out as the one that crashed.
      perform(transports.replaceAll(spares: loaded.settings.server.spareTransports))
    case .session: retireSessionZygote()
    case .authority, .loader, .journal, .recorder, .exporter, .banWriter, .journalOpener, .scopes, .transportZygote,
      .sessionZygote:
      break
    }
  }

  /// The next transport comes of a new zygote, prepared with the settings that apply then.
  func retireTransportZygote() {
    guard let zygote = transportZygote else { return }
    transportZygote = nil
    retireWhenIdle(zygote)
  }

  /// The next session process comes of a new zygote.
  func retireSessionZygote() {
    guard let zygote = sessionZygote else { return }
    sessionZygote = nil
    retireWhenIdle(zygote)
  }

  /// Ends a zygote that is not the current one any more, once it has made what it was asked for.
  private func retireWhenIdle(_ zygote: Child) {
    let isCurrent = zygote.number == transportZygote?.number || zygote.number == sessionZygote?.number
    guard !isCurrent, !children.values.contains(where: { $0.maker == zygote.number }) else { return }
    zygote.signal(SIGKILL)
  }
}
