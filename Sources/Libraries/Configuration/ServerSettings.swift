import AccessControl
import Authentication
import IPC

extension Settings {
  /// `server:`: listening, the protocol, and limits on connections.
  public struct Server: Equatable, Sendable {
    public var bindAddresses = [BindAddress(address: "0.0.0.0", port: 2222), BindAddress(address: "::", port: 2222)]
    /// Files with OpenSSH private keys, in the order in which they are offered.
    public var hostKeys: [String] = []
    /// Open connections, counted at accept.
    public var maxConnections = 500
    /// Open connections without a login.
    public var maxUnauthenticated = 100
    /// Of them, those from one source.
    public var maxUnauthenticatedPerSource = 32
    /// Load balancers, from which a PROXY header comes first, and is believed.
    public var trustedProxies: [AddressRange] = []
    /// True: connections by which these only look whether the server is there leave no event.
    public var ignoresProxyChecks = false
    /// Seconds from accept to a finished login; 0 for no limit.
    public var loginGrace = 120
    /// Seconds; 0 for no keepalives.
    public var keepaliveInterval = 60
    public var keepaliveCountMax = 3
    public var compression = false
    /// Bytes of data in one packet that a client may send us.
    public var maximumPacketSize = 32768
    /// Bytes that a client may have under way on one channel.
    public var windowSize = 2 << 20
    /// Channels that a connection may have at a time.
    public var maxChannels = 50
    /// The text shown before login, read from the file of `server.banner` while loading.
    public var banner: String?
    /// What follows our name in the identification; nil: nothing.
    public var versionAddendum: String?
    /// The least important lines of the log that are written, unless the command line says something else.
    public var logLevel = LogLevel.info
    public var spareTransports = 2
    public var ciphers = Algorithms.ciphers
    public var keyExchanges = Algorithms.defaultKeyExchanges
    public var macs = Algorithms.macs
    public var hostKeyAlgorithms = Algorithms.hostKeys
    public var publicKeyAlgorithms = Algorithms.publicKeys
    /// Bytes either way after which keys are exchanged again.
    public var rekeyBytes: UInt64 = 1 << 30
    /// Seconds after which keys are exchanged again; 0 for never.
    public var rekeyInterval = 3600
  }

  /// An address to listen on.
  public struct BindAddress: Equatable, Sendable {
    /// An IPv4 or IPv6 address without brackets.
    public var address: String
    public var port: UInt16

    public init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// True for every address of IPv4, or of IPv6: a machine that does not have that family has none of them.
    public var isEveryAddress: Bool { ["0.0.0.0", "::"].contains(IPAddress(address).map { "\($0)" }) }
  }

  /// How important a line of the log is.
  public enum LogLevel: String, CaseIterable, SettingValue {
    case error, warning, info, debug
  }
}

