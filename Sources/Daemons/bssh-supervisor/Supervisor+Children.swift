import System

extension Supervisor {
  /// Passes a message of a process to its service.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    switch child.role {
    case .authority: authorities.handle(bytes, descriptors, from: child)
    case .transport: transports.handle(bytes, descriptors, from: child)
    case .session where accounts.has(child): accounts.handle(bytes, descriptors, from: child)
    case .session: sessions.handle(bytes, descriptors, from: child)
    case .loader: reloads.handle(bytes, descriptors, from: child)
    case .banWriter: bans.handle(bytes, from: child)
    case .journalOpener: journal.handle(bytes, descriptors, fromOpener: child)
    case .journal: journal.handle(bytes, descriptors, from: child)
    case .recorder: recorders.handle(bytes, descriptors, from: child)
    case .exporter: exporters.handle(bytes, descriptors, from: child)
    case .scopes: scopes.handle(bytes, descriptors, from: child)
    case .transportZygote: transportZygotes.handle(bytes, descriptors, from: child)
    case .sessionZygote: sessionZygotes.handle(bytes, descriptors, from: child)
    }
  }

  /// Passes the end of a process, which may not have been created, to its service.
  func ended(_ child: Child, _ status: ExitStatus) {
    switch child.role {
    case .authority: authorities.ended(child, status)
    case .transport: transports.ended(child, status)
    case .session where accounts.has(child): accounts.ended(child, status)
    case .session:
      scopes.forget(child)
      sessions.ended(child, status)
    case .loader: reloads.ended(child, status)
    case .banWriter: bans.ended(child, status)
    case .journalOpener: journal.openerEnded(child, status)
    case .journal: journal.ended(child, status)
    case .recorder: recorders.ended(child, status)
    case .exporter: exporters.ended(child, status)
    case .scopes: scopes.ended(child, status)
    case .transportZygote: transportZygotes.ended(child, status)
    case .sessionZygote: sessionZygotes.ended(child, status)
    }
    if case .signal = status, child.sentSignal == nil {
      if child.role == .transport { transports.crashed() }
      if child.role == .session { sessionZygotes.retire() }
    }
    life.endWhenIdle()
  }
}
