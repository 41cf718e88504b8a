import Audit

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

  /// Why, for the journal and the log.
  public var reason: ConnectionRefusal {
    switch self {
    case .blocked: .blockedAddress
    case .notAllowed: .addressNotAllowed
    case .banned: .banned
    case .rateLimited: .rateLimited
    case .tooManyFromSource: .tooManyFromSource
    case .tooManyUnauthenticated: .tooManyUnauthenticated
    case .maxConnections: .maxConnections
    }
  }
}
