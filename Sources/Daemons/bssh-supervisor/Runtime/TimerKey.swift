import AccessControl

/// The purpose of a timer. There is at most one timer for each key.
enum TimerKey: Hashable, Sendable {
  case connection(UInt64, ConnectionMachine.Timer)
  case authorityAnswer(UInt64)
  case authorityRestart(UInt64)
  case transportRestart
  /// The standard error of a process is read again.
  case errors(UInt64)
  /// Deadline for a zygote to create the process.
  case made(UInt64)
  /// Deadline for the process to end; then it is killed.
  case kill(UInt64)
  case acceptAgain
  /// Absent addresses are tried again.
  case listenAgain
  /// Deadline for the journal to write a batch.
  case journalAnswer
  case journalRestart
  case journalRetry
  /// A recorder may be available again for waiting login records.
  case loginRecords
  /// The exporter with this name is restarted.
  case exporterRestart(String)
  /// Deferred losses of this exporter are due.
  case exporterLoss(String)
  /// Deadline for the journal to write the remaining events when the daemon ends.
  case drain
  case banEnd(ClientSource)
  /// Deadline for a load balancer to send a PROXY header.
  case proxyHeader(UInt64)
  case saveBans
  /// Deadline for saving bans before a hand-over.
  case handOver
  /// End of the interval in which refused connections are counted.
  case refusals
  /// End of the interval in which events of logins are counted.
  case countedEvents
  /// The login has waited for its user's budget of events.
  case throttle(UInt64)
  case shutDown
}
