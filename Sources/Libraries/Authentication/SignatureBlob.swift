import Wire

/// A signature in the encoding of SSH. RFC 4253, section 6.6, RFC 5656, section 3.1.2, and OpenSSH's PROTOCOL.u2f
public struct SignatureBlob: Equatable, Sendable {
  /// The additional fields in a signature of a security key, which the signature also covers.
  public struct SecurityKey: Equatable, Sendable {
    /// Bit 0: user presence. Bit 2: user verification.
    public let flags: UInt8
    /// The key's signature counter.
    public let counter: UInt32

    /// The fields as the security key returned them.
    public init(flags: UInt8, counter: UInt32) {
      self.flags = flags
      self.counter = counter
    }

    /// True if somebody touched the security key.
    public var provesUserPresence: Bool { flags & 1 != 0 }

    /// True if the security key verified its user, by PIN or biometrics.
    public var provesUserVerification: Bool { flags & 4 != 0 }
  }

  /// The name of the signature algorithm, at most 64 bytes.
  public let algorithm: String
  /// The signature itself, at most 4 KiB, in the format of its algorithm.
  public let bytes: [UInt8]
  /// Present exactly for algorithms that begin with `sk-`.
  public let securityKey: SecurityKey?

  /// Parses a blob that consists of exactly one signature.
  ///
  /// - Throws: `WireError`: `tooLong` for a name or signature over its limit, `trailingBytes` if bytes follow the
  ///   signature, `truncated` or `malformed` if a field does not parse.
  public init(_ blob: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(blob)
    algorithm = try reader.text(limit: 64)
    bytes = Array(try reader.string(limit: 4096))
    securityKey =
      algorithm.hasPrefix("sk-") ? SecurityKey(flags: try reader.byte(), counter: try reader.uint32()) : nil
    try reader.end()
  }

  /// A signature to be encoded. `securityKey` is required for algorithms that begin with `sk-`.
  public init(algorithm: String, bytes: [UInt8], securityKey: SecurityKey? = nil) {
    self.algorithm = algorithm
    self.bytes = bytes
    self.securityKey = securityKey
  }

  /// The encoded signature.
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

/// The two numbers of an ECDSA signature. RFC 5656, section 3.1.2
public struct ECDSASignature: Equatable, Sendable {
  /// Magnitude, most significant byte first, 1…66 bytes.
  public let r: [UInt8]
  /// As `r`.
  public let s: [UInt8]

  /// Parses exactly two numbers.
  ///
  /// - Throws: `WireError`: `malformed` if a number is negative, zero or longer than 66 bytes, `trailingBytes` if bytes
  ///   follow, `truncated` or `tooLong` if a field does not parse.
  public init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    r = Array(try reader.unsignedMPInt(limit: 67))
    s = Array(try reader.unsignedMPInt(limit: 67))
    try reader.end()
    guard (1...66).contains(r.count), (1...66).contains(s.count) else { throw .malformed }
  }

  /// A signature to be encoded, from two magnitudes.
  public init(r: [UInt8], s: [UInt8]) {
    self.r = r
    self.s = s
  }

  /// The encoded numbers.
  public var wireBytes: [UInt8] {
    var writer = WireWriter(capacity: 144)
    writer.unsignedMPInt(r)
    writer.unsignedMPInt(s)
    return writer.bytes
  }
}
