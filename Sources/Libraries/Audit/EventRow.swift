/// The properties of one event type; ``EventType/row`` has a row for each.
///
/// The log, the journal, the exporters and the supervisor's checks use them. The JSON schema of a line and the tables
/// in Documentation/AUDIT.md are generated from them.
public struct EventRow: Sendable {
  /// The least privileged process that may report events of a type. Those after it may report them too.
  public enum Reporter: Comparable, Sendable {
    /// A file transfer process.
    case transfer
    /// The session process of a login.
    case session
    /// Only the supervisor.
    case supervisor
  }

  /// Composes the line of the log, without time, connection and channel.
  typealias LogMessage = @Sendable (_ record: AuditRecord, _ subject: Subject) -> String

  /// The least privileged process that may report the event.
  public let reporter: Reporter
  /// The series to which it is written; ``AuditEvent/series`` can override it.
  public let series: JournalSeries
  /// The severity for receivers of events.
  public let severity: Severity.ByResult
  /// The level of its line in the log.
  public let log: Severity.ByResult
  /// Reasons for which the line in the log is a warning, regardless of the result.
  public let warnings: [Reason]
  /// The keys of ``AuditRecord`` and ``Subject`` that it may have, besides ``commonFields``.
  public let fields: [JournalKey]
  /// The reason codes that it may have; empty: none.
  public let reasons: [Reason]
  /// For the documentation: when the event happens.
  public let meaning: String
  /// For the documentation: the content of `details`; empty: none.
  public let details: String
  let logMessage: LogMessage

  init(
    _ reporter: Reporter, series: JournalSeries = .main,
    severity: Severity.ByResult = Severity.ByResult(.info, otherwise: .error),
    log: Severity.ByResult = Severity.ByResult(.info), warnings: [Reason] = [],
    fields: [JournalKey] = [], reasons: [Reason] = [], _ meaning: String, details: String = "",
    _ logMessage: @escaping LogMessage
  ) {
    (self.reporter, self.series, self.severity, self.log) = (reporter, series, severity, log)
    (self.warnings, self.fields, self.reasons) = (warnings, fields, reasons)
    (self.meaning, self.details, self.logMessage) = (meaning, details, logMessage)
  }

  /// Keys that every event may have: who, where, and the position in the journal.
  public static let commonFields: Set<JournalKey> = [
    .id, .timestamp, .eventType, .sessionID, .user, .clientAddress, .clientPort, .clientVersion, .connection, .method,
    .keyFingerprint, .keyExchange, .result, .protocol, .version, .sequence, .previous, .host,
  ]
}

extension EventType {
  /// The properties of the event type.
  public var row: EventRow { Self.rows[self]! }

  private static let rows = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.makeRow()) })

  /// The series of events of this type. Denials beyond the budget of their login are nevertheless in the series of file
  /// events: ``AuditEvent/series``.
  public var series: JournalSeries { row.series }

  /// True if a session process may report this event; others are reported by the supervisor only.
  public var isOfSession: Bool { row.reporter <= .session }

  /// True if a file transfer process may report this event to its session process.
  public var isOfTransfer: Bool { row.reporter == .transfer }

  /// True if session processes report this event in batches after it happened. `commandStarted` is reported alone and
  /// acknowledged.
  public var isSentInBatches: Bool { isOfSession && self != .commandStarted }
}
