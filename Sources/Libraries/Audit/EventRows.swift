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
      ) { "connection from \(AuditRecord.place($1))\(AuditRecord.space($0.details))" }
    case .connectionClosed:
      EventRow(
        .supervisor, warnings: [Reason(CloseReason.madeRoom)], fields: traffic, reasons: CloseReason.all,
        "a connection has ended, and its login with it; with the reason `health_check`: the health checks of a load balancer in one minute",
        details: "the client's message; for `made_room` the address of the new connection"
      ) { record, _ in "\(record.closed)\(AuditRecord.comma(record.duration))\(record.traffic)" }
    case .connectionRefused:
      EventRow(
        .supervisor, severity: warning, log: .init(.info, error: .warning),
        warnings: [Reason(ConnectionRefusal.tooManyUnauthenticated), Reason(ConnectionRefusal.maxConnections)],
        reasons: ConnectionRefusal.all.filter { $0 != Reason(ConnectionRefusal.rateLimited) },
        "a connection was closed before any data was sent", details: "the configuration key"
      ) { "refused \(AuditRecord.place($1)): \($0.why)\(AuditRecord.comma($0.details))" }
    case .authRateLimited:
      EventRow(
        .supervisor, severity: warning, reasons: [Reason(ConnectionRefusal.rateLimited)],
        "a connection was refused because of `security.rate_limit`", details: "the configuration key"
      ) { "refused \(AuditRecord.place($1)): \($0.why)\(AuditRecord.comma($0.details))" }
    case .ipBlocked:
      EventRow(
        .supervisor, severity: .init(.error), log: warning, fields: [.duration], reasons: BanReason.all,
        "an address was banned for `duration_ms`", details: "the duration and the reason"
      ) { "banned \(AuditRecord.place($1))\(AuditRecord.space($0.details))" }
    case .ipUnblocked:
      EventRow(
        .supervisor, reasons: BanEnd.all, "a ban has ended while the daemon was running",
        details: "the number of consecutive bans"
      ) { "unbanned \(AuditRecord.place($1))\(AuditRecord.space($0.details))" }
    case .suspiciousActivity:
      EventRow(
        .transfer, severity: .init(.error), log: .init(.warning, error: .error), fields: [.channel],
        reasons: Suspicion.all,
        "a client violated the protocol, or a process of the server misbehaved",
        details: "the violation"
      ) { record, _ in record.general }

    // MARK: Logins
    case .authSuccess:
      EventRow(.supervisor, "a login was granted", details: "the key and the deciding line") {
        "accepted \(AuditRecord.user($1)) by \(AuditRecord.methods($1))\(AuditRecord.comma($0.details))"
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
        "refused \(AuditRecord.user($1)) by \(AuditRecord.methods($1)): \($0.reason?.code ?? $0.result.rawValue)\(AuditRecord.comma($0.details))"
      }
    case .sessionStart:
      EventRow(.supervisor, "a login starts", details: "the account") {
        "logged in \(AuditRecord.user($1))\(AuditRecord.space($0.details))"
      }
    case .sessionEnd:
      EventRow(
        .supervisor, fields: traffic, reasons: CloseReason.all,
        "a login has ended, after the events of its programs", details: "the client's message"
      ) { "logged out \(AuditRecord.user($1))\($0.after)\($0.traffic)" }
    case .sessionLost:
      EventRow(
        .supervisor, severity: .init(.error), log: warning, reasons: SessionLoss.all,
        "the session process has ended without reporting the ends of all programs; its user can kill or stop it",
        details: "the programs whose end was not reported"
      ) { "lost the session process of \(AuditRecord.user($1)): \($0.why)\(AuditRecord.comma($0.details))" }
    case .recordingStarted:
      EventRow(
        .supervisor, log: .init(.info, otherwise: .error), fields: [.channel, .path], reasons: RecordingFailure.all,
        "the recording of a terminal has started or failed to start", details: "the error"
      ) { record, _ in record.general }
    case .recordingFinished:
      EventRow(
        .supervisor, log: .init(.info, otherwise: .error), fields: [.channel, .path, .bytes, .duration],
        reasons: RecordingFailure.all, "the recording of a terminal has ended", details: "the SHA-256 of the file"
      ) { record, _ in record.general }

    // MARK: Commands
    case .commandStarted:
      // The log has a line when the command ends, and a note that it started.
      EventRow(
        .session, log: quiet, fields: [.channel, .command],
        "a shell, a command, SFTP or SCP is about to start; it waits until this event is in the journal",
        details: "the terminal, or the forced command"
      ) { record, _ in "\(record.program) starts\(AuditRecord.comma(record.details))" }
    case .commandExecuted:
      EventRow(
        .session, fields: [.channel, .command, .exitStatus, .signal] + traffic, reasons: ProgramEnd.all,
        "a shell, a command, SFTP or SCP has ended", details: "the terminal, or the forced command"
      ) { record, _ in
        "\(record.program) \(record.ending)\(record.after)\(record.traffic)\(AuditRecord.comma(record.details))"
      }
    case .commandBlocked:
      EventRow(
        .session, severity: warning, fields: [.channel, .command, .rule], reasons: CommandDenial.all,
        "a shell, a command, a subsystem, a terminal or a signal was refused", details: "`terminal`, or the signal"
      ) { record, _ in "\(record.details ?? record.program) refused: \(record.why)" }

    // MARK: Files
    case .fileOpenRead:
      EventRow(.transfer, series: .files, log: quiet, fields: [.channel, .path], "a file was opened for reading") {
        record, _ in
        "open \(record.name) for reading\(record.failure)"
      }
    case .fileOpenWrite:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path], "a file was opened for writing",
        details: "`for reading, too`"
      ) { record, _ in "open \(record.name) for writing\(record.failure)" }
    case .fileRead:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path, .bytes, .bytesOut],
        "part of a file was read; only with `audit.verbose_io`", details: "the offset"
      ) { record, _ in "read \(record.name): \(record.bytes ?? 0) bytes\(AuditRecord.comma(record.details))" }
    case .fileWrite:
      EventRow(
        .transfer, series: .files, log: quiet, fields: [.channel, .path, .bytes, .bytesIn],
        "part of a file was written; only with `audit.verbose_io`", details: "the offset"
      ) { record, _ in "write \(record.name): \(record.bytes ?? 0) bytes\(AuditRecord.comma(record.details))" }
    case .fileClose:
      EventRow(.transfer, series: .files, log: quiet, fields: [.channel, .path] + traffic, "a file was closed") {
        record, _ in
        "close \(record.name): \(record.bytesIn ?? 0) bytes in, \(record.bytesOut ?? 0) bytes out, \(record.milliseconds ?? 0) ms"
      }
    case .fileUploaded:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .bytes, .bytesIn, .duration, .rule],
        reasons: FileRefusal.all.filter { $0 != Reason(FileRefusal.requestNotAllowed) },
        "a file was written, from opening to closing; `failure` if it is incomplete",
        details: "the system error"
      ) { record, _ in
        "upload \(record.name): \(record.bytes ?? 0) bytes, \(record.milliseconds ?? 0) ms\(record.shortfall)"
      }
    case .fileDownloaded:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .bytes, .bytesOut, .duration], "a file was read completely"
      ) { record, _ in
        "download \(record.name): \(record.bytes ?? 0) bytes, \(record.milliseconds ?? 0) ms\(record.shortfall)"
      }
    case .fileDeleted:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a file was deleted") { record, _ in
        "delete \(record.name)\(record.failure)"
      }
    case .fileRenamed:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .destination], "a file or a directory was renamed"
      ) { record, _ in "rename \(record.name) to \(record.otherName)\(record.failure)" }
    case .directoryCreated:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a directory was created") { record, _ in
        "make directory \(record.name)\(record.failure)"
      }
    case .directoryDeleted:
      EventRow(.transfer, series: .files, fields: [.channel, .path], "a directory was deleted") { record, _ in
        "delete directory \(record.name)\(record.failure)"
      }
    case .directoryListed:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path], "a directory was listed completely or closed",
        details: "the number of entries"
      ) { record, _ in "list \(record.name): \(record.details ?? "")" }
    case .attributesChanged:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path], "mode, owner, size or times of a file were changed",
        details: "the attributes"
      ) { record, _ in "change \(record.name): \(record.details ?? "")" }
    case .linkCreated:
      EventRow(
        .transfer, series: .files, fields: [.channel, .path, .destination], "a symbolic or hard link was created",
        details: "the kind of the link"
      ) { record, _ in "make \(record.details ?? "link") \(record.name) to \(record.otherName)" }
    case .transferDenied:
      EventRow(
        .transfer, severity: warning, fields: [.channel, .path, .destination, .rule],
        reasons: [
          FileRefusal.deniedByRule, .readOnly, .permissionDenied, .readOnlyFileSystem, .requestNotAllowed,
        ].map { Reason($0) },
        "a file operation was refused by a rule of `filter`, by the system, or because the login is read-only",
        details: "the operation"
      ) { record, _ in "denied by \(record.rule ?? record.why): \(record.operation)" }
    case .transferAllowed:
      EventRow(
        .transfer, series: .files, severity: .init(.debug, otherwise: .error),
        fields: [.channel, .path, .destination, .rule],
        "a rule of `filter` with the action `log` permitted a file operation", details: "the operation"
      ) { record, _ in "allowed by \(record.rule ?? ""): \(record.operation)" }

    // MARK: Forwards
    case .forwardOpen:
      EventRow(
        .session, series: .files, severity: .init(.info, otherwise: .warning, error: .error),
        fields: forward + [.address], reasons: ForwardFailure.all,
        "a forwarded connection was made; `failure` when it was permitted and could not be made",
        details: "the error of the system or of the resolver"
      ) { record, _ in "forward to \(record.forwardTarget)\(record.reached)\(record.origin)\(record.forwardFailure)" }
    case .forwardClosed:
      EventRow(
        .session, series: .files, fields: forward + [.address] + traffic, "a forwarded connection has ended"
      ) { record, _ in "forward to \(record.forwardTarget) closed\(record.after)\(record.traffic)" }
    case .forwardDenied:
      EventRow(
        .session, severity: warning, fields: forward + [.rule], reasons: ForwardDenial.all,
        "a forward was refused by a rule or a limit, or its target is impossible"
      ) { record, _ in
        "forward to \(record.forwardTarget)\(record.origin) refused: \(record.why)\(AuditRecord.comma(record.rule))"
      }
    case .agentForwarded: EventRow(.session, "never: agents are not forwarded") { record, _ in record.general }

    // The log has other lines about these.
    case .daemonStarted:
      EventRow(.supervisor, log: quiet, "the daemon accepts connections", details: "the version") { record, _ in
        record.general
      }
    case .daemonStopped:
      EventRow(.supervisor, log: quiet, "the daemon has stopped", details: "the version") { record, _ in record.general
      }
    case .configurationLoaded:
      EventRow(
        .supervisor, log: quiet, fields: [.path], "a configuration was loaded, at the start or at a reload",
        details: "the number of warnings"
      ) { record, _ in record.general }
    case .configurationRejected:
      EventRow(
        .supervisor, severity: .init(.error), log: quiet, fields: [.path], "a configuration was rejected at a reload",
        details: "the error"
      ) { record, _ in record.general }
    case .adminAction:
      EventRow(
        .supervisor, reasons: AdminRequest.all, "the daemon has received a signal",
        details: "the sending process and user"
      ) { record, _ in record.general }
    case .eventsCounted:
      EventRow(
        .supervisor, fields: [.duration], reasons: CountReason.all,
        "a login had too many listings, changes of attributes or denials of files and forwards to write them individually",
        details: "the number of each type, and the period"
      ) { record, _ in record.general }
    case .auditGap:
      EventRow(
        .supervisor, severity: .init(.error), log: .init(.error), reasons: JournalGap.all + ExportLoss.all,
        "events are missing in the journal or will not reach a receiver", details: "the number of events"
      ) { record, _ in record.general }
    }
  }
}
