import Audit
import Glibc
import IPC
import System
import Wire

/// The main loop of bssh-journal: receives events from the supervisor and writes them.
struct JournalProcess {
  private let supervisor: MessageSocket
  private var log = Log(threshold: .info, style: .bare)
  private var settings: JournalSettings?
  private var directory: Descriptor?
  private var isConfined = false
  private var folder: JournalFolder?
  private var writers: [JournalSeries: JournalWriter] = [:]
  /// The series that is being written, for error messages.
  private var current = JournalSeries.main
  /// When written data must be synchronized to the disk.
  private var syncTime: Int64?

  init(_ supervisor: MessageSocket) { self.supervisor = supervisor }

  /// Runs until the supervisor closes the connection or sends `close`.
  ///
  /// - Returns: `noInput` if the directory of the journal has been removed, otherwise ``ExitCode/success``.
  mutating func run() -> ExitCode {
    while true {
      let message: MessageSocket.Received
      do throws(SystemError) { message = try supervisor.receive(wait: timeout) } catch {
        log.write(.error, "the supervisor: \(error)")
        break
      }
      switch consume message {
      case .closed: return finish()
      case .wouldBlock: work()
      case .message(let bytes, let descriptors):
        guard let message = try? SupervisorToJournal(wireBytes: bytes[...]) else {
          log.write(.error, "the supervisor's message cannot be read")
          return finish()
        }
        if message == .close { return finish() }
        if case .open = message { directory = descriptors.first }
        // No file can be created in a removed directory, and this process cannot open another one: a new process must.
        if let folder, (try? folder.isGone) ?? false {
          _ = finish()
          return .noInput
        }
        handle(message)
      }
      synchronizeInTime()
    }
    return finish()
  }

  /// Milliseconds until there is work without a message; -1 if there is none.
  private var timeout: Int32 {
    if writers.values.contains(where: \.isCompressing) { return 0 }
    return syncTime.map { Int32(clamping: max($0 - Clock.milliseconds, 0)) } ?? -1
  }

  /// Does background work while no message is waiting.
  private func work() { writers.values.first(where: \.isCompressing)?.compressSome() }

  private mutating func handle(_ message: SupervisorToJournal) {
    switch message {
    case .open(let settings):
      self.settings = settings
      do throws(SystemError) {
        try open()
        reply(.opened)
      } catch {
        // Where no event was ever written, the configuration rather than the disk is likely to be wrong.
        let isPassing = Self.isPassing(error) && folder?.hasEvents ?? false
        reply(.notOpened(reason: reason(error), isPassing: isPassing))
      }
    case .reopen:
      do throws(SystemError) {
        for series in JournalSeries.allCases {
          current = series
          try writers[series]?.reopen()
        }
        try open()
      } catch { reply(.failed(batch: 0, reason: reason(error))) }
    case .close: return
    case .append(let batch):
      do throws(SystemError) {
        try open()
        let events = events(batch)
        for series in JournalSeries.allCases {
          current = series
          let new = events.filter { $0.series == series }
          // If the batch fails later, the supervisor repeats it, and the events written here are left out then.
          if !new.isEmpty { try writers[series]?.append(new, isRepeated: batch.isRepeated) }
        }
        reply(.written(batch: batch.number))
        planSync()
      } catch { reply(.failed(batch: batch.number, reason: reason(error))) }
    }
    for series in JournalSeries.allCases {
      guard var findings = writers[series]?.takeFindings() else { continue }
      findings.series = series
      reply(.found(findings))
    }
  }

  private mutating func events(_ batch: JournalBatch) -> [AuditEvent] {
    var events: [AuditEvent] = []
    for bytes in batch.events {
      if let event = try? AuditEvent(wireBytes: bytes[...]) {
        events.append(event)
      } else {
        log.write(.error, "an event of the supervisor cannot be read")
      }
    }
    return events
  }

  /// Opens what is not open yet. From then on, no other files are accessible.
  private mutating func open() throws(SystemError) {
    guard writers.count < JournalSeries.allCases.count else { return }
    current = .main
    guard let settings, let directory else { throw SystemError("open the journal", code: EINVAL) }
    if folder == nil { folder = try JournalFolder(directory, path: settings.path, mode: settings.mode) }
    guard let folder else { return }
    if !isConfined {
      if try !Hardening.confineFiles(to: folder.directory, mayChange: true, readable: []) {
        log.write(.warning, "\(Hardening.missingLandlock)")
      }
      isConfined = true
    }
    for series in JournalSeries.allCases where writers[series] == nil {
      current = series
      writers[series] = try JournalWriter(folder.folder(of: series), settings)
    }
  }

  private mutating func planSync() {
    guard settings?.sync == .interval, syncTime == nil, writers.values.contains(where: \.isDirty) else { return }
    syncTime = Clock.milliseconds + Int64(settings?.flushInterval ?? 0) * 1000
  }

  private mutating func synchronizeInTime() {
    guard let time = syncTime, time <= Clock.milliseconds else { return }
    syncTime = nil
    do throws(SystemError) {
      for series in JournalSeries.allCases {
        current = series
        try writers[series]?.synchronize()
      }
    } catch { reply(.failed(batch: 0, reason: reason(error))) }
  }

  private mutating func finish() -> ExitCode {
    if settings?.sync != .never {
      for writer in writers.values { try? writer.synchronize() }
    }
    return .success
  }

  /// True for errors of a disk or of resources, which can pass, as opposed to errors of configuration.
  private static func isPassing(_ error: SystemError) -> Bool {
    [ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE, ESTALE].contains(error.code)
  }

  private func reply(_ message: JournalToSupervisor) {
    // A failure means that the supervisor has closed the connection, which the next receive reports.
    _ = try? supervisor.send(message.wireBytes, wait: true)
  }

  private func reason(_ error: SystemError) -> String {
    let place = settings.map { current.path(of: $0.path) } ?? "the journal"
    return String(Log.printable("\(place): \(error)").prefix(250))
  }
}
