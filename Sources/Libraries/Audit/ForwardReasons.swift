/// What a forward is: `forward_kind` of its events.
public enum ForwardKind: String, CaseIterable, Sendable {
  /// A connection that the client asked for, to a TCP port. RFC 4254, section 7.2
  case local
  /// A connection that the client asked for, to a Unix socket. OpenSSH's PROTOCOL, section 2.4
  case localSocket = "local_socket"
}

/// Why a forward is refused: the reason of `forward_denied`.
public enum ForwardDenial: String, EventReason {
  /// The login may not forward at all; the rule says which key or option decides.
  case notPermitted = "forwarding_not_permitted"
  /// A list of places does not have the target.
  case targetNotPermitted = "target_not_permitted"
  /// An empty, overlong or impossible name, path or port.
  case malformed = "malformed_target"
  /// `forwarding.max_channels`.
  case tooMany = "too_many_forwards"
}

/// Why a permitted forward could not connect: the reason of `forward_open`.
public enum ForwardFailure: String, EventReason {
  /// The name has no address, or was not resolved in time.
  case notResolved = "name_not_resolved"
  /// ECONNREFUSED.
  case refused = "connection_refused"
  /// No route to the address, or the network is down.
  case unreachable
  /// `forwarding.connect_timeout` has expired.
  case timedOut = "connect_timeout"
  /// EACCES or EPERM: permissions of a Unix socket, or a firewall.
  case permissionDenied = "permission_denied"
  /// ENOENT or ENOTSOCK: there is no such Unix socket.
  case noSocket = "no_such_socket"
  /// Descriptors or memory are exhausted.
  case noResources = "out_of_resources"
  /// The client closed the channel, or its login ended, before the connection was made.
  case abandoned
  /// Any other error of the system.
  case failed = "connect_failed"
}
