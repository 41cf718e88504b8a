import Audit
import IPC
import System

/// Applies settings to all services, in one order.
final class SettingsService {
  /// The services that have settings.
  struct Services {
    let reloads: ReloadService
    let listeners: ListenerService
    let admission: AdmissionService
    let bans: BanService
    let connections: ConnectionService
    let transports: TransportService
    let transportZygotes: ZygoteService
    let authorities: AuthorityService
    let journal: JournalService
    let exporters: ExporterService
    let audit: AuditService
    let recorders: RecorderService
    let logins: LoginRecordService
  }

  private let runtime: any Runtime
  private let services: Services
  private let arguments: SupervisorArguments
  /// The settings that apply, or of the start.
  private var loaded: LoadedSettings
  private var isStarting = true

  init(_ runtime: any Runtime, _ services: Services, _ loaded: LoadedSettings, _ arguments: SupervisorArguments) {
    self.runtime = runtime
    self.services = services
    self.loaded = loaded
    self.arguments = arguments
  }

  /// Prepares the settings of the start. ``SupervisorEvent/candidateReady(_:_:)`` follows when they can apply.
  func start() {
    services.admission.restore(loaded.bans)
    applyAuditSettings()
    services.reloads.prepare(loaded)
  }

  /// The start of the daemon is over: reports the settings that apply.
  func started() {
    isStarting = false
    record()
  }

  /// The first authority of new settings is ready: they apply from now on. At the start ``SupervisorEvent/transportReady``
  /// follows, at once when no transport is kept ready.
  func activate(_ authority: Child, _ hostKeys: [OfferedHostKey]) {
    guard let candidate = services.reloads.takeCandidate() else { return }
    loaded = candidate.loaded
    let settings = loaded.settings
    runtime.setLogThreshold(arguments.logLevel(settings))
    services.bans.apply(settings)
    if !isStarting { applyAuditSettings() }
    services.admission.apply(settings)
    let transport = settings.transport(
      hostKeys: hostKeys.map(\.blob), root: loaded.accounts == nil ? "" : EmptyDirectory.ofTransports)
    services.connections.apply(settings, hostKeys: transport.hostKeys)
    services.transportZygotes.apply(.transportZygote(loaded.accounts), transport)
    services.listeners.apply(settings, candidate.sockets)
    for key in hostKeys { runtime.log(.info, "host key \(key.description)") }
    services.authorities.adopt(authority.number, loaded)
    services.transports.replaceAll(spares: settings.server.spareTransports)
    if isStarting {
      if settings.server.spareTransports == 0 { runtime.post(.transportReady) }
    } else {
      runtime.log(.info, "the new configuration applies to new connections")
      record()
      services.reloads.applied()
    }
  }

  /// The directory of the journal was removed, and is there again: exporters read it.
  func journalDirectoryOpened() { services.exporters.apply(loaded) }

  /// What is recorded from now on, and where to.
  private func applyAuditSettings() {
    services.audit.apply(loaded.settings.audit)
    services.logins.apply(loaded)
    services.recorders.apply(loaded)
    if services.journal.isEnding(with: loaded) {
      var record = AuditRecord(.configurationLoaded)
      record.details = "audit.enabled is false: nothing more is written here"
      services.audit.record(record)
    }
    services.journal.apply(loaded)
    services.exporters.apply(loaded)
  }

  /// Reports that these settings apply.
  private func record() {
    var record = AuditRecord(.configurationLoaded)
    let words = arguments.serverArguments
    record.path = words.firstIndex(of: "-c").flatMap { words.dropFirst($0 + 1).first }.map { Array($0.utf8) }
    if !loaded.warnings.isEmpty { record.details = "with \(loaded.warnings.count) warnings" }
    services.audit.record(record)
  }
}
