import Audit
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Milliseconds that exporters have to send what is left, when the server ends.
  static let exporterEndTime: Int64 = 2500

  /// Does what the pool says.
  func perform(_ actions: [ExporterPool.Action]) {
    for action in actions {
      switch action {
      case .start(let settings): start(settings)
      case .stop(let number): stopExporter(number)
      case .restartAfter(let name, let milliseconds):
        timers.set(.exporterRestart(name), at: Clock.milliseconds + milliseconds)
      }
    }
  }

  private func start(_ settings: ExporterSettings) {
    guard let journal = journalDirectory?.descriptor else { return perform(exporters.startFailed(settings.name)) }
    do throws(SystemError) {
      let memory = try SecretBytes(encoding: settings).lend { (bytes) throws(SystemError) in
        try Descriptor.sealedMemory(name: "exporter", bytes)
      }
      let child = try spawn(.exporter) {
        programs.exporter(loaded.accounts, ends: $0, settings: memory, journal: journal)
      }
      child.receiver = settings.name
      exporters.started(settings.name, child.number)
      log.write(.info, "exporter \(child.pid) sends events to \(settings.name)")
    } catch {
      log.write(.error, "an exporter to \(settings.name) could not be started: \(error)")
      perform(exporters.startFailed(settings.name))
    }
  }

  private func stopExporter(_ number: UInt64) {
    guard let child = children[number] else { return }
    child.signal(SIGTERM)
    timers.set(.kill(number), at: Clock.milliseconds + 2 * Self.exporterEndTime)
  }

  /// A message of an exporter: news for the log, and no more.
  func takeFromExporter(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    guard descriptors.isEmpty, let message = try? ExporterToSupervisor(wireBytes: bytes[...]) else {
      log.write(.error, "exporter \(child.pid) sent a message that cannot be read: killed")
      return child.signal(SIGKILL)
    }
    let name = child.receiver
    switch message {
    case .progress(let progress):
      let before = exporters.behind.count
      exporters.received(progress, from: child.number)
      if before > 0 || exporters.behind.count > 0 { service?.status(status) }
    case .note(let isProblem, let text):
      var throttle = exporterThrottles[name] ?? LogThrottle(burst: 20, interval: 60_000)
      let passes = throttle.pass(at: Clock.milliseconds)
      exporterThrottles[name] = throttle
      guard let heldBack = passes else { return }
      let more = heldBack > 0 ? " (\(heldBack) more lines were left out)" : ""
      log.write(isProblem ? .warning : .info, "\(name): \(text)\(more)")
    case .lost(let series, let first, let count, let reason):
      var tally = exporterLosses[name] ?? LossTally()
      let loss = tally.add(LossTally.Loss(series, reason: reason, first: first, count: count), at: Clock.milliseconds)
      exporterLosses[name] = tally
      tell(loss.map { [$0] } ?? [], of: name)
    }
  }

  /// What was held back of an exporter's losses is due.
  func exporterLossTime(_ name: String) {
    tell(exporterLosses[name]?.due(at: Clock.milliseconds) ?? [], of: name)
  }

  /// Tells of losses, and sees to those that are held back.
  private func tell(_ losses: [LossTally.Loss], of name: String) {
    for loss in losses { tell(loss, name) }
    if let time = exporterLosses[name]?.deadline { timers.set(.exporterLoss(name), at: time) }
  }

  /// Nothing is told later: the server ends.
  func tellExporterLosses() {
    for name in exporterLosses.keys.sorted() {
      for loss in exporterLosses[name]?.takeAll() ?? [] { tell(loss, name) }
    }
  }

  private func tell(_ loss: LossTally.Loss, _ name: String) {
    var fact = Fact(.auditGap, .error)
    fact.reason = Reason(loss.reason)
    fact.details =
      "\(loss.count) events\(loss.series == .files ? " of files" : "") from number \(loss.first) on do not reach \(name)"
    record(fact, of: Subject())
  }

  /// An exporter has ended.
  func exporterEnded(_ child: Child, _ status: ExitStatus) {
    if let name = exporters.name(of: child.number) { log.write(.warning, "\(name): its exporter \(status)") }
    perform(exporters.ended(child.number))
  }

  /// The server ends: exporters send what is in the journal by now, as far as that goes in a moment.
  func endExporters() {
    let running = children.values.filter { $0.role == .exporter }
    for child in running { child.signal(SIGTERM) }
    let end = Clock.milliseconds + Self.exporterEndTime
    for child in running {
      child.process?.descriptor.wait(for: POLLIN, milliseconds: Int32(clamping: max(end - Clock.milliseconds, 0)))
    }
  }
}
