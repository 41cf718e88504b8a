import Wire

/// The part of the configuration that transports get.
public struct TransportSettings: WireFields, Equatable {
  /// The software version after `SSH-2.0-`; without a version number, and no minus sign (RFC 4253, section 4.2).
  ///
  /// Only to servers that call themselves OpenSSH does OpenSSH's client announce that nobody reads a command's output
  /// (eow@openssh.com; without it `ssh host yes | head` never ends) and that no more sessions will be opened.
  public static let softwareName = "OpenSSH_compatible_bssh"
  /// Maximum length of ``versionAddendum`` in bytes: the line has 255 with CR and LF (RFC 4253, section 4.2).
  public static let addendumLimit = 255 - "SSH-2.0-\(softwareName) \r\n".utf8.count
  /// Limit of the payload of an authentication message in bytes: what RFC 4253, section 6.1, requires to be supported.
  public static let authenticationLimit = 32768

  /// The public key blobs, in the order in which they are offered.
  public var hostKeys: [[UInt8]]
  /// The key exchange methods, in order of preference.
  public var keyExchanges: [String]
  /// The host key algorithms, in order of preference.
  public var hostKeyAlgorithms: [String]
  /// The ciphers, in order of preference.
  public var ciphers: [String]
  /// The MAC algorithms, in order of preference.
  public var macs: [String]
  /// The signature algorithms that clients may use (server-sig-algs, RFC 8308).
  public var publicKeyAlgorithms: [String]
  /// Compression is offered.
  public var compression: Bool
  /// Bytes until rekeying; 0: no limit.
  public var rekeyBytes: UInt64
  /// Seconds until rekeying; 0: no limit.
  public var rekeyInterval: UInt32
  /// Seconds between keepalives; 0: none.
  public var keepaliveInterval: UInt32
  /// Unanswered keepalives until the connection is closed.
  public var keepaliveCountMax: UInt32
  /// The maximum packet size of channels, in bytes.
  public var maximumPacketSize: UInt32
  /// The initial window of channels, in bytes.
  public var windowSize: UInt32
  /// Limit of the open channels.
  public var maxChannels: UInt32 = 50
  /// Text after ``softwareName`` and a space in the identification; empty: none.
  public var versionAddendum = ""
  /// The banner (RFC 4252, section 5.4); empty: none.
  public var banner: String
  /// An empty directory that becomes the root directory; empty: no change, because not started as root.
  public var root: String
  /// Some logins are recorded, so that transports write to files.
  public var mayRecord = false

  public init(
    hostKeys: [[UInt8]], keyExchanges: [String], hostKeyAlgorithms: [String], ciphers: [String], macs: [String],
    publicKeyAlgorithms: [String], compression: Bool, rekeyBytes: UInt64, rekeyInterval: UInt32,
    keepaliveInterval: UInt32, keepaliveCountMax: UInt32, maximumPacketSize: UInt32, windowSize: UInt32,
    banner: String, root: String
  ) {
    self.hostKeys = hostKeys
    self.keyExchanges = keyExchanges
    self.hostKeyAlgorithms = hostKeyAlgorithms
    self.ciphers = ciphers
    self.macs = macs
    self.publicKeyAlgorithms = publicKeyAlgorithms
    self.compression = compression
    self.rekeyBytes = rekeyBytes
    self.rekeyInterval = rekeyInterval
    self.keepaliveInterval = keepaliveInterval
    self.keepaliveCountMax = keepaliveCountMax
    self.maximumPacketSize = maximumPacketSize
    self.windowSize = windowSize
    self.banner = banner
    self.root = root
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    hostKeys = try coder.list(value?.hostKeys, max: listSize, length: messageSize)
    keyExchanges = try coder.list(value?.keyExchanges, max: listSize, length: 1024)
    hostKeyAlgorithms = try coder.list(value?.hostKeyAlgorithms, max: listSize, length: 1024)
    ciphers = try coder.list(value?.ciphers, max: listSize, length: 1024)
    macs = try coder.list(value?.macs, max: listSize, length: 1024)
    publicKeyAlgorithms = try coder.list(value?.publicKeyAlgorithms, max: listSize, length: 1024)
    compression = try coder.flag(value?.compression)
    rekeyBytes = try coder.number(value?.rekeyBytes)
    rekeyInterval = try coder.number(value?.rekeyInterval)
    keepaliveInterval = try coder.number(value?.keepaliveInterval)
    keepaliveCountMax = try coder.number(value?.keepaliveCountMax)
    maximumPacketSize = try coder.number(value?.maximumPacketSize)
    windowSize = try coder.number(value?.windowSize)
    maxChannels = try coder.number(value?.maxChannels)
    versionAddendum = try coder.text(value?.versionAddendum, max: Self.addendumLimit)
    banner = try coder.text(value?.banner, max: messageSize)
    root = try coder.text(value?.root, max: 4096)
    mayRecord = try coder.flag(value?.mayRecord)
  }
}
