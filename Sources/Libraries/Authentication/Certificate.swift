import Wire

/// Why bytes are not a certificate that we accept.
public enum CertificateError: Error, Equatable, Sendable {
  /// A field does not parse, bytes follow the end, or there are too many principals.
  case blob(WireError)
  /// The type is not that of a known certificate.
  case type
  /// The certified key is malformed.
  case key(PublicKeyError)
  /// The CA key is malformed, of an unknown type, or itself a certificate.
  case authority(PublicKeyError)
}

/// A parsed OpenSSH certificate: a key and what the CA states about it. OpenSSH's PROTOCOL.certkeys
///
/// Parsing verifies nothing: neither the signature nor whether the CA is trusted.
public struct Certificate: Equatable, Sendable {
  /// What the certificate identifies.
  public enum Kind: UInt32, Sendable {
    /// A user.
    case user = 1
    /// A host.
    case host = 2
  }

  /// A critical option or an extension.
  public struct Option: Equatable, Sendable {
    /// The option's name, as in the certificate.
    public let name: [UInt8]
    /// The option's value, still encoded.
    public let data: [UInt8]

    /// An option with an encoded value.
    public init(name: [UInt8], data: [UInt8]) {
      self.name = name
      self.data = data
    }
  }

  /// Names of the certificate types, one for each accepted key type.
  public static let types = PublicKey.types.map(name)
  /// Maximum number of principals, as in sshd.
  public static let principalLimit = 256

  /// The certified key.
  public let key: PublicKey
  /// The serial number; 0 if the CA does not number its certificates.
  public let serial: UInt64
  /// Whether it identifies a user or a host.
  public let kind: Kind
  /// Free text of the CA that identifies the certificate in logs. Contains no NUL.
  public let keyID: [UInt8]
  /// The names that the certificate is valid for. None contains a NUL.
  public let principals: [[UInt8]]
  /// First second at which the certificate is valid, since 1970.
  public let validAfter: UInt64
  /// First second at which the certificate is no longer valid, since 1970.
  public let validBefore: UInt64
  /// Options that a server must understand, in the order of the certificate.
  public let criticalOptions: [Option]
  /// Options that a server may ignore, in the order of the certificate.
  public let extensions: [Option]
  /// The CA key that signed the certificate.
  public let authority: PublicKey
  /// The bytes that the signature covers.
  public let signedData: [UInt8]
  /// The signature blob, for ``SignatureBlob``.
  public let signature: [UInt8]

  /// Parses a blob that consists of exactly one certificate.
  ///
  /// - Throws: `CertificateError`: `type` if the blob is a plain key or of an unknown type, `key` or `authority` if the
  ///   certified key or the CA key does not parse, otherwise `blob`.
  public init(blob: ArraySlice<UInt8>) throws(CertificateError) {
    var reader = WireReader(blob)
    let plainType = try Self.plainType(from: &reader)
    do throws(PublicKeyError) {
      key = PublicKey(try PublicKey.material(type: plainType, from: &reader))
    } catch { throw .key(error) }
    let authorityBlob: ArraySlice<UInt8>
    do throws(WireError) {
      serial = try reader.uint64()
      let number = try reader.uint32()
      keyID = try Self.name(from: &reader)
      var names = WireReader(try reader.string())
      validAfter = try reader.uint64()
      validBefore = try reader.uint64()
      criticalOptions = try Self.options(from: &reader)
      extensions = try Self.options(from: &reader)
      _ = try reader.string()
      authorityBlob = try reader.string()
      signedData = Array(blob[..<reader.rest.startIndex])
      signature = Array(try reader.string())
      try reader.end()
      guard let kind = Kind(rawValue: number) else { throw .malformed }
      self.kind = kind
      var principals: [[UInt8]] = []
      while !names.isAtEnd {
        guard principals.count < Self.principalLimit else { throw .tooLong }
        principals.append(try Self.name(from: &names))
      }
      self.principals = principals
    } catch { throw .blob(error) }
    do throws(PublicKeyError) { authority = try PublicKey(blob: authorityBlob) } catch { throw .authority(error) }
  }

  /// The name of the certificate's type, such as `ssh-ed25519-cert-v01@openssh.com`.
  public var type: String { Self.name(key.type) }

  /// The signature algorithms that clients can name with this certificate, most preferred first.
  public var signatureAlgorithms: [String] { key.signatureAlgorithms.map(Self.name) }

  /// The signature algorithm behind the certificate algorithm `algorithm`, such as `rsa-sha2-256` for
  /// `rsa-sha2-256-cert-v01@openssh.com`; nil if `algorithm` does not belong to a certificate.
  public static func plainAlgorithm(_ algorithm: String) -> String? {
    (PublicKey.types + ["rsa-sha2-512", "rsa-sha2-256"]).first { name($0).hasSameBytes(as: algorithm) }
  }

  /// True if the blob begins with the name of a known certificate type. Nothing else is checked.
  public static func isCertificate(_ blob: [UInt8]) -> Bool {
    var reader = WireReader(blob)
    guard let type = try? reader.text(limit: 64) else { return false }
    return types.contains(type)
  }

  /// OpenSSH's name of the certificate type or algorithm for a plain key type or signature algorithm.
  private static func name(_ type: String) -> String {
    type.hasSuffix("@openssh.com") ? type.dropLast(12) + "-cert-v01@openssh.com" : type + "-cert-v01@openssh.com"
  }

  /// Reads the certificate type and skips the nonce; returns the type of the certified key.
  private static func plainType(from reader: inout WireReader) throws(CertificateError) -> String {
    let type: String
    do throws(WireError) {
      type = try reader.text(limit: 64)
      _ = try reader.string()
    } catch { throw .blob(error) }
    guard let plain = PublicKey.types.first(where: { name($0).hasSameBytes(as: type) }) else { throw .type }
    return plain
  }

  private static func name(from reader: inout WireReader) throws(WireError) -> [UInt8] {
    let name = Array(try reader.string())
    guard !name.contains(0) else { throw .malformed }
    return name
  }

  private static func options(from reader: inout WireReader) throws(WireError) -> [Option] {
    var inner = WireReader(try reader.string())
    var options: [Option] = []
    while !inner.isAtEnd {
      options.append(Option(name: Array(try inner.string()), data: Array(try inner.string())))
    }
    return options
  }
}
