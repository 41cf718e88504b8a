import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

/// Starts, replaces and ends exporters: processes that each send the events of the journal to one receiver.
final class ExporterService {
  /// Time limit for exporters to send the remaining events when the daemon ends, in milliseconds.
  private static let endTime: Int64 = 2500

  private let runtime: any Runtime
  private let events: any EventLog
  private let journal: any JournalPlace
  private var accounts: ServiceAccounts?
  private var pool = ExporterPool()
  /// The names of the running exporters, by the numbers of their processes.
  private var names: [UInt64: String] = [:]
  /// Limits the log lines of each exporter.
  private var throttles: [String: LogThrottle] = [:]
  /// The events that will never reach the receiver of each exporter.
  private var losses: [String: LossAggregator] = [:]

  init(_ runtime: any Runtime, _ events: any EventLog, _ journal: any JournalPlace) {
    self.runtime = runtime
    self.events = events
    self.journal = journal
  }

  /// The exporters that are behind, with the number of events that wait for each.
  var behind: [(name: String, waiting: UInt64)] { pool.behind }

  /// Starts, ends and replaces exporters according to the settings and the directory of the journal; nil: ends all.
  func apply(_ loaded: LoadedSettings?) {
    guard let loaded, let place = journal.directory?.directory else { return perform(pool.apply([])) }
    accounts = loaded.accounts
    perform(
      pool.apply(
        loaded.settings.audit.exporterSettings.map { settings in
          var settings = settings
          settings.place = place
          return settings
        }))
  }

  private func perform(_ actions: [ExporterPool.Action]) {
    performInOrder(actions) { action in
      switch action {
      case .start(let settings): return start(settings)
      case .stop(let number):
        guard let child = runtime.children[number] else { break }
        child.signal(SIGTERM)
        runtime.setTimer(.kill(number), after: 2 * Self.endTime)
      case .restartAfter(let name, let milliseconds): runtime.setTimer(.exporterRestart(name), after: milliseconds)
      }
      return []
    }
  }

  private func start(_ settings: ExporterSettings) -> [ExporterPool.Action] {
    guard let directory = journal.directory?.descriptor else { return pool.startFailed(settings.name) }
    do throws(SystemError) {
      let memory = try SecretBytes(encoding: settings).lend { (bytes) throws(SystemError) in
        try Descriptor.sealedMessage(name: "exporter", bytes)
      }
      let child = try runtime.spawn(.exporter(accounts, settings: memory, journal: directory))
      names[child.number] = settings.name
      pool.started(settings.name, child.number)
      runtime.log(.info, "exporter \(child.pid) sends events to \(settings.name)")
      return []
    } catch {
      runtime.log(.error, "an exporter to \(settings.name) could not be started: \(error)")
      return pool.startFailed(settings.name)
    }
  }

  /// Handles the end of the pause before an exporter is restarted.
  func restartTime(_ name: String) { perform(pool.restartTime(name)) }

  /// Handles a message of an exporter. It only affects the log, events and the status.
  func handle(_ bytes: [UInt8], _ descriptors: [Descriptor], from child: Child) {
    guard descriptors.isEmpty, let message = try? ExporterToSupervisor(wireBytes: bytes[...]),
      let name = names[child.number]
    else {
      runtime.log(.error, "exporter \(child.pid) sent a message that cannot be read: killed")
      return child.signal(SIGKILL)
    }
    switch message {
    case .progress(let progress):
      let before = pool.behind.count
      pool.received(progress, from: child.number)
      if before > 0 || pool.behind.count > 0 { runtime.post(.statusChanged) }
    case .log(let isProblem, let text):
      guard let heldBack = pass(name) else { return }
      let more = heldBack > 0 ? " (\(heldBack) more lines were left out)" : ""
      runtime.log(isProblem ? .warning : .info, "\(name): \(text)\(more)")
    case .lost(let series, let first, let count, let reason):
      let loss = losses[name, default: LossAggregator()].add(
        LossAggregator.Loss(series, reason: reason, first: first, count: count), at: runtime.now)
      record(loss.map { [$0] } ?? [], of: name)
    }
  }

  private func pass(_ name: String) -> Int? {
    throttles[name, default: LogThrottle(burst: 20, interval: 60_000)].pass(at: runtime.now)
  }

  /// Reports the deferred losses of an exporter that are due.
  func lossTime(_ name: String) { record(losses[name]?.due(at: runtime.now) ?? [], of: name) }

  /// Reports all deferred losses, because the daemon ends.
  func recordAllLosses() {
    for name in losses.keys.sorted() {
      for loss in losses[name]?.takeAll() ?? [] { record(loss, of: name) }
    }
  }

  /// Reports losses, and sets the timer for deferred ones.
  private func record(_ reported: [LossAggregator.Loss], of name: String) {
    for loss in reported { record(loss, of: name) }
    if let time = losses[name]?.deadline { runtime.setTimer(.exporterLoss(name), at: time) }
  }

  private func record(_ loss: LossAggregator.Loss, of name: String) {
    var record = AuditRecord(.auditGap, .error)
    record.reason = Reason(loss.reason)
    record.details =
      "\(loss.count) events\(loss.series == .files ? " of files" : "") from number \(loss.first) on do not reach \(name)"
    events.record(record)
  }

  /// Handles the end of an exporter.
  func ended(_ child: Child, _ status: ExitStatus) {
    names[child.number] = nil
    if let name = pool.name(of: child.number) { runtime.log(.warning, "\(name): its exporter \(status)") }
    perform(pool.ended(child.number))
  }

  /// Waits for a limited time until exporters have sent the events in the journal, because the daemon ends.
  func end() {
    let running = runtime.children.values.filter { $0.role == .exporter }
    for child in running { child.signal(SIGTERM) }
    let deadline = runtime.now + Self.endTime
    for child in running { _ = runtime.waitForEnd(of: child, until: deadline) }
  }
}
