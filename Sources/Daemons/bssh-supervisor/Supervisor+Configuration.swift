import Audit
import IPC
import System

extension Supervisor {
  /// Applies new settings, whose first authority is ready, to all services in this order.
  func activate(_ authority: Child, _ hostKeys: [OfferedHostKey]) {
    guard let candidate = reloads.takeCandidate() else { return }
    loaded = candidate.loaded
    runtime.setLogThreshold(arguments.logLevel(loaded.settings))
    bans.apply(loaded.settings)
    if state != .starting { applyAuditSettings() }
    admission.apply(loaded.settings)
    let settings = loaded.settings.transport(
      hostKeys: hostKeys.map(\.blob), root: loaded.accounts == nil ? "" : Supervisor.emptyRoot)
    connections.apply(loaded.settings, hostKeys: settings.hostKeys)
    transportZygotes.apply(.transportZygote(loaded.accounts), settings)
    listeners.apply(loaded.settings, candidate.sockets)
    for key in hostKeys { runtime.log(.info, "host key \(key.description)") }
    authorities.adopt(authority.number, loaded)
    transports.replaceAll(spares: loaded.settings.server.spareTransports)
    if state == .starting {
      if loaded.settings.server.spareTransports == 0 { started() }
    } else {
      runtime.log(.info, "the new configuration applies to new connections")
      recordConfiguration()
      reloads.applied()
    }
  }

  /// Reports that the settings apply.
  func recordConfiguration() {
    var fact = Fact(.configurationLoaded)
    let words = arguments.serverArguments
    fact.path = words.firstIndex(of: "-c").flatMap { words.dropFirst($0 + 1).first }.map { Array($0.utf8) }
    if !loaded.warnings.isEmpty { fact.details = "with \(loaded.warnings.count) warnings" }
    audit.record(fact)
  }
}
