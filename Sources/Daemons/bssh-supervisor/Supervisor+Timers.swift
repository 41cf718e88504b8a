extension Supervisor {
  /// A timer has expired.
  func time(_ key: TimerKey) {
    switch key {
    case .connection(let number, let timer): connections.handle(.timer(timer), of: number)
    case .authorityAnswer(let number): authorities.isLate(number)
    case .authorityRestart: authorities.restartTime()
    case .transportRestart: transports.restartTime()
    // Handled by the runtime.
    case .errors, .made, .kill: break
    case .acceptAgain: listeners.resumeAccepting()
    case .listenAgain: listeners.listenAgain()
    case .banEnd(let source): admission.banEnds(source)
    case .proxyHeader(let number): listeners.proxyHeaderIsLate(number)
    case .saveBans: bans.time()
    case .handOver: life.finishHandOver()
    case .journalAnswer: journal.handle(.answer)
    case .journalRestart: journal.handle(.restart)
    case .journalRetry: journal.handle(.retry)
    case .loginRecords: logins.sendToRecorder()
    case .exporterRestart(let name): exporters.restartTime(name)
    case .exporterLoss(let name): exporters.lossTime(name)
    case .drain: life.drained()
    case .refusals: admission.recordRefusals()
    case .countedEvents: audit.recordCounted()
    case .throttle(let number): pauses.throttleEnds(number)
    case .shutDown: life.shutDownIsLate()
    }
  }
}
