/// Why a transport ends its connection, as far as it can know: its last word.
public enum TransportEnd: String, CaseIterable, Sendable {
  case clientDisconnected = "client_disconnected"
  case connectionLost = "connection_lost"
  case noCommonAlgorithm = "no_common_algorithm"
  case protocolError = "protocol_error"
  case keepaliveTimeout = "keepalive_timeout"
  case toldToDisconnect = "told_to_disconnect"
  case sessionEnded = "session_ended"
  case cannotStart = "cannot_start"
  case outOfMemory = "out_of_memory"
}

/// Why a connection ended: the reason of `connection_closed` and `session_end`.
public enum CloseReason: String, EventReason {
  /// The client sent SSH_MSG_DISCONNECT.
  case clientDisconnected = "client_disconnected"
  /// The client's connection ended without SSH_MSG_DISCONNECT, as OpenSSH's client leaves when it cannot log in.
  case connectionLost = "connection_lost"
  case noCommonAlgorithm = "no_common_algorithm"
  case protocolError = "protocol_error"
  case keepaliveTimeout = "keepalive_timeout"
  /// No login within `server.timeout`.
  case loginTimeout = "login_timeout"
  case authenticationFailed = "authentication_failed"
  case idleTimeout = "idle_timeout"
  case sessionTimeout = "session_timeout"
  case tooManySessions = "too_many_sessions"
  case banned
  /// It made room for another connection.
  case madeRoom = "made_room"
  /// nologin(5)
  case noLogins = "nologin"
  case serverShutdown = "server_shutdown"
  case serverRestart = "server_restart"
  case sessionEnded = "session_ended"
  case sessionMisbehaved = "session_misbehaved"
  case sessionNotStarted = "session_not_started"
  case transportLost = "transport_lost"
  case transportMisbehaved = "transport_misbehaved"
  case toldToDisconnect = "told_to_disconnect"
  case cannotStart = "cannot_start"
  case outOfMemory = "out_of_memory"
  case auditUnavailable = "audit_unavailable"
  case recordingFailed = "recording_failed"
  case internalError = "internal_error"
  /// A load balancer connected to check that the server is up; such connections are counted.
  case healthCheck = "health_check"

  public init(_ end: TransportEnd) {
    self =
      switch end {
      case .clientDisconnected: .clientDisconnected
      case .connectionLost: .connectionLost
      case .noCommonAlgorithm: .noCommonAlgorithm
      case .protocolError: .protocolError
      case .keepaliveTimeout: .keepaliveTimeout
      case .toldToDisconnect: .toldToDisconnect
      case .sessionEnded: .sessionEnded
      case .cannotStart: .cannotStart
      case .outOfMemory: .outOfMemory
      }
  }

  /// Whether the connection ended well.
  public var result: EventResult {
    switch self {
    case .clientDisconnected, .sessionEnded, .toldToDisconnect, .idleTimeout, .sessionTimeout, .serverShutdown,
      .serverRestart, .healthCheck:
      .success
    case .banned, .tooManySessions, .noLogins, .madeRoom: .denied
    case .connectionLost, .noCommonAlgorithm, .protocolError, .keepaliveTimeout, .loginTimeout, .authenticationFailed:
      .failure
    case .transportLost, .transportMisbehaved, .sessionMisbehaved, .sessionNotStarted, .cannotStart, .outOfMemory,
      .auditUnavailable, .recordingFailed, .internalError:
      .error
    }
  }
}

/// Why a connection is closed before a byte is sent: the reason of `connection_refused` and `auth_rate_limited`.
public enum ConnectionRefusal: String, EventReason {
  /// In `security.blocked_ips`.
  case blockedAddress = "blocked_ip"
  /// Not in `security.allowed_ips`.
  case addressNotAllowed = "not_allowed_ip"
  case banned
  /// Faster than `security.rate_limit`.
  case rateLimited = "rate_limited"
  case tooManyFromSource = "too_many_from_source"
  case tooManyUnauthenticated = "too_many_unauthenticated"
  case maxConnections = "max_connections"
  case badProxyHeader = "bad_proxy_header"
  case proxyHeaderTimeout = "proxy_header_timeout"
}

/// Why an address was banned: the reason of `ip_blocked`.
public enum BanReason: String, EventReason {
  case failedLogins = "failed_logins"
  case refusedKeys = "refused_keys"
  case transportCrashed = "transport_crashed"
}

/// Why a ban ended: the reason of `ip_unblocked`.
public enum BanEnd: String, EventReason {
  case over = "ban_over"
}

/// Why something is suspicious: the reason of `suspicious_activity`.
public enum Suspicion: String, EventReason {
  case protocolError = "protocol_error"
  /// A client of SFTP or SCP broke the protocol.
  case protocolViolation = "protocol_violation"
  case malformedRequest = "malformed_request"
  case userChanged = "user_changed"
  case unknownService = "unknown_service"
  case unexpectedResponse = "unexpected_response"
  case requestBeforeAnswer = "request_before_answer"
  case transportMisbehaved = "transport_misbehaved"
  case transportCrashed = "transport_crashed"
  case sessionMisbehaved = "session_misbehaved"
}
