/// Why a transport ended its connection, as reported in its final message.
public enum TransportEnd: String, CaseIterable, Sendable {
  /// The client sent SSH_MSG_DISCONNECT.
  case clientDisconnected = "client_disconnected"
  /// The TCP connection ended without SSH_MSG_DISCONNECT.
  case connectionLost = "connection_lost"
  /// Client and server have no algorithm in common.
  case noCommonAlgorithm = "no_common_algorithm"
  /// The client violated the protocol.
  case protocolError = "protocol_error"
  /// The client did not answer keepalive requests.
  case keepaliveTimeout = "keepalive_timeout"
  /// The supervisor told the transport to disconnect, or is gone.
  case toldToDisconnect = "told_to_disconnect"
  /// The session process has ended.
  case sessionEnded = "session_ended"
  /// The transport could not start.
  case cannotStart = "cannot_start"
  /// Memory is exhausted.
  case outOfMemory = "out_of_memory"
}

/// Why a connection ended: the reason of `connection_closed` and `session_end`.
public enum CloseReason: String, EventReason {
  /// The client sent SSH_MSG_DISCONNECT.
  case clientDisconnected = "client_disconnected"
  /// The TCP connection ended without SSH_MSG_DISCONNECT, as with OpenSSH's client when it cannot log in.
  case connectionLost = "connection_lost"
  /// Client and server have no algorithm in common.
  case noCommonAlgorithm = "no_common_algorithm"
  /// The client violated the protocol.
  case protocolError = "protocol_error"
  /// The client did not answer keepalive requests.
  case keepaliveTimeout = "keepalive_timeout"
  /// There was no login within `server.timeout`.
  case loginTimeout = "login_timeout"
  /// The login failed for good, for example after too many failures.
  case authenticationFailed = "authentication_failed"
  /// The connection was idle for too long.
  case idleTimeout = "idle_timeout"
  /// The login reached its maximum duration.
  case sessionTimeout = "session_timeout"
  /// The user has the maximum number of logins.
  case tooManySessions = "too_many_sessions"
  /// The source was banned.
  case banned
  /// The connection was closed to make room for another one.
  case madeRoom = "made_room"
  /// Only root may log in at the moment. nologin(5)
  case noLogins = "nologin"
  /// The daemon is stopping.
  case serverShutdown = "server_shutdown"
  /// The daemon is restarting.
  case serverRestart = "server_restart"
  /// The session process has ended.
  case sessionEnded = "session_ended"
  /// The session process violated our internal protocol.
  case sessionMisbehaved = "session_misbehaved"
  /// The session process could not be started.
  case sessionNotStarted = "session_not_started"
  /// The transport ended without a final message.
  case transportLost = "transport_lost"
  /// The transport violated our internal protocol.
  case transportMisbehaved = "transport_misbehaved"
  /// The supervisor told the transport to disconnect, or is gone.
  case toldToDisconnect = "told_to_disconnect"
  /// The transport could not start.
  case cannotStart = "cannot_start"
  /// Memory is exhausted.
  case outOfMemory = "out_of_memory"
  /// Events cannot be written, and `audit.on_failure` is `refuse`.
  case auditUnavailable = "audit_unavailable"
  /// A required recording cannot be written.
  case recordingFailed = "recording_failed"
  /// A fault of the server.
  case internalError = "internal_error"
  /// Connections of a load balancer that checks whether the server is up; they are only counted.
  case healthCheck = "health_check"

  /// The reason that corresponds to a transport's final message.
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

  /// The result of the event for this reason.
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

/// Why a connection is closed before anything is sent: the reason of `connection_refused` and `auth_rate_limited`.
public enum ConnectionRefusal: String, EventReason {
  /// The address is in `security.blocked_ips`.
  case blockedAddress = "blocked_ip"
  /// The address is not in `security.allowed_ips`.
  case addressNotAllowed = "not_allowed_ip"
  /// The source is banned.
  case banned
  /// The source exceeds `security.rate_limit`.
  case rateLimited = "rate_limited"
  /// The source has too many connections without a login.
  case tooManyFromSource = "too_many_from_source"
  /// There are too many connections without a login.
  case tooManyUnauthenticated = "too_many_unauthenticated"
  /// There are too many connections.
  case maxConnections = "max_connections"
  /// A load balancer sent an invalid PROXY header.
  case badProxyHeader = "bad_proxy_header"
  /// A load balancer did not send a PROXY header in time.
  case proxyHeaderTimeout = "proxy_header_timeout"
}

/// Why an address was banned: the reason of `ip_blocked`.
public enum BanReason: String, EventReason {
  /// Too many failed logins.
  case failedLogins = "failed_logins"
  /// Too many connections with refused keys only.
  case refusedKeys = "refused_keys"
  /// A transport crashed or misbehaved.
  case transportCrashed = "transport_crashed"
}

/// Why a ban ended: the reason of `ip_unblocked`.
public enum BanEnd: String, EventReason {
  /// Its time has passed.
  case over = "ban_over"
}

/// Why an event is suspicious: the reason of `suspicious_activity`.
public enum Suspicion: String, EventReason {
  /// A client violated the SSH protocol.
  case protocolError = "protocol_error"
  /// A client violated SFTP or SCP.
  case protocolViolation = "protocol_violation"
  /// An authentication request does not parse.
  case malformedRequest = "malformed_request"
  /// The user name changed between authentication requests.
  case userChanged = "user_changed"
  /// The requested service is not ssh-connection.
  case unknownService = "unknown_service"
  /// A keyboard-interactive response arrived without a request.
  case unexpectedResponse = "unexpected_response"
  /// An authentication request arrived before the answer to the previous one.
  case requestBeforeAnswer = "request_before_answer"
  /// A transport violated our internal protocol.
  case transportMisbehaved = "transport_misbehaved"
  /// A transport crashed.
  case transportCrashed = "transport_crashed"
  /// A session process violated our internal protocol.
  case sessionMisbehaved = "session_misbehaved"
}
