import AccessControl
import Authentication
import IPC

extension Settings {
  /// `server:`: listening sockets, the transport protocol, and limits of connections.
  public struct Server: Equatable, Sendable {
    /// The addresses to listen on.
    public var bindAddresses = [BindAddress(address: "0.0.0.0", port: 2222), BindAddress(address: "::", port: 2222)]
    /// The paths of OpenSSH private keys, in the order in which they are offered.
    public var hostKeys: [String] = []
    /// Maximum number of connections.
    public var maxConnections = 500
    /// Maximum number of connections without a login.
    public var maxUnauthenticated = 100
    /// Maximum number of connections without a login from one source.
    public var maxUnauthenticatedPerSource = 32
    /// The addresses of load balancers, whose connections must begin with a PROXY header.
    public var trustedProxies: [AddressRange] = []
    /// True: health checks by load balancers are not reported as events.
    public var ignoresProxyChecks = false
    /// Time limit from accept(2) to a login, in seconds; 0: no limit.
    public var loginGrace = 120
    /// Seconds between keepalives; 0: none.
    public var keepaliveInterval = 60
    /// Number of unanswered keepalives after which the connection is closed.
    public var keepaliveCountMax = 3
    /// True: compression is offered.
    public var compression = false
    /// The maximum packet size of channels, in bytes. RFC 4254, section 5.1
    public var maximumPacketSize = 32768
    /// The initial window of channels, in bytes. RFC 4254, section 5.1
    public var windowSize = 2 << 20
    /// Maximum number of open channels of a connection.
    public var maxChannels = 50
    /// The content of the file `server.banner`, which is sent before the login. RFC 4252, section 5.4
    public var banner: String?
    /// Text after the software name in the identification string; nil: none.
    public var versionAddendum: String?
    /// The lowest level of log lines that are written, unless the command line sets another one.
    public var logLevel = LogLevel.info
    /// The number of transport processes that are started in advance.
    public var spareTransports = 2
    /// Ciphers, in order of preference.
    public var ciphers = Algorithms.ciphers
    /// Key exchange methods, in order of preference.
    public var keyExchanges = Algorithms.defaultKeyExchanges
    /// MAC algorithms, in order of preference.
    public var macs = Algorithms.macs
    /// Signature algorithms of host keys, in order of preference.
    public var hostKeyAlgorithms = Algorithms.hostKeys
    /// Public key algorithms that users may authenticate with.
    public var publicKeyAlgorithms = Algorithms.publicKeys
    /// Number of bytes in one direction after which keys are exchanged again.
    public var rekeyBytes: UInt64 = 1 << 30
    /// Seconds after which keys are exchanged again; 0: never.
    public var rekeyInterval = 3600
  }

  /// An address to listen on.
  public struct BindAddress: Equatable, Sendable {
    /// An IPv4 or IPv6 address without brackets.
    public var address: String
    /// The TCP port.
    public var port: UInt16

    public init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// True for `0.0.0.0` and `::`, on which a machine without that address family cannot listen.
    public var isEveryAddress: Bool { ["0.0.0.0", "::"].contains(IPAddress(address).map { "\($0)" }) }
  }

  /// The level of a log line.
  public enum LogLevel: String, CaseIterable, SettingValue {
    case error, warning, info, debug
  }
}

