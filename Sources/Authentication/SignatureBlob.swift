import Wire

/// A signature as SSH writes it; RFC 4253, section 6.6, RFC 5656, section 3.1.2, and OpenSSH's PROTOCOL.u2f.
public struct SignatureBlob: Equatable, Sendable {
  /// What a security key adds, and signs along.
  public struct SecurityKey: Equatable, Sendable {
    /// Bit 0: somebody touched the key. Bit 2: the key verified its user.
    public let flags: UInt8
    /// Signatures made so far.
    public let counter: UInt32

    public init(flags: UInt8, counter: UInt32) {
      self.flags = flags
      self.counter = counter
    }

    /// True when somebody touched the key.
    public var provesUserPresence: Bool { flags & 1 != 0 }

    /// True when the key knows who touched it, by a PIN or a finger.
    public var provesUserVerification: Bool { flags & 4 != 0 }
  }

  /// The name of the algorithm, at most 64 bytes.
  public let algorithm: String
  /// The signature itself, at most 4 KiB, in the form of its algorithm.
  public let bytes: [UInt8]
  /// Present exactly for the algorithms of security keys.
  public let securityKey: SecurityKey?

  /// Reads a blob that holds one signature and nothing after it.
  public init(_ blob: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(blob)
    algorithm = try reader.text(limit: 64)
    bytes = Array(try reader.string(limit: 4096))
    securityKey =
      algorithm.hasPrefix("sk-") ? SecurityKey(flags: try reader.byte(), counter: try reader.uint32()) : nil
    try reader.end()
  }

  /// A signature to be written; `securityKey` for the algorithms of security keys.
  public init(algorithm: String, bytes: [UInt8], securityKey: SecurityKey? = nil) {
    self.algorithm = algorithm
    self.bytes = bytes
    self.securityKey = securityKey
  }

  /// The blob.
  public var wireBytes: [UInt8] {
    var writer = WireWriter(capacity: bytes.count + 64)
    writer.text(algorithm)
    writer.string(bytes)
    if let securityKey {
      writer.byte(securityKey.flags)
      writer.uint32(securityKey.counter)
    }
    return writer.bytes
  }
}

/// The two numbers of an ECDSA signature; RFC 5656, section 3.1.2.
public struct ECDSASignature: Equatable, Sendable {
  /// Magnitudes, most significant byte first, of 1…66 bytes.
  public let r: [UInt8]
  public let s: [UInt8]

  /// Reads the two numbers and nothing after them.
  public init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    r = Array(try reader.unsignedMPInt(limit: 67))
    s = Array(try reader.unsignedMPInt(limit: 67))
    try reader.end()
    guard (1...66).contains(r.count), (1...66).contains(s.count) else { throw .malformed }
  }

  /// Two magnitudes, most significant byte first.
  public init(r: [UInt8], s: [UInt8]) {
    self.r = r
    self.s = s
  }

  /// The two numbers as SSH writes them.
  public var wireBytes: [UInt8] {
    var writer = WireWriter(capacity: 144)
    writer.unsignedMPInt(r)
    writer.unsignedMPInt(s)
    return writer.bytes
  }
}
