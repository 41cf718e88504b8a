import Configuration
import IPC

extension Settings.Audit {
  /// The settings of bssh-journal.
  var journalSettings: JournalSettings {
    let file = journal
    let sync: JournalSettings.Sync =
      switch file.sync {
      case .always: .always
      case .interval: .interval
      case .never: .never
      }
    return JournalSettings(
      path: journalPath, mode: file.mode, maxSize: file.rotate.maxSize, maxBackups: UInt32(file.rotate.maxBackups),
      compress: file.rotate.compress, sync: sync, flushInterval: UInt32(flushInterval))
  }

  /// The budget of each user in the main series.
  var budgetLimits: EventBudgets.Limits {
    let rotate = journal.rotate
    let (kept, isTooMuch) = rotate.maxSize.multipliedReportingOverflow(by: UInt64(rotate.maxBackups) + 1)
    return EventBudgets.Limits(kept: isTooMuch ? .max : kept)
  }

  var queueLimits: AuditQueue.Limits { AuditQueue.Limits(events: bufferSize, batch: batchSize) }
}
