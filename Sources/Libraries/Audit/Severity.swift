/// The severity of an event for receivers, and the level of its line in the log.
public enum Severity: CaseIterable, Sendable {
  case debug, info, warning, error

  /// `SeverityNumber` in the OpenTelemetry log data model.
  public var number: Int64 {
    switch self {
    case .debug: 5
    case .info: 9
    case .warning: 13
    case .error: 17
    }
  }

  /// The short name in the OpenTelemetry log data model.
  public var name: String {
    switch self {
    case .debug: "DEBUG"
    case .info: "INFO"
    case .warning: "WARN"
    case .error: "ERROR"
    }
  }

  /// The numerical severity. RFC 5424, section 6.2.1
  public var syslog: Int {
    switch self {
    case .debug: 7
    case .info: 6
    case .warning: 4
    case .error: 3
    }
  }

  /// A severity for each result.
  public struct ByResult: Equatable, Sendable {
    let success, failure, denied, error: Severity

    /// - Parameters:
    ///   - otherwise: for results other than `success`; nil: as for `success`.
    ///   - error: for `error`; nil: as for the other results.
    init(_ success: Severity, otherwise: Severity? = nil, error: Severity? = nil) {
      self.success = success
      failure = otherwise ?? success
      denied = failure
      self.error = error ?? failure
    }

    /// The severity of this result.
    public subscript(result: EventResult) -> Severity {
      switch result {
      case .success: success
      case .failure: failure
      case .denied: denied
      case .error: error
      }
    }
  }
}

extension AuditRecord {
  /// The severity for receivers: OTLP and syslog.
  public var severity: Severity { type.row.severity[result] }

  /// The level of its line in the log.
  public var logLevel: Severity {
    if let reason, type.row.warnings.contains(reason) { return .warning }
    return type.row.log[result]
  }
}
