// The table of event types. A new type is added here and to ``EventType``.
extension EventType {
  func makeRow() -> EventRow {
    let warning = Severity.ByResult(.warning)
    let quiet = Severity.ByResult(.debug)
    let forward: [JournalKey] = [.channel, .path, .forwardKind, .target, .originator]
    let traffic: [JournalKey] = [.duration, .bytes, .bytesIn, .bytesOut]
    return switch self {
    // MARK: Connections
    case .connectionOpen:
      EventRow(
        .supervisor, "a connection was accepted", details: "the addresses of the server and the proxy"
      ) { "connection from \(Fact.place($1))\(Fact.space($0.details))" }
    case .connectionClosed:
      EventRow(
        .supervisor, warnings: [Reason(CloseReason.madeRoom)], fields: traffic, reasons: CloseReason.all,
        "a connection has ended, and its login with it; with the reason `health_check`: the health checks of a load balancer in one minute",
        details: "the client's message; for `made_room` the address of the new connection"
      ) { fact, _ in "\(fact.closed)\(Fact.comma(fact.duration))\(fact.traffic)" }
    case .connectionRefused:
      EventRow(
        .supervisor, severity: warning, log: .init(.info, error: .warning),
        warnings: [Reason(ConnectionRefusal.tooManyUnauthenticated), Reason(ConnectionRefusal.maxConnections)],
        reasons: ConnectionRefusal.all.filter { $0 != Reason(ConnectionRefusal.rateLimited) },
        "a connection was closed before any data was sent", details: "the configuration key"
      ) { "refused \(Fact.place($1)): \($0.why)\(Fact.comma($0.details))" }
    case .authRateLimited:
      EventRow(
        .supervisor, severity: warning, reasons: [Reason(ConnectionRefusal.rateLimited)],
        "a connection was refused because of `security.rate_limit`", details: "the configuration key"
      ) { "refused \(Fact.place($1)): \($0.why)\(Fact.comma($0.details))" }
    case .ipBlocked:
      EventRow(
        .supervisor, severity: .init(.error), log: warning, fields: [.duration], reasons: BanReason.all,
        "an address was banned for `duration_ms`", details: "the duration and the reason"
      ) { "banned \(Fact.place($1))\(Fact.space($0.details))" }
    case .ipUnblocked:
      EventRow(
        .supervisor, reasons: BanEnd.all, "a ban has ended while the daemon was running",
        details: "the number of consecutive bans"
      ) { "unbanned \(Fact.place($1))\(Fact.space($0.details))" }
    case .suspiciousActivity:
      EventRow(
        .transfer, severity: .init(.error), log: .init(.warning, error: .error), fields: [.channel],
        reasons: Suspicion.all,
        "a client violated the protocol, or a process of the server misbehaved",
        details: "the violation"
      ) { fact, _ in fact.general }

    // MARK: Logins
    case .authSuccess:
      EventRow(.supervisor, "a login was granted", details: "the key and the deciding line") {
        "accepted \(Fact.user($1)) by \(Fact.methods($1))\(Fact.comma($0.details))"
      }
    case .authFailure:
      EventRow(
        .supervisor, severity: warning,
        reasons: LoginRefusal.all.filter { $0 != Reason(LoginRefusal.credentials) } + AccountRefusal.all
          + KeyRefusal.all + ProofRefusal.all + LoginFailure.all,
        "a login attempt failed, or the client left before the reply. A key that is only queried is not an attempt, "
          + "but a client that only sends queries and leaves has made one",
        details: "the key and the deciding line"
      ) {
        "refused \(Fact.user($1)) by \(Fact.methods($1)): \($0.reason?.code ?? $0.result.rawValue)\(Fact.comma($0.details))"
      }
    case .sessionStart:
      EventRow(.supervisor, "a login starts", details: "the account") {
        "logged in \(Fact.user($1))\(Fact.space($0.details))"
      }
    case .sessionEnd:
      EventRow(
        .supervisor, fields: traffic, reasons: CloseReason.all,
        "a login has ended, after the events of its programs", details: "the client's message"
      ) { "logged out \(Fact.user($1))\($0.after)\($0.traffic)" }
    case .sessionLost:
      EventRow(
        .supervisor, severity: .init(.error), log: warning, reasons: SessionLoss.all,
        "the session process has ended without reporting the ends of all programs; its user can kill or stop it",
        details: "the programs whose end was not reported"
      ) { "lost the session process of \(Fact.user($1)): \($0.why)\(Fact.comma($0.details))" }
    case .recordingStarted:
      EventRow(
        .supervisor, log: .init(.info, otherwise: .error), fields: [.channel, .path], reasons: RecordingFailure.all,
        "the recording of a terminal has started or failed to start", details: "the error"
      ) { fact, _ in fact.general }
    case .recordingFinished:
      EventRow(
        .supervisor, log: .init(.info, otherwise: .error), fields: [.channel, .path, .bytes, .duration],
        reasons: RecordingFailure.all, "the recording of a terminal has ended", details: "the SHA-256 of the file"
      ) { fact, _ in fact.general }

    // MARK: Commands
    case .commandStarted:
      // The log has a line when the command ends, and a note that it started.
      EventRow(
        .session, log: quiet, fields: [.channel, .command],
        "a shell, a command, SFTP or SCP is about to start; it waits until this event is in the journal",
        details: "the terminal, or the forced command"
      ) { fact, _ in "\(fact.program) starts\(Fact.comma(fact.details))" }
    case .commandExecuted:
      EventRow(
        .session, fields: [.channel, .command, .exitStatus, .signal] + traffic, reasons: ProgramEnd.all,
        "a shell, a command, SFTP or SCP has ended", details: "the terminal, or the forced command"
      ) { fact, _ in "\(fact.program) \(fact.ending)\(fact.after)\(fact.traffic)\(Fact.comma(fact.details))" }
    case .commandBlocked:
      EventRow(
        .session, severity: warning, fields: [.channel, .command, .rule], reasons: CommandDenial.all,
        "a shell, a command, a subsystem, a terminal or a signal was refused", details: "`terminal`, or the signal"
      ) { fact, _ in "\(fact.details ?? fact.program) refused: \(fact.why)" }

    // MARK: Files
    case .fileOpenRead:
      EventRow(.transfer, series: .files, log: quiet, fields: [.channel, .path], "a file was opened for reading") {
        fact, _ in
        "open \(fact.name) for reading\(fact.failure)"
      }
    case .fileOpenWrite:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path], "a file was opened for writing",
        details: "`for reading, too`"
      ) { fact, _ in "open \(fact.name) for writing\(fact.failure)" }
    case .fileRead:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path, .bytes, .bytesOut],
        "part of a file was read; only with `audit.verbose_io`", details: "the offset"
      ) { fact, _ in "read \(fact.name): \(fact.bytes ?? 0) bytes\(Fact.comma(fact.details))" }
    case .fileWrite:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path, .bytes, .bytesIn],
        "part of a file was written; only with `audit.verbose_io`", details: "the offset"
      ) { fact, _ in "write \(fact.name): \(fact.bytes ?? 0) bytes\(Fact.comma(fact.details))" }
    case .fileClose:
      EventRow(.transfer, series: .files, log: quiet, fields: [.channel, .path] + traffic, "a file was closed") {
        fact, _ in
        "close \(fact.name): \(fact.bytesIn ?? 0) bytes in, \(fact.bytesOut ?? 0) bytes out, \(fact.milliseconds ?? 0) ms"
      }
    case .fileUploaded:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .bytes, .bytesIn, .duration, .rule],
        reasons: FileRefusal.all.filter { $0 != Reason(FileRefusal.requestNotAllowed) },
        "a file was written, from opening to closing; `failure` if it is incomplete",
        details: "the system error"
      ) { fact, _ in
        "upload \(fact.name): \(fact.bytes ?? 0) bytes, \(fact.milliseconds ?? 0) ms\(fact.shortfall)"
      }
    case .fileDownloaded:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .bytes, .bytesOut, .duration], "a file was read completely"
      ) { fact, _ in
        "download \(fact.name): \(fact.bytes ?? 0) bytes, \(fact.milliseconds ?? 0) ms\(fact.shortfall)"
      }
    case .fileDeleted:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a file was deleted") { fact, _ in
        "delete \(fact.name)\(fact.failure)"
      }
    case .fileRenamed:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .destination], "a file or a directory was renamed"
      ) { fact, _ in "rename \(fact.name) to \(fact.otherName)\(fact.failure)" }
    case .directoryCreated:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a directory was created") { fact, _ in
        "make directory \(fact.name)\(fact.failure)"
      }
    case .directoryDeleted:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a directory was deleted") { fact, _ in
        "delete directory \(fact.name)\(fact.failure)"
      }
    case .directoryListed:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path], "a directory was listed completely or closed",
        details: "the number of entries"
      ) { fact, _ in "list \(fact.name): \(fact.details ?? "")" }
    case .attributesChanged:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path], "mode, owner, size or times of a file were changed",
        details: "the attributes"
      ) { fact, _ in "change \(fact.name): \(fact.details ?? "")" }
    case .linkCreated:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .destination], "a symbolic or hard link was created",
        details: "the kind of the link"
      ) { fact, _ in "make \(fact.details ?? "link") \(fact.name) to \(fact.otherName)" }
    case .transferDenied:
      EventRow(
        .transfer, severity: warning, fields: [.channel, .path, .destination, .rule],
        reasons: [
          FileRefusal.deniedByRule, .readOnly, .permissionDenied, .readOnlyFileSystem, .requestNotAllowed,
        ].map { Reason($0) },
        "a file operation was refused by a rule of `filter`, by the system, or because the login is read-only",
        details: "the operation"
      ) { fact, _ in "denied by \(fact.rule ?? fact.why): \(fact.operation)" }
    case .transferAllowed:
      EventRow(
        .transfer, series: .files, severity: .init(.debug, otherwise: .error),
        fields: [.channel, .path, .destination, .rule],
        "a rule of `filter` with the action `log` permitted a file operation", details: "the operation"
      ) { fact, _ in "allowed by \(fact.rule ?? ""): \(fact.operation)" }

    // MARK: Forwards
    case .forwardOpen:
      EventRow(
        .session, series: .files, severity: .init(.info, otherwise: .warning, error: .error),
        fields: forward + [.address], reasons: ForwardFailure.all,
        "a forwarded connection was made; `failure` when it was permitted and could not be made",
        details: "the error of the system or of the resolver"
      ) { fact, _ in "forward to \(fact.forwardTarget)\(fact.reached)\(fact.origin)\(fact.forwardFailure)" }
    case .forwardClosed:
      EventRow(
        .session, series: .files, fields: forward + [.address] + traffic, "a forwarded connection has ended"
      ) { fact, _ in "forward to \(fact.forwardTarget) closed\(fact.after)\(fact.traffic)" }
    case .forwardDenied:
      EventRow(
        .session, severity: warning, fields: forward + [.rule], reasons: ForwardDenial.all,
        "a forward was refused by a rule or a limit, or its target is impossible"
      ) { fact, _ in "forward to \(fact.forwardTarget)\(fact.origin) refused: \(fact.why)\(Fact.comma(fact.rule))" }
    case .agentForwarded: EventRow(.session, "never: agents are not forwarded") { fact, _ in fact.general }

    // The log has other lines about these.
    case .daemonStarted:
      EventRow(.supervisor, log: quiet, "the daemon accepts connections", details: "the version") { fact, _ in
        fact.general
      }
    case .daemonStopped:
      EventRow(.supervisor, log: quiet, "the daemon has stopped", details: "the version") { fact, _ in fact.general }
    case .configurationLoaded:
      EventRow(
        .supervisor, log: quiet, fields: [.path], "a configuration was loaded, at the start or at a reload",
        details: "the number of warnings"
      ) { fact, _ in fact.general }
    case .configurationRejected:
      EventRow(
        .supervisor, severity: .init(.error), log: quiet, fields: [.path], "a configuration was rejected at a reload",
        details: "the error"
      ) { fact, _ in fact.general }
    case .adminAction:
      EventRow(
        .supervisor, reasons: AdminRequest.all, "the daemon has received a signal",
        details: "the sending process and user"
      ) { fact, _ in fact.general }
    case .eventsCounted:
      EventRow(
        .supervisor, fields: [.duration], reasons: CountReason.all,
        "a login had too many listings, changes of attributes or denials of files and forwards to write them individually",
        details: "the number of each type, and the period"
      ) { fact, _ in fact.general }
    case .auditGap:
      EventRow(
        .supervisor, severity: .init(.error), log: .init(.error), reasons: JournalGap.all + ExportLoss.all,
        "events are missing in the journal or will not reach a receiver", details: "the number of events"
      ) { fact, _ in fact.general }
    }
  }
}
