import Audit
import Configuration
import Glibc
import IPC
import System
import Testing
import Wire

@testable import Supervisor

/// A journal that keeps its events.
final class KeptJournal: EventJournal, JournalPlace {
  var isOn = true
  var directory: LoadedSettings.OpenDirectory?
  private(set) var events: [(record: AuditRecord, subject: Subject, series: JournalSeries?)] = []
  func add(_ record: AuditRecord, of subject: Subject, in series: JournalSeries?) {
    events.append((record, subject, series))
  }
}

@Suite struct AuditServiceTests {
  private final class Refusals: RefusedLogins {
    private(set) var entries: [LoginEntry] = []
    func recordRefusal(_ entry: LoginEntry, of connection: UInt64) { entries.append(entry) }
  }

  private let runtime = FakeRuntime()
  private let journal = KeptJournal()
  private let refusals = Refusals()
  private let service: AuditService

  init() {
    service = AuditService(runtime, journal, refusals)
    // The journal is so small that the budget of a user is 64 KiB.
    var settings = Settings.Audit()
    var file = Settings.Audit.File()
    file.rotate.maxSize = 1024
    settings.exporters = [.file(file)]
    service.apply(settings)
  }

  @Test func `btmp hears of passwords that were refused and of names that nobody has, not of keys`() {
    var record = AuditRecord(.authFailure, .failure, .ssh)
    var subject = Subject()
    (subject.user, subject.method, subject.clientAddress) = ("anna", "publickey", "192.0.2.1")
    service.record(record, of: subject, 7)
    #expect(refusals.entries.isEmpty)
    subject.method = "publickey,password"
    service.record(record, of: subject, 7)
    (subject.user, subject.method) = ("nobody-has-it", "publickey")
    record.reason = Reason(AccountRefusal.noSuchUser)
    service.record(record, of: subject, 7)
    #expect(refusals.entries.map(\.user) == ["anna", LoginEntry.short("nobody-has-it")])
    #expect(refusals.entries.allSatisfy { $0.address == "192.0.2.1" })
  }

  private func subject(_ number: UInt64 = 1) -> Subject {
    var subject = Subject()
    (subject.sessionID, subject.user) = (EventID(high: number, low: number), "anna")
    return subject
  }

  @Test func `an event is written to the journal with its connection and to the log with its number`() {
    service.record(AuditRecord(.daemonStarted))
    service.record(AuditRecord(.connectionOpen, .success, .ssh), of: Subject(), 7)
    #expect(journal.events.map(\.record.type) == [.daemonStarted, .connectionOpen])
    #expect(journal.events.map(\.subject.connection) == [nil, 7])
    #expect(runtime.lines.count == 2 && runtime.lines[1].contains(": [7] ") && !runtime.lines[0].contains("["))
  }

  @Test func `a suppressed log line does not suppress the event`() {
    service.record(AuditRecord(.connectionRefused, .denied, .ssh), of: Subject(), nil, logging: nil)
    service.record(AuditRecord(.connectionRefused, .denied, .ssh), of: Subject(), nil, logging: " (more)")
    #expect(journal.events.count == 2 && runtime.lines.count == 1 && runtime.lines[0].hasSuffix(" (more)"))
  }

  @Test func `listings above the limit are counted and reported after a minute or at the end of the login`() {
    for _ in 0..<EventBudgets.listings + 5 { service.record(AuditRecord(.directoryListed), of: subject(), 7) }
    #expect(journal.events.count == EventBudgets.listings)
    #expect(runtime.fire(.countedEvents))
    service.recordCounted()
    #expect(journal.events.last?.record.type == .eventsCounted && journal.events.last?.subject.connection == 7)
    for _ in 0..<EventBudgets.listings + 5 { service.record(AuditRecord(.directoryListed), of: subject(2), 8) }
    service.record(AuditRecord(.sessionEnd), of: subject(2), 8)
    #expect(journal.events.suffix(2).map(\.record.type) == [.eventsCounted, .sessionEnd])
    for _ in 0..<EventBudgets.listings + 5 { service.record(AuditRecord(.directoryListed), of: subject(3), 9) }
    service.recordAllCounted()
    #expect(journal.events.last?.record.type == .eventsCounted && journal.events.last?.subject.connection == 9)
  }

