import Configuration
import IPC
import Testing

@testable import Supervisor

@Suite struct JournalSettingsTests {
  @Test func `every key of the file and of the queue is in the settings`() {
    var audit = Settings.Audit()
    #expect(
      audit.journalSettings
        == JournalSettings(
          path: "/var/log/bssh/audit.log", mode: 0o600, maxSize: 100 << 20, maxBackups: 5, compress: true,
          sync: .interval, flushInterval: 5))
    #expect(audit.queueLimits == AuditQueue.Limits(events: 1000, batch: 100))
    var file = Settings.Audit.File()
    file.path = "/journal"
    file.mode = 0o640
    file.rotate.maxSize = 4096
    file.rotate.maxBackups = 7
    file.rotate.compress = false
    file.sync = .always
    audit.exporters = [.syslog(.init()), .file(file)]
    audit.flushInterval = 60
    audit.bufferSize = 200
    audit.batchSize = 2
    #expect(
      audit.journalSettings
        == JournalSettings(
          path: "/journal", mode: 0o640, maxSize: 4096, maxBackups: 7, compress: false, sync: .always,
          flushInterval: 60))
    #expect(audit.queueLimits == AuditQueue.Limits(events: 200, batch: 2))
    file.sync = .never
    audit.exporters = [.file(file)]
    #expect(audit.journalSettings.sync == .never)
  }
}
