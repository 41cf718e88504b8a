import Wire

/// Why bytes are no certificate that we accept.
public enum CertificateError: Error, Equatable, Sendable {
  /// The blob does not hold together.
  case blob(WireError)
  /// It is no certificate of a known type.
  case type
  /// The key in it is malformed.
  case key(PublicKeyError)
  /// The key of its authority is malformed, of an unknown type, or a certificate itself.
  case authority(PublicKeyError)
}

/// A certificate of OpenSSH, taken apart: a key, and what its authority says about it. OpenSSH's PROTOCOL.certkeys
///
/// Nothing is verified here: neither the signature nor whether the authority may be trusted.
public struct Certificate: Equatable, Sendable {
  /// What it certifies.
  public enum Kind: UInt32, Sendable {
    case user = 1
    case host = 2
  }

  /// A critical option or an extension, in the order of the certificate.
  public struct Option: Equatable, Sendable {
    public let name: [UInt8]
    public let data: [UInt8]

    public init(name: [UInt8], data: [UInt8]) {
      self.name = name
      self.data = data
    }
  }

  /// The names of the types of certificates for the types of keys that we accept.
  public static let types = PublicKey.types.map(name)
  /// Principals that a certificate may have, as for sshd.
  public static let principalLimit = 256

  /// The key that is certified.
  public let key: PublicKey
  /// 0 when its authority gives no numbers.
  public let serial: UInt64
  public let kind: Kind
  /// For people: who or what it is for. Never holds a NUL.
  public let keyID: [UInt8]
  /// Names that it is valid for; none of them holds a NUL.
  public let principals: [[UInt8]]
  /// Seconds from 1970 on: the first at which it is valid.
  public let validAfter: UInt64
  /// Seconds from 1970 on: the first at which it is no longer valid.
  public let validBefore: UInt64
  public let criticalOptions: [Option]
  public let extensions: [Option]
  /// The key that signed it.
  public let authority: PublicKey
  /// What the signature covers.
  public let signedData: [UInt8]
  /// The signature blob.
  public let signature: [UInt8]

  /// Reads a blob that holds one certificate and nothing after it.
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

  /// The name of its type, as `ssh-ed25519-cert-v01@openssh.com`.
  public var type: String { Self.name(key.type) }

  /// The signature algorithms that go with it, best first, as clients name them for a certificate.
  public var signatureAlgorithms: [String] { key.signatureAlgorithms.map(Self.name) }

  /// The algorithm with which the certified key signs when a client names `algorithm`; nil when it is none of a
  /// certificate.
  public static func plainAlgorithm(_ algorithm: String) -> String? {
    (PublicKey.types + ["rsa-sha2-512", "rsa-sha2-256"]).first { name($0).hasSameBytes(as: algorithm) }
  }

  /// True when a blob says of itself that it is a certificate of a known type.
  public static func isCertificate(_ blob: [UInt8]) -> Bool {
    var reader = WireReader(blob)
    guard let type = try? reader.text(limit: 64) else { return false }
    return types.contains(type)
  }

  /// What OpenSSH calls the certificate of a type of key, or the algorithm of its signatures.
  private static func name(_ type: String) -> String {
    type.hasSuffix("@openssh.com") ? type.dropLast(12) + "-cert-v01@openssh.com" : type + "-cert-v01@openssh.com"
  }

  /// The type of the key, and behind it the nonce, which is not kept.
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