  @Test func `a user who has used up the budget waits, unless there is no journal`() {
    #expect(service.wait(for: "anna") == 0)
    for _ in 0..<200 { service.record(AuditRecord(.commandExecuted), of: subject(), 7) }
    let wait = service.wait(for: "anna")
    #expect(wait > 0 && service.wait(for: "bob") == 0)
    journal.isOn = false
    #expect(service.wait(for: "anna") == 0)
    journal.isOn = true
    runtime.now += wait
    #expect(service.wait(for: "anna") == 0)
  }

  @Test func `without a journal nothing is counted`() {
    journal.isOn = false
    for _ in 0..<EventBudgets.listings + 5 { service.record(AuditRecord(.directoryListed), of: subject(), 7) }
    #expect(runtime.lines.count == EventBudgets.listings + 5 && !runtime.hasTimer(.countedEvents))
  }
}

@Suite struct ExporterServiceTests {
  private let runtime = FakeRuntime()
  private let reports = Reports()
  private let journal = KeptJournal()
  private let service: ExporterService
  private let loaded: LoadedSettings
  private let name: String

  init() throws {
    service = ExporterService(runtime, reports, journal)
    loaded = try LoadedSettings.sample { $0.audit.exporters = [.file(.init()), .syslog(.init())] }
    journal.directory = loaded.journal
    name = loaded.settings.audit.exporterSettings[0].name
  }

  private var exporter: Child? { runtime.started.last }

  private func say(_ message: ExporterToSupervisor) {
    if let exporter { service.handle(message.wireBytes, [], from: exporter) }
  }

  private func lose(_ first: UInt64) { say(.lost(.main, first: first, count: 2, reason: .rejected)) }

  @Test func `each receiver has an exporter, which is restarted after a pause`() throws {
    service.apply(loaded)
    #expect(runtime.started.map(\.role) == [.exporter])
    let first = try #require(exporter)
    runtime.end(first)
    service.ended(first, .signal(11, coreDumped: false))
    #expect(runtime.lines(with: "\(name): its exporter ") == 1 && runtime.started.count == 1)
    #expect(runtime.fire(.exporterRestart(name)))
    service.restartTime(name)
    #expect(runtime.started.count == 2)
    service.apply(loaded)
    #expect(runtime.started.count == 2)
    service.apply(nil)
    let second = try #require(exporter)
    #expect(second.sentSignal == SIGTERM && runtime.hasTimer(.kill(second.number)))
    service.ended(second, .code(0))
    #expect(!runtime.hasTimer(.exporterRestart(name)))
  }

  @Test func `an exporter that cannot be started or has no directory is tried again`() {
    runtime.canStart = false
    service.apply(loaded)
    #expect(runtime.fire(.exporterRestart(name)) && runtime.lines(with: "could not be started") == 1)
    runtime.canStart = true
    journal.directory = nil
    service.restartTime(name)
    #expect(runtime.fire(.exporterRestart(name)) && runtime.started.isEmpty)
    journal.directory = loaded.journal
    service.restartTime(name)
    #expect(runtime.started.count == 1)
  }

  @Test func `the first loss is reported immediately and those that follow together`() {
    service.apply(loaded)
    for first in UInt64(1)...3 { lose(first) }
    #expect(reports.records.map(\.details) == ["2 events from number 1 on do not reach \(name)"])
    #expect(runtime.fire(.exporterLoss(name)))
    service.lossTime(name)
    #expect(reports.records.last?.details == "4 events from number 2 on do not reach \(name)")
    lose(9)
    service.recordAllLosses()
    #expect(reports.records.last?.details == "2 events from number 9 on do not reach \(name)")
    #expect(reports.records.count == 3)
  }

  @Test func `an exporter that is behind is in the status, and its log lines are limited`() throws {
    service.apply(loaded)
    say(.progress(ExporterProgress(shipped: 1, waiting: 500, isBehind: true)))
    #expect(service.behind.map(\.waiting) == [500])
    guard case .statusChanged? = runtime.next() else {
      Issue.record("the status is the old one")
      return
    }
    for _ in 0..<30 { say(.log(isProblem: true, text: "refused")) }
    #expect(runtime.lines(with: "\(name): refused") == 20)
    let exporter = try #require(exporter)
    service.handle([255], [], from: exporter)
    #expect(exporter.sentSignal == SIGKILL)
  }
}