extension KeyTable {
  static let server: [Key] = [
    Key(
      "server.bind_address",
      .list(.bindAddress, of: "an address, such as 192.0.2.1 or [2001:db8::1]:22, or a list of them", orOne: true),
      \.bindAddresses, becomes: \.settings.server.bindAddresses, alias: "BSSH_BIND_ADDRESS", option: "-b",
      "The addresses to listen on: one address or a list. IPv6 addresses are in brackets. An entry can have",
      "its own port: \"192.0.2.1:22\". By default all addresses of IPv4 and IPv6, as far as the machine has",
      "these."),
    Key(
      "server.port", .integer(1...65535), \.port, becomes: \.partOfAnother, alias: "BSSH_PORT", option: "-p",
      "The port of every address that does not have its own."),
    Key(
      "server.host_keys", .list(.path, of: "a list of paths", mayBeEmpty: true), \.settings.server.hostKeys,
      alias: "BSSH_HOST_KEY", option: "-k", example: ["/etc/bssh/ssh_host_ed25519_key"],
      "The files with the server's private keys, at least one. Only their owner may have access to them.",
      "bssh-server gen-host-key creates one. No default."),
    Key(
      "server.max_connections", .integer(1...65536, clamped: .positive), \.settings.server.maxConnections,
      alias: "BSSH_MAX_CONNECTIONS",
      "Maximum number of open connections. Further connections are closed immediately."),
    Key(
      "server.max_unauthenticated", .integer(1...65536), \.settings.server.maxUnauthenticated,
      "Maximum number of connections without a login. At the limit, a connection of a new source replaces",
      "the oldest one with the least progress, of the source with the most connections."),
    Key(
      "server.max_unauthenticated_per_source", .integer(1...65536), \.settings.server.maxUnauthenticatedPerSource,
      "Maximum number of these from one address (IPv6: one /64); at most half of max_unauthenticated, so",
      "that no address can lock out others."),
    Key(
      "server.timeout", .duration(0...86400, zero: "no limit", clamped: .long), \.settings.server.loginGrace,
      "Time limit from the start of a connection to the completed login; 0 is no limit."),
    Key(
      "server.keepalive_interval", .duration(0...86400, zero: "never", clamped: .long),
      \.settings.server.keepaliveInterval,
      alias: "BSSH_KEEPALIVE_INTERVAL",
      "The interval of keepalive requests to a silent client; 0 is never."),
    Key(
      "server.keepalive_count_max", .integer(1...1000), \.settings.server.keepaliveCountMax,
      "The connection is closed after this number of unanswered keepalive requests."),
    Key(
      "server.compression", .boolean, \.settings.server.compression, alias: "BSSH_COMPRESSION",
      "Whether zlib@openssh.com is offered: compression that starts after the login."),
    Key(
      "server.maximum_packet_size", .size(4096...65535, clamped: .word), \.settings.server.maximumPacketSize,
      alias: "BSSH_MAX_PACKET_SIZE",
      "Maximum amount of data that a client may send in one packet."),
    Key(
      "server.window_size", .size(32 << 10...64 << 20, clamped: .word), \.settings.server.windowSize,
      alias: "BSSH_WINDOW_SIZE",
      "The window of a channel with a program: the data that a client may send before it is consumed. The",
      "channels of a connection have 64 KiB each and share a further 16 MiB, or two windows if that is more."),
    Key(
      "server.max_channels", .integer(1...1024), \.settings.server.maxChannels,
      "Maximum number of channels of a connection: shells, commands and file transfers. A channel that its",
      "client has closed counts as long as its program runs."),
    Key(
      "server.banner", ValueType<String>.path.optional, \.bannerFile, becomes: \.settings.server.banner,
      "A file with text that is sent before the login, at most 128 KiB of UTF-8; null for none."),
    Key(
      "server.version_addendum", ValueType<String>.versionAddendum.optional, \.settings.server.versionAddendum,
      "Text after the software name in the identification string, which every client gets unencrypted",
      "(RFC 4253, section 4.2): 1 to \(TransportSettings.addendumLimit) characters of printable ASCII, no blank first or last.",
      "null for none."
    ),
    Key(
      "server.log_level", .choice(), \.settings.server.logLevel,
      "The lowest level of log lines that are written: error, warning, info (a few for each login), debug.",
      "The options -v and -q override it. It does not affect the journal of events."),
    Key(
      "server.proxy_protocol.trusted", ranges, \.settings.server.trustedProxies,
      "Addresses and ranges of load balancers. Their connections must begin with a PROXY header, version 1",
      "or 2, which contains the client's address. Other connections must not have one."),
    Key(
      "server.proxy_protocol.ignore_checks", .boolean, \.settings.server.ignoresProxyChecks,
      "Whether their health checks are omitted from journal and log: connections that end without data, or",
      "that are the load balancer's own and request no login. Otherwise they are counted every minute."),
    Key(
      "server.spare_transports", .integer(0...64), \.settings.server.spareTransports,
      "Number of processes that are started in advance for new connections."),
    Key(
      "server.ciphers", algorithms(Algorithms.ciphers), \.settings.server.ciphers,
      "Ciphers, in order of preference. Insecure ones are not supported."),
    Key(
      "server.kex", algorithms(Algorithms.keyExchanges), \.settings.server.keyExchanges,
      "Key exchange methods, in order of preference."),
    Key(
      "server.macs", algorithms(Algorithms.macs), \.settings.server.macs,
      "MAC algorithms for ciphers that need one, in order of preference."),
    Key(
      "server.host_key_algorithms", algorithms(Algorithms.hostKeys), \.settings.server.hostKeyAlgorithms,
      "Signature algorithms of host keys, in order of preference. Those without a key are not offered."),
    Key(
      "server.publickey_algorithms", algorithms(Algorithms.publicKeys), \.settings.server.publicKeyAlgorithms,
      "Public key algorithms with which users may log in."),
    Key(
      "server.rekey.bytes", .size(64 << 10...64 << 30), \.settings.server.rekeyBytes,
      "The amount of data in one direction after which new session keys are exchanged."),
    Key(
      "server.rekey.interval", .duration(0...604_800, zero: "never"), \.settings.server.rekeyInterval,
      "The time after which new session keys are exchanged; 0 is never."),
  ]

  private static func algorithms(_ known: [String]) -> ValueType<[String]> {
    .list(.algorithm(known), of: "a list of algorithms")
  }
}

extension ValueType where Value == String {
  /// Comments in the identification string. RFC 4253, section 4.2, allows printable ASCII.
  fileprivate static let versionAddendum = text("text of printable ASCII") { text in
    let most = TransportSettings.addendumLimit
    let isPrintable =
      text.utf8.allSatisfy { (0x20...0x7e).contains($0) } && !text.hasPrefix(" ") && !text.hasSuffix(" ")
    return isPrintable && (1...most).contains(text.utf8.count)
      ? nil : "\(quoted(text)) is not allowed: 1 to \(most) characters of printable ASCII, no blank first or last"
  }
}

extension Settings {
  /// The part of the settings that a transport needs.
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

  /// The signature algorithms that are sent to clients (server-sig-algs, RFC 8308, section 3.1). A certificate algorithm
  /// is replaced by that of the key in the certificate.
  private var signatureAlgorithms: [String] {
    server.publicKeyAlgorithms.reduce(into: []) { names, name in
      let plain = Certificate.plainAlgorithm(name) ?? name
      if !names.contains(plain) { names.append(plain) }
    }
  }
}
