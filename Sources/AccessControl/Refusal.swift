/// Why a connection is closed before the server has said a word.
public enum Refusal: Hashable, Sendable {
  /// In this range of `security.blocked_ips`.
  case blocked(AddressRange)
  /// Not in `security.allowed_ips`.
  case notAllowed
  /// For so many milliseconds more.
  case banned(milliseconds: Int64)
  /// Faster than `security.rate_limit`.
  case rateLimited
  /// `server.max_unauthenticated_per_source` of its source are there.
  case tooManyFromSource
  /// `server.max_unauthenticated` are there, or so many that some are refused.
  case tooManyUnauthenticated
  /// `server.max_connections` are there.
  case maxConnections

  /// A stable code for the log.
  public var code: String {
    switch self {
    case .blocked: "blocked_ip"
    case .notAllowed: "not_allowed_ip"
    case .banned: "banned"
    case .rateLimited: "rate_limited"
    case .tooManyFromSource: "too_many_from_source"
    case .tooManyUnauthenticated: "too_many_unauthenticated"
    case .maxConnections: "max_connections"
    }
  }
}
