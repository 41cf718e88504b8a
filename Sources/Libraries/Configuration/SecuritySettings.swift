import AccessControl

extension Settings {
  /// `security:`: limits of connections and logins, and bans.
  public struct Security: Equatable, Sendable {
    /// Addresses that may connect; empty: all.
    public var allowedIPs: [AddressRange] = []
    /// Addresses that may not connect; overrides ``allowedIPs``.
    public var blockedIPs: [AddressRange] = []
    /// Addresses that are never banned, and to which limits for a source do not apply.
    public var whitelistIPs: [AddressRange] = []
    /// Average number of connections from one source per second; 0: no limit.
    public var connectionsPerSecond = 10
    /// Number of connections that one source may open at once.
    public var connectionBurst = 100
    /// Number of failed logins that cause a ban; 0: no bans.
    public var maxAuthAttempts = 5
    /// Number of connections with only refused keys that cause a ban; 0: no bans.
    public var maxKeyFailures = 20
    /// The period in which failures are counted, in seconds.
    public var authWindow = 300
    /// The duration of the first ban, in seconds.
    public var banTime = 300
    /// The factor by which each further ban is longer than the previous one.
    public var banFactor = 2
    /// The maximum duration of a ban, in seconds.
    public var banMax = 86400
    /// The file that preserves bans over a restart; nil: bans end with the daemon.
    public var banStateFile: String? = "/var/lib/bssh/bans"
    /// Maximum number of simultaneous logins of a user.
    public var maxSessionsPerUser = 50
    /// Seconds without data on any channel after which a login ends; 0: no limit.
    public var idleTimeout = 0
    /// Maximum duration of a login, in seconds; 0: no limit.
    public var sessionTimeout = 0
  }
}

extension KeyTable {
  static let security: [Key] = [
    Key(
      "security.allowed_ips", ranges, \.settings.security.allowedIPs,
      "Addresses and ranges that may connect; [] for all. An IPv4-mapped IPv6 address is the IPv4 address."),
    Key(
      "security.blocked_ips", ranges, \.settings.security.blockedIPs,
      "Addresses and ranges that may not connect, even if allowed_ips contains them. Their connections are",
      "closed without a message."),
    Key(
      "security.whitelist_ips", ranges, \.settings.security.whitelistIPs,
      "Addresses and ranges that are never banned, and to which rate_limit and max_unauthenticated do not",
      "apply. They must be allowed nevertheless."),
    Key(
      "security.max_auth_attempts", .integer(0...1000, clamped: .word), \.settings.security.maxAuthAttempts,
      "Number of failed logins that ban an address (IPv6: a /64): a wrong password, an invalid signature, or",
      "a connection that requested a login and ended without one. 0: no bans."),
    Key(
      "security.max_key_failures", .integer(0...1000), \.settings.security.maxKeyFailures,
      "Number of connections with only refused keys that ban an address. They are counted separately from",
      "other failures. 0: no bans."),
    Key(
      "security.auth_window", .duration(1...31_536_000, clamped: .long), \.settings.security.authWindow,
      "The period in which failures are counted."),
    Key(
      "security.ban_time", .duration(1...31_536_000, clamped: .long), \.settings.security.banTime,
      "The duration of the first ban. A banned address is refused even with valid credentials."),
    Key(
      "security.ban_factor", .integer(1...100), \.settings.security.banFactor,
      "The factor by which each further ban of an address is longer than the previous one."),
    Key(
      "security.ban_max", .duration(1...31_536_000), \.settings.security.banMax,
      "The longest ban. The failures of an address are forgotten after this time without further ones."),
    Key(
      "security.ban_state_file", ValueType<String>.path.optional, \.settings.security.banStateFile,
      "The file in which bans are saved, so that they survive a restart; null for none."),
    Key(
      "security.rate_limit.per_second", .integer(0...1000), \.settings.security.connectionsPerSecond,
      "Average number of connections per second from one address (IPv6: one /64); 0 is no limit."),
    Key(
      "security.rate_limit.burst", .integer(1...100_000), \.settings.security.connectionBurst,
      "Number of connections that it may open at once, before per_second applies."),
    Key(
      "security.max_sessions_per_user", .integer(1...65536, clamped: .long), \.settings.security.maxSessionsPerUser,
      "Maximum number of simultaneous logins of a user. A further one is refused after authentication."),
    Key(
      "security.idle_timeout", .duration(0...year, zero: "no limit", clamped: .long), \.settings.security.idleTimeout,
      "A login ends after this time without data on its channels; 0 is no limit."),
    Key(
      "security.session_timeout", .duration(0...year, zero: "no limit", clamped: .long),
      \.settings.security.sessionTimeout,
      "A login ends after this time; 0 is no limit."),
  ]
}
