import Audit
import Configuration
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Milliseconds in which what is left goes to the journal when the server ends.
  static let drainTime: Int64 = 3000
  /// Messages of a process that are taken when it ends, or the server does: more than a pipe holds.
  static let lastReadLimit = 16384
  /// Milliseconds that a journal may take to end, once it is told to.
  static let journalEndTime: Int64 = 30_000

  /// What the journal does from now on, after the settings have changed.
  func applyAuditSettings() {
    for open in loaded.recordings { recordingDirectories[open.directory.path] = open }
    applyRecorderSettings()
    let new = loaded.journal == nil ? nil : loaded.settings.audit.journalSettings
    let isSamePlace = journalDirectory?.directory == loaded.journal?.directory
    journalDirectory = loaded.journal
    perform(events.apply(loaded.settings.audit.queueLimits))
    budgets.apply(loaded.settings.audit.budgetLimits)
    applyExporterSettings()
    if let new, new == journalSettings, isSamePlace {
      // The same file; but somebody may have moved it, and wants a new one.
      if let journal { send(SupervisorToJournal.reopen, to: journal) }
      return
    }
    if new == nil, journalSettings != nil {
      var fact = Fact(.configurationLoaded)
      fact.details = "audit.enabled is false: nothing more is written here"
      record(fact, of: Subject())
    }
    journalSettings = new
    if new == nil { journalProblem = nil }
    perform(new == nil ? events.close() : events.replace())
  }

  /// Puts an event on its way to the journal.
  func journal(_ fact: Fact, of subject: Subject, in series: JournalSeries? = nil) {
    guard journalSettings != nil else { return }
    let event = AuditEvent(
      id: .random(), time: Clock.microsecondsSince1970, host: hostName, subject: subject, fact: fact,
      series: series)
    perform(events.add(event.wireBytes))
  }

  /// Whether this user may log in now, as far as the journal is concerned.
  func journalAdmits(_ user: String) -> Bool {
    guard loaded.settings.audit.onFailure == .refuse, events.isFailing, journalSettings != nil else { return true }
    return isRescueUser(user)
  }

  /// True for those whom `audit.rescue_users` lets in to mend the server. It has no effect with `continue`.
  func isRescueUser(_ name: String) -> Bool {
    let audit = loaded.settings.audit
    return audit.onFailure == .refuse && audit.rescueUsers.contains { $0.utf8.elementsEqual(name.utf8) }
  }

  /// Does what the queue says.
  func perform(_ actions: [AuditQueue.Action]) {
    for action in actions {
      switch action {
      case .start: startJournal()
      case .restartAfter(let milliseconds): timers.set(.journalRestart, at: Clock.milliseconds + milliseconds)
      case .retryAfter(let milliseconds): timers.set(.journalRetry, at: Clock.milliseconds + milliseconds)
      case .send(let batch):
        if let journal { send(SupervisorToJournal.append(batch), to: journal) }
      case .watch: timers.set(.journalAnswer, at: Clock.milliseconds + AuditQueue.patience)
      case .stopWatching: timers.cancel(.journalAnswer)
      case .stop: stopJournal()
      case .hold: hold()
      case .release: release()
      case .failing(let reason): journalFails(reason)
      case .recovered(let lost): journalRecovered(lost)
      }
    }
    answerStarts()
    if isDraining, events.count == 0 || events.isFailing { exitCode = exitCode ?? .success }
  }

  private func startJournal() {
    guard let journalSettings else { return }
    guard let journalDirectory else { return openJournalDirectory(journalSettings) }
    do throws(SystemError) {
      let child = try spawn(.journal) { programs.journal(loaded.accounts, ends: $0) }
      journal = child
      send(SupervisorToJournal.open(journalSettings), [journalDirectory.descriptor], to: child)
      perform(events.started())
    } catch {
      perform(events.startFailed("the journal could not be started: \(error)"))
    }
  }

  private func stopJournal() {
    guard let journal else { return }
    self.journal = nil
    send(SupervisorToJournal.close, to: journal)
    timers.set(.kill(journal.number), at: Clock.milliseconds + Self.journalEndTime)
  }

  /// A message of a journal.
  func takeFromJournal(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    let message = descriptors.isEmpty ? try? JournalToSupervisor(wireBytes: bytes[...]) : nil
    if case .found(let findings) = message { return tell(findings) }
    guard child === journal else { return }
    let actions: [AuditQueue.Action]? =
      switch message {
      case .written(let batch): events.written(batch)
      case .failed(let batch, let reason): events.failed(batch, reason)
      case .opened: journalIsOpen()
      case .notOpened(let reason, let isPassing): journalIsNotOpen(reason, isPassing: isPassing)
      case .found, nil: nil
      }
    guard let actions else {
      log.write(.error, "journal \(child.pid) sent something that it was not asked for: killed")
      return child.signal(SIGKILL)
    }
    perform(actions)
  }

  /// What was wrong with the end of a series of the journal.
  private func tell(_ findings: JournalFindings) {
    let name = findings.series.path(of: journalSettings?.path ?? "")
    let journal = name.lastIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
    if findings.tornBytes > 0 {
      var fact = Fact(.auditGap, .error)
      fact.reason = Reason(JournalGap.tornLine)
      fact.details = "the last line of \(journal) was not whole: \(findings.tornBytes) bytes removed"
      record(fact, of: Subject())
    }
    if findings.missingLines > 0 {
      var fact = Fact(.auditGap, .error)
      fact.reason = Reason(JournalGap.missingLines)
      fact.details = "\(findings.missingLines) lines that were written last are not in \(journal) any more"
      record(fact, of: Subject())
    }
    if findings.isAltered {
      var fact = Fact(.auditGap, .error)
      fact.reason = Reason(JournalGap.altered)
      fact.details = "\(journal) does not end as it was written"
      record(fact, of: Subject())
    }
  }

  /// A journal has ended.
  func journalEnded(_ child: Child, _ status: ExitStatus) {
    guard child === journal else { return }
    journal = nil
    if status == .code(ExitCode.noInput.rawValue) {
      log.write(.error, "journal \(child.pid): its directory has been removed")
      journalDirectory = nil
    } else {
      log.write(.error, "journal \(child.pid) \(status)")
    }
    perform(events.ended("the journal \(status)"))
  }

  /// What is left goes to the journal, and then this process ends.
  func drain() {
    guard exitCode == nil, !isDraining else { return }
    // What logins have said by now is heard, also of those that are held.
    for child in Array(children.values) where child.role == .session && child.hasLogin {
      read(child, limit: Self.lastReadLimit)
    }
    tellRest()
    recordStop("shut down")
    isDraining = true
    timers.set(.drain, at: Clock.milliseconds + Self.drainTime)
    perform([] as [AuditQueue.Action])
  }

  /// Nobody writes to the journal any more: waits a moment until all of it is on the disk.
  func endJournal() {
    guard let journal else { return }
    _ = journal.send(SecretBytes(encoding: SupervisorToJournal.close))
    if journal.process?.descriptor.wait(for: POLLIN, milliseconds: Int32(Self.drainTime)) != true {
      journal.signal(SIGKILL)
    }
  }

  // MARK: Slow and failing journals

  /// Those who make events wait: nobody is let in, and no session is listened to.
  private func hold() {
    log.write(.warning, "the journal is slow: \(events.count) events wait, and so does what makes more")
    for socket in listeners { loop.remove(socket.listener.descriptor) }
    for child in children.values where child.hasLogin && child.isOpen && !child.waitsForJournal { hold(child) }
  }

  /// A login that makes events waits.
  func hold(_ child: Child) {
    if !child.isHeld { loop.remove(child.socket.descriptor) }
    child.waitsForJournal = true
  }

  private func release() {
    log.write(.info, "the journal keeps up again")
    acceptAgain()
    for child in children.values where child.waitsForJournal {
      child.waitsForJournal = false
      listen(to: child)
    }
  }

  /// Listens again to a login that waited, unless it has another reason to wait.
  func listen(to child: Child) {
    guard child.isOpen, !child.isHeld else { return }
    do throws(SystemError) {
      try loop.add(child.socket.descriptor, .read, token: Self.token(child.number))
    } catch { child.signal(SIGKILL) }
  }

  private func journalFails(_ reason: String) {
    let audit = loaded.settings.audit
    if awaitsJournal, state == .starting {
      log.write(
        .error,
        "events cannot be written: \(reason); not started: audit.exporters names a file elsewhere, and audit.enabled: "
          + "false does without")
      return fail(.cannotCreate)
    }
    let consequence =
      switch audit.onFailure {
      case .continue: "logins go on (audit.on_failure)"
      case .refuse where audit.rescueUsers.isEmpty: "no new login is let in (audit.on_failure)"
      case .refuse: "of new logins only those of audit.rescue_users are let in"
      }
    log.write(.error, "events cannot be written: \(reason); \(consequence)")
    journalProblem = reason
    service?.status(status)
  }

  private func journalRecovered(_ lost: UInt64) {
    log.write(.warning, "events are written again; \(lost) were lost")
    journalProblem = nil
    service?.status(status)
    guard lost > 0 else { return }
    var fact = Fact(.auditGap, .error)
    fact.reason = Reason(JournalGap.notWritten)
    fact.details = "\(lost) events could not be written, and are lost"
    record(fact, of: Subject())
  }
}

extension Settings.Audit {
  /// What bssh-journal is told.
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

  /// What a user may write of the main series.
  var budgetLimits: EventBudgets.Limits {
    let rotate = journal.rotate
    let (kept, isTooMuch) = rotate.maxSize.multipliedReportingOverflow(by: UInt64(rotate.maxBackups) + 1)
    return EventBudgets.Limits(kept: isTooMuch ? .max : kept)
  }

  var queueLimits: AuditQueue.Limits { AuditQueue.Limits(events: bufferSize, batch: batchSize) }
}
