import Audit

/// Why a connection is closed before the server sends anything.
public enum Refusal: Hashable, Sendable {
  /// The address is in this range of `security.blocked_ips`.
  case blocked(AddressRange)
  /// The address is not in `security.allowed_ips`.
  case notAllowed
  /// The source is banned for this many more milliseconds.
  case banned(milliseconds: Int64)
  /// The source exceeds `security.rate_limit`.
  case rateLimited
  /// The source has `server.max_unauthenticated_per_source` connections without a login.
  case tooManyFromSource
  /// There are `server.max_unauthenticated` connections without a login, or enough for random early drop.
  case tooManyUnauthenticated
  /// There are `server.max_connections` connections.
  case maxConnections

  /// The reason for the journal and the log.
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