extension KeyTable {
  static let server: [Key] = [
    Key(
      "server.bind_address",
      .list(.bindAddress, of: "an address, as 192.0.2.1 or [2001:db8::1]:22, or a list of them", orOne: true),
      \.bindAddresses, becomes: \.settings.server.bindAddresses, alias: "BSSH_BIND_ADDRESS", option: "-b",
      "The address to listen on, or a list of them. IPv6 addresses stand in brackets; an entry",
      "may have its own port: \"192.0.2.1:22\". When nothing is said, every address of IPv4 and IPv6, as",
      "far as the machine has these."),
    Key(
      "server.port", .integer(1...65535), \.port, becomes: \.partOfAnother, alias: "BSSH_PORT", option: "-p",
      "The port for every address that does not have its own."),
    Key(
      "server.host_keys", .list(.path, of: "a list of paths", mayBeEmpty: true), \.settings.server.hostKeys,
      alias: "BSSH_HOST_KEY", option: "-k", example: ["/etc/bssh/ssh_host_ed25519_key"],
      "The files with the server's private keys, at least one, readable by their owner alone.",
      "bssh-server gen-host-key makes one. No default."),
    Key(
      "server.max_connections", .integer(1...65536, clamped: .positive), \.settings.server.maxConnections,
      alias: "BSSH_MAX_CONNECTIONS",
      "Open connections, counted when they are accepted; more are closed at once."),
    Key(
      "server.max_unauthenticated", .integer(1...65536), \.settings.server.maxUnauthenticated,
      "Open connections that have not logged in yet. Where there is no place left, whoever has none gets",
      "that of the one that has waited longest, of those who hold most and have come least far."),
    Key(
      "server.max_unauthenticated_per_source", .integer(1...65536), \.settings.server.maxUnauthenticatedPerSource,
      "Of these, those from one address (of IPv6, from one /64); never more than half of all, so that",
      "no address keeps others out."),
    Key(
      "server.timeout", .duration(0...86400, zero: "no limit", clamped: .long), \.settings.server.loginGrace,
      "The time from accepting a connection to a finished login; 0 is no limit."),
    Key(
      "server.keepalive_interval", .duration(0...86400, zero: "never", clamped: .long),
      \.settings.server.keepaliveInterval,
      alias: "BSSH_KEEPALIVE_INTERVAL",
      "How often a silent client is asked for a sign of life; 0 is never."),
    Key(
      "server.keepalive_count_max", .integer(1...1000), \.settings.server.keepaliveCountMax,
      "After so many questions without an answer the connection is closed."),
    Key(
      "server.compression", .boolean, \.settings.server.compression, alias: "BSSH_COMPRESSION",
      "Offer zlib@openssh.com, compression that starts after the login."),
    Key(
      "server.maximum_packet_size", .size(4096...65535, clamped: .word), \.settings.server.maximumPacketSize,
      alias: "BSSH_MAX_PACKET_SIZE",
      "Bytes of data that a client may send in one packet."),
    Key(
      "server.window_size", .size(32 << 10...64 << 20, clamped: .word), \.settings.server.windowSize,
      alias: "BSSH_WINDOW_SIZE",
      "Bytes that a client may have under way on one channel with a program. All channels of a",
      "connection together have at most 16 MiB of them, or two windows, and 64 KiB each."),
    Key(
      "server.max_channels", .integer(1...1024), \.settings.server.maxChannels,
      "Channels that a connection may have at a time: shells, commands and file transfers. What still",
      "runs on a channel that its client has closed counts, too."),
    Key(
      "server.banner", ValueType<String>.path.optional, \.bannerFile, becomes: \.settings.server.banner,
      "A file with text that is shown before the login, at most 128 KiB of UTF-8; null for none."),
    Key(
      "server.version_addendum", ValueType<String>.versionAddendum.optional, \.settings.server.versionAddendum,
      "Text behind our name in the identification, which every client gets first, unencrypted (RFC 4253,",
      "section 4.2): 1 to \(TransportSettings.addendumLimit) characters of printable ASCII, no blank first or last. null for none."
    ),
    Key(
      "server.log_level", .choice(), \.settings.server.logLevel,
      "The least important lines of the log: error, warning, info (a few for each login), debug.",
      "-v and -q of the command line win. The journal of events does not depend on it."),
    Key(
      "server.proxy_protocol.trusted", ranges, \.settings.server.trustedProxies,
      "Addresses and ranges of load balancers that send a PROXY header, version 1 or 2. From them it is",
      "required, and says where the client is; from anybody else there must be none."),
    Key(
      "server.proxy_protocol.ignore_checks", .boolean, \.settings.server.ignoresProxyChecks,
      "Whether health checks of these leave no event and no line in the log: connections that end without a",
      "byte, or that are the load balancer's own and ask for no login. Else they are counted, once a minute."),
    Key(
      "server.spare_transports", .integer(0...64), \.settings.server.spareTransports,
      "Processes started ahead of the connections that they will serve."),
    Key(
      "server.ciphers", algorithms(Algorithms.ciphers), \.settings.server.ciphers,
      "Ciphers that are offered, best first. Every one that can be named here is safe."),
    Key(
      "server.kex", algorithms(Algorithms.keyExchanges), \.settings.server.keyExchanges,
      "Key exchange methods that are offered, best first."),
    Key(
      "server.macs", algorithms(Algorithms.macs), \.settings.server.macs,
      "Message authentication codes for the ciphers that need one, best first."),
    Key(
      "server.host_key_algorithms", algorithms(Algorithms.hostKeys), \.settings.server.hostKeyAlgorithms,
      "Signature algorithms of the server's keys, best first; those without a key are not offered."),
    Key(
      "server.publickey_algorithms", algorithms(Algorithms.publicKeys), \.settings.server.publicKeyAlgorithms,
      "Signature algorithms that users' keys may log in with."),
    Key(
      "server.rekey.bytes", .size(64 << 10...64 << 30), \.settings.server.rekeyBytes,
      "Bytes, in one direction, after which new session keys are exchanged."),
    Key(
      "server.rekey.interval", .duration(0...604_800, zero: "never"), \.settings.server.rekeyInterval,
      "The time after which new session keys are exchanged; 0 is never."),
  ]

  private static func algorithms(_ known: [String]) -> ValueType<[String]> {
    .list(.algorithm(known), of: "a list of algorithms")
  }
}

extension ValueType where Value == String {
  /// RFC 4253, section 4.2, allows printable ASCII.
  fileprivate static let versionAddendum = text("text of printable ASCII") { text in
    let most = TransportSettings.addendumLimit
    let isPrintable =
      text.utf8.allSatisfy { (0x20...0x7e).contains($0) } && !text.hasPrefix(" ") && !text.hasSuffix(" ")
    return isPrintable && (1...most).contains(text.utf8.count)
      ? nil : "\(quoted(text)) cannot be used: 1 to \(most) characters of printable ASCII, no blank first or last"
  }
}

extension Settings {
  /// What a transport needs of the settings.
  public func transport(hostKeys: [[UInt8]], root: String) -> TransportSettings {
    var transport = TransportSettings(
      hostKeys: hostKeys, keyExchanges: server.keyExchanges, hostKeyAlgorithms: server.hostKeyAlgorithms,
      ciphers: server.ciphers, macs: server.macs, publicKeyAlgorithms: signatureAlgorithms,
      compression: server.compression, rekeyBytes: server.rekeyBytes,
      rekeyInterval: UInt32(clamping: server.rekeyInterval),
      keepaliveInterval: UInt32(clamping: server.keepaliveInterval),
      keepaliveCountMax: UInt32(clamping: server.keepaliveCountMax),
      maximumPacketSize: UInt32(clamping: server.maximumPacketSize), windowSize: UInt32(clamping: server.windowSize),
      banner: server.banner ?? "", root: root)
    transport.maxChannels = UInt32(clamping: server.maxChannels)
    transport.versionAddendum = server.versionAddendum ?? ""
    transport.mayRecord = !recordingDirectories.isEmpty
    return transport
  }

  /// The algorithms of users' keys as a client is told them (RFC 8308, server-sig-algs), where those of a certificate
  /// are those of the key in it; a client knows from them which it may sign with.
  private var signatureAlgorithms: [String] {
    server.publicKeyAlgorithms.reduce(into: []) { names, name in
      let plain = Certificate.plainAlgorithm(name) ?? name
      if !names.contains(plain) { names.append(plain) }
    }
  }
}
