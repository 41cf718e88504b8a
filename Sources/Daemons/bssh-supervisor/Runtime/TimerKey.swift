import AccessControl

/// What a timer is for; there is one timer for each key.
enum TimerKey: Hashable, Sendable {
  case connection(UInt64, ConnectionMachine.Timer)
  case authorityAnswer(UInt64)
  case authorityRestart(UInt64)
  case transportRestart
  /// The standard error of a process is read again.
  case errors(UInt64)
  /// Deadline for a zygote to make the process.
  case made(UInt64)
  /// Deadline for the process to end; then it is killed.
  case kill(UInt64)
  case acceptAgain
  /// Addresses that could not be listened on are tried again.
  case listenAgain
  /// Deadline for the journal to write a batch.
  case journalAnswer
  case journalRestart
  case journalRetry
  /// A recorder may be available again for waiting login records.
  case loginRecords
  /// The name is the exporter's.
  case exporterRestart(String)
  /// Losses of this exporter that were held back are due.
  case exporterLoss(String)
  /// Deadline for the journal to write what is left when the daemon ends.
  case drain
  case banEnd(ClientSource)
  /// Deadline for a load balancer to send a PROXY header.
  case proxyHeader(UInt64)
  case saveBans
  /// Deadline for saving bans before logins go on without this process.
  case letGo
  /// End of the interval in which refused connections are counted.
  case refusals
  /// End of the interval in which events of logins are counted.
  case countedEvents
  /// The login has waited for its user's budget of events.
  case throttle(UInt64)
  case shutDown
}
