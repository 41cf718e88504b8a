import IPC
import System
import Wire

// The directory of the journal comes from the loader, which may open it where `bssh-audit` may not even look. When it was
// removed, a process like the loader opens it again, and makes it if need be.
extension Supervisor {
  /// Milliseconds that opening the directory may take.
  static let journalOpenTime: Int64 = 10_000

  /// The file of the journal is open; a start waits for that.
  func journalIsOpen() -> [AuditQueue.Action] {
    endWaitForJournal()
    return []
  }

  /// The file cannot be opened. A start fails; but where a disk is full, or has become read-only, logins are to be possible
  /// as far as `audit.on_failure` says, or nobody could mend it.
  func journalIsNotOpen(_ reason: String, isPassing: Bool) -> [AuditQueue.Action]? {
    if isPassing { awaitsJournal = false }
    let actions = events.failed(0, reason)
    if isPassing { endWaitForJournal() }
    return actions
  }

  private func endWaitForJournal() {
    awaitsJournal = false
    guard isReadyButForJournal else { return }
    isReadyButForJournal = false
    started()
  }

  /// Has the directory opened, and the journal started behind it.
  func openJournalDirectory(_ settings: JournalSettings) {
    guard !children.values.contains(where: { $0.role == .journalOpener && !$0.hasAnswered }) else { return }
    do throws(SystemError) {
      let child = try spawn(.journalOpener) { programs.journalOpener(settings, ends: $0) }
      timers.set(.kill(child.number), at: Clock.milliseconds + Self.journalOpenTime)
    } catch {
      perform(events.startFailed("the journal's directory could not be opened: \(error)"))
    }
  }

  /// The one message of a process that opens the directory.
  func takeFromJournalOpener(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    guard !child.hasAnswered else { return }
    child.hasAnswered = true
    switch try? JournalOpening(wireBytes: bytes[...]) {
    case .opened(let directory) where descriptors.count == 1:
      // A reload may have been faster.
      if journalDirectory == nil {
        journalDirectory = LoadedSettings.OpenDirectory(directory: directory, descriptor: descriptors[0])
      }
      applyExporterSettings()
      perform(events.restartTime())
    case .failed(let reason): perform(events.startFailed(reason))
    case .opened, nil: perform(events.startFailed("the journal's directory could not be opened"))
    }
  }

  /// Such a process has ended.
  func journalOpenerEnded(_ child: Child, _ status: ExitStatus) {
    guard !child.hasAnswered else { return }
    perform(events.startFailed("the process that opens the journal's directory \(status)"))
  }

  /// Starts, ends and replaces exporters as the settings and the directory of the journal want it.
  func applyExporterSettings() {
    guard let journalDirectory else { return perform(exporters.apply([])) }
    perform(
      exporters.apply(
        loaded.settings.audit.exporterSettings.map { settings in
          var settings = settings
          settings.place = journalDirectory.directory
          return settings
        }))
  }
}
