/// What there is to know about one type of event: the table of ``EventType/row`` has one for each.
///
/// The log, the journal, the exporters and the supervisor's checks go by it; the schema of a line and the tables of
/// Documentation/AUDIT.md are generated from it.
public struct EventRow: Sendable {
  /// Who may report events of a type. Each may report what those after it may.
  public enum Reporter: Comparable, Sendable {
    /// A file transfer of a login.
    case transfer
    /// The session process of a login.
    case session
    /// The supervisor alone.
    case supervisor
  }

  /// Writes the line of the log, without time, connection and channel.
  typealias Sentence = @Sendable (_ fact: Fact, _ subject: Subject) -> String

  public let reporter: Reporter
  /// The series that it is written to; ``AuditEvent/series`` may say otherwise.
  public let series: JournalSeries
  /// For receivers of events.
  public let severity: Severity.ByResult
  /// The level of its line in the log.
  public let log: Severity.ByResult
  /// Reasons with which its line in the log is a warning, whatever the result.
  public let warnings: [Reason]
  /// The keys of ``Fact`` and ``Subject`` that it may carry, beside ``commonFields``.
  public let fields: [JournalKey]
  /// The codes that its `reason` can be; empty: it has none.
  public let reasons: [Reason]
  /// For the documentation: when it happens.
  public let meaning: String
  /// For the documentation: what `details` has; empty: it has none.
  public let details: String
  let sentence: Sentence

  init(
    _ reporter: Reporter, series: JournalSeries = .main,
    severity: Severity.ByResult = Severity.ByResult(.info, otherwise: .error),
    log: Severity.ByResult = Severity.ByResult(.info), warnings: [Reason] = [],
    fields: [JournalKey] = [], reasons: [Reason] = [], _ meaning: String, details: String = "",
    _ sentence: @escaping Sentence
  ) {
    (self.reporter, self.series, self.severity, self.log) = (reporter, series, severity, log)
    (self.warnings, self.fields, self.reasons) = (warnings, fields, reasons)
    (self.meaning, self.details, self.sentence) = (meaning, details, sentence)
  }

  /// Keys that every event may carry: who and where, and what the line is.
  public static let commonFields: Set<JournalKey> = [
    .id, .timestamp, .eventType, .sessionID, .user, .clientAddress, .clientPort, .clientVersion, .connection, .method,
    .keyFingerprint, .result, .protocol, .version, .sequence, .previous, .host,
  ]
}

extension EventType {
  /// Its row.
  public var row: EventRow { Self.rows[self]! }

  private static let rows = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.makeRow()) })

  /// Where events of this type are. A denial beyond the budget of its login goes to the files all the same,
  /// ``AuditEvent/series``.
  public var series: JournalSeries { row.series }

  /// True for what the process of a login may report; all else is the supervisor's to say.
  public var isOfSession: Bool { row.reporter <= .session }

  /// True for what a file transfer of a login may report to its session.
  public var isOfTransfer: Bool { row.reporter == .transfer }

  /// True for what the process of a login reports once it has happened. That a command starts is told by itself, and
  /// answered.
  public var isToldInBatches: Bool { isOfSession && self != .commandStarted }
}
