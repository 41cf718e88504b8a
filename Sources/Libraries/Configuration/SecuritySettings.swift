import AccessControl
import Wire

extension Settings {
  /// `security:`: who may connect, how often, for how long, and what follows from failures.
  public struct Security: Equatable, Sendable {
    /// If there are any, only these may connect.
    public var allowedIPs: [AddressRange] = []
    /// These may not connect, also where they are allowed.
    public var blockedIPs: [AddressRange] = []
    /// Never banned, never limited.
    public var whitelistIPs: [AddressRange] = []
    /// Connections from one source in a second, in the long run; 0 for no limit.
    public var connectionsPerSecond = 10
    /// Connections from one source at once.
    public var connectionBurst = 100
    /// The failed login that ends in a ban; 0: none does.
    public var maxAuthAttempts = 5
    /// The connection that offered refused keys and nothing else, and ends in a ban; 0: none does.
    public var maxKeyFailures = 20
    /// Seconds in which so many failures are a reason.
    public var authWindow = 300
    /// Seconds of the first ban.
    public var banTime = 300
    /// Each further ban is so many times as long,
    public var banFactor = 2
    /// but has at most so many seconds.
    public var banMax = 86400
    /// Where bans are kept for the time after a restart; nil: they end with the daemon.
    public var banStateFile: String? = "/var/lib/bssh/bans"
    /// Logins that one user has at a time.
    public var maxSessionsPerUser = 50
    /// Seconds without a byte on a channel, either way, after which a login ends; 0 for no limit.
    public var idleTimeout = 0
    /// Seconds after which a login ends, whatever it does; 0 for no limit.
    public var sessionTimeout = 0
  }
}

extension Settings.Security: WireCodable {
  public func encode(to writer: inout WireWriter) {
    for ranges in [allowedIPs, blockedIPs, whitelistIPs] { writer.list(ranges) { $1.encode(to: &$0) } }
    writer.number(connectionsPerSecond)
    writer.number(connectionBurst)
    writer.number(maxAuthAttempts)
    writer.number(maxKeyFailures)
    for number in [authWindow, banTime, banFactor, banMax] { writer.number(number) }
    writer.optional(banStateFile) { $0.text($1) }
    writer.number(maxSessionsPerUser)
    writer.number(idleTimeout)
    writer.number(sessionTimeout)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    self.init()
    allowedIPs = try reader.ranges()
    blockedIPs = try reader.ranges()
    whitelistIPs = try reader.ranges()
    connectionsPerSecond = try reader.number()
    connectionBurst = try reader.number()
    maxAuthAttempts = try reader.number()
    maxKeyFailures = try reader.number()
    authWindow = try reader.number()
    banTime = try reader.number()
    banFactor = try reader.number()
    banMax = try reader.number()
    banStateFile = try reader.optional { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    maxSessionsPerUser = try reader.number()
    idleTimeout = try reader.number()
    sessionTimeout = try reader.number()
  }
}

extension WireReader {
  mutating func ranges() throws(WireError) -> [AddressRange] {
    try list(minimumSize: 9) { (r: inout WireReader) throws(WireError) in try AddressRange(from: &r) }
  }
}
