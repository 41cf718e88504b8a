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
      "Addresses and ranges that may connect; with an empty list all may. An IPv4-mapped IPv6",
      "address is the IPv4 address."),
    Key(
      "security.blocked_ips", ranges, \.settings.security.blockedIPs,
      "Addresses and ranges that may not connect, also where allowed_ips has them. They are closed",
      "without a word, whatever they could prove."),
    Key(
      "security.whitelist_ips", ranges, \.settings.security.whitelistIPs,
      "Addresses and ranges that are never banned, and that rate_limit and max_unauthenticated do not",
      "hold for. They must be allowed all the same."),
    Key(
      "security.max_auth_attempts", .integer(0...1000, clamped: .word), \.settings.security.maxAuthAttempts,
      "The failed login that gets an address (of IPv6, a /64) banned: a wrong password, a bad",
      "signature, or a connection that asked for a login and ended without. 0 bans nobody."),
    Key(
      "security.max_key_failures", .integer(0...1000), \.settings.security.maxKeyFailures,
      "The connection that gets an address banned of those that offered nothing but keys, none of which",
      "let in. They are counted apart from other failures. 0: such connections ban nobody."),
    Key(
      "security.auth_window", .duration(1...31_536_000, clamped: .long), \.settings.security.authWindow,
      "The time in which so many failures count."),
    Key(
      "security.ban_time", .duration(1...31_536_000, clamped: .long), \.settings.security.banTime,
      "How long the first ban lasts. A banned address is refused whatever it could prove."),
    Key(
      "security.ban_factor", .integer(1...100), \.settings.security.banFactor,
      "Each further ban of an address is so many times as long as the one before."),
    Key(
      "security.ban_max", .duration(1...31_536_000), \.settings.security.banMax,
      "The longest ban; an address that behaves well for this time is forgotten."),
    Key(
      "security.ban_state_file", ValueType<String>.path.optional, \.settings.security.banStateFile,
      "The file that bans are kept in, so that they survive a restart; null for none."),
    Key(
      "security.rate_limit.per_second", .integer(0...1000), \.settings.security.connectionsPerSecond,
      "Connections that one address (of IPv6, one /64) may open in a second, in the long run; 0 is",
      "no limit."),
    Key(
      "security.rate_limit.burst", .integer(1...100_000), \.settings.security.connectionBurst,
      "Connections that it may open at once, before per_second holds."),
    Key(
      "security.max_sessions_per_user", .integer(1...65536, clamped: .long), \.settings.security.maxSessionsPerUser,
      "Logins that one user has at a time; one more is refused once it is proven."),
    Key(
      "security.idle_timeout", .duration(0...year, zero: "no limit", clamped: .long), \.settings.security.idleTimeout,
      "A login ends when nothing has come or gone on its channels for so long; 0 is no limit."),
    Key(
      "security.session_timeout", .duration(0...year, zero: "no limit", clamped: .long),
      \.settings.security.sessionTimeout,
      "A login ends after so long, whatever it does; 0 is no limit."),
  ]
}
