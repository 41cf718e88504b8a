import Wire

/// Why bytes or text are not a public key that we accept.
public enum PublicKeyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A field does not parse, or bytes follow the key.
  case blob(WireError)
  /// The type is unknown, or not accepted (ssh-dss, certificates).
  case type
  /// The curve is not the one that the type names.
  case curve
  /// The point has the wrong length, or is not uncompressed.
  case point
  /// The RSA exponent is even, 1, or longer than 64 bits, or the modulus is even or longer than 16384 bits.
  case rsaNumbers
  /// The text does not have the form `type base64 [comment]`.
  case text
  /// The type in front of the Base64 differs from the type inside.
  case typesDiffer

  /// A sentence fragment for people.
  public var description: String {
    switch self {
    case .blob(.truncated): "the key is truncated"
    case .blob(.trailingBytes): "bytes follow the key"
    case .blob(.tooLong): "a field of the key is too long"
    case .blob(.malformed): "a field of the key is malformed"
    case .type: "the key type is not one of \(PublicKey.types.joined(separator: ", "))"
    case .curve: "the curve of the key does not match its type"
    case .point: "the point of the key has an invalid encoding"
    case .rsaNumbers: "the RSA key's numbers are out of range"
    case .text: "not a key in the form 'type base64 comment'"
    case .typesDiffer: "the type before the key differs from the type in it"
    }
  }
}

/// A public key in the encoding of SSH. RFC 4253, section 6.6, RFC 5656, RFC 8709, and OpenSSH's PROTOCOL.u2f
///
/// Parsing does not check that a point lies on its curve; the library that verifies signatures does.
public struct PublicKey: Equatable, Sendable {
  /// The accepted curves of RFC 5656, section 10.1.
  public enum Curve: String, CaseIterable, Sendable {
    /// NIST P-256.
    case p256 = "nistp256"
    /// NIST P-384.
    case p384 = "nistp384"
    /// NIST P-521.
    case p521 = "nistp521"

    /// Size of a coordinate in bytes.
    public var coordinateSize: Int {
      switch self {
      case .p256: 32
      case .p384: 48
      case .p521: 66
      }
    }

    /// Size of the field in bits.
    public var bits: Int {
      switch self {
      case .p256: 256
      case .p384: 384
      case .p521: 521
      }
    }
  }

  /// The numeric content of a key.
  public enum Material: Equatable, Sendable {
    /// 32 bytes. RFC 8709, section 4
    case ed25519(point: [UInt8])
    /// The point is uncompressed: 4, x, y. RFC 5656, section 3.1
    case ecdsa(Curve, point: [UInt8])
    /// Magnitudes, most significant byte first.
    case rsa(exponent: [UInt8], modulus: [UInt8])
    /// A key held by a FIDO security key; `application` is usually `ssh:`. OpenSSH's PROTOCOL.u2f
    case securityKeyEd25519(point: [UInt8], application: [UInt8])
    /// The same on P-256; the point is uncompressed.
    case securityKeyECDSA(point: [UInt8], application: [UInt8])
  }

  /// Names of the accepted key types.
  public static let types = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
  ]
  /// Minimum size of an RSA key in bits.
  public static let minimumRSABits = 2048

  /// The complete key blob.
  public let blob: [UInt8]
  /// The content of the blob.
  public let material: Material

  /// Parses a blob that consists of exactly one key.
  ///
  /// - Throws: `PublicKeyError`: every case except `text` and `typesDiffer`.
  public init(blob: ArraySlice<UInt8>) throws(PublicKeyError) {
    var reader = WireReader(blob)
    let type: String
    do throws(WireError) { type = try reader.text(limit: 64) } catch { throw .blob(error) }
    let material = try Self.material(type: type, from: &reader)
    do throws(WireError) { try reader.end() } catch { throw .blob(error) }
    self.init(blob: Array(blob), material: material)
  }

  /// Parses `type base64 [comment]`, as in a `.pub` file.
  ///
  /// - Throws: `PublicKeyError.text` if the text has another form, `typesDiffer` if the two types differ, or an error
  ///   of ``init(blob:)``.
  public init(text: ArraySlice<UInt8>) throws(PublicKeyError) {
    let fields = text.split(maxSplits: 2, whereSeparator: isBlank)
    guard fields.count >= 2, let bytes = Base64.decode(fields[1]) else { throw .text }
    try self.init(blob: bytes[...])
    guard fields[0].elementsEqual(type.utf8) else { throw .typesDiffer }
  }

  /// Encodes a key. The caller has checked `material`.
  public init(_ material: Material) {
    var writer = WireWriter(capacity: 128)
    writer.text(Self.type(of: material))
    switch material {
    case .ed25519(let point): writer.string(point)
    case .ecdsa(let curve, let point):
      writer.text(curve.rawValue)
      writer.string(point)
    case .rsa(let exponent, let modulus):
      writer.unsignedMPInt(exponent)
      writer.unsignedMPInt(modulus)
    case .securityKeyEd25519(let point, let application):
      writer.string(point)
      writer.string(application)
    case .securityKeyECDSA(let point, let application):
      writer.text(Curve.p256.rawValue)
      writer.string(point)
      writer.string(application)
    }
    self.init(blob: writer.bytes, material: material)
  }

  private init(blob: [UInt8], material: Material) {
    self.blob = blob
    self.material = material
  }

  /// The name of the key type.
  public var type: String { Self.type(of: material) }

  /// The key size in bits, as ssh-keygen reports it.
  public var bits: Int {
    switch material {
    case .ed25519, .securityKeyEd25519, .securityKeyECDSA: 256
    case .ecdsa(let curve, _): curve.bits
    case .rsa(_, let modulus): modulus.first.map { modulus.count * 8 - $0.leadingZeroBitCount } ?? 0
    }
  }

  /// The signature algorithms for this key, most preferred first; never one with SHA-1.
  public var signatureAlgorithms: [String] {
    switch material {
    case .ed25519, .ecdsa, .securityKeyEd25519, .securityKeyECDSA: [type]
    case .rsa: ["rsa-sha2-512", "rsa-sha2-256"]
    }
  }

  /// True for an RSA key with fewer than ``minimumRSABits`` bits.
  public var isTooSmall: Bool {
    switch material {
    case .rsa: bits < Self.minimumRSABits
    case .ed25519, .ecdsa, .securityKeyEd25519, .securityKeyECDSA: false
    }
  }

  /// The key as `type base64`, without a comment.
  public var text: String { "\(type) \(String(decoding: Base64.encode(blob), as: UTF8.self))" }

  private static func type(of material: Material) -> String {
    switch material {
    case .ed25519: "ssh-ed25519"
    case .ecdsa(let curve, _): "ecdsa-sha2-\(curve.rawValue)"
    case .rsa: "ssh-rsa"
    case .securityKeyEd25519: "sk-ssh-ed25519@openssh.com"
    case .securityKeyECDSA: "sk-ecdsa-sha2-nistp256@openssh.com"
    }
  }

  /// Reads the fields of a key that follow the type name, or the nonce in a certificate.
  static func material(type: String, from reader: inout WireReader) throws(PublicKeyError) -> Material {
    do {
      switch type {
      case "ssh-ed25519": return .ed25519(point: try edwardsPoint(from: &reader))
      case "ecdsa-sha2-nistp256": return .ecdsa(.p256, point: try point(on: .p256, from: &reader))
      case "ecdsa-sha2-nistp384": return .ecdsa(.p384, point: try point(on: .p384, from: &reader))
      case "ecdsa-sha2-nistp521": return .ecdsa(.p521, point: try point(on: .p521, from: &reader))
      case "ssh-rsa":
        let exponent = Array(try reader.unsignedMPInt(limit: 9))
        let modulus = Array(try reader.unsignedMPInt(limit: 2049))
        guard let low = exponent.last, low & 1 == 1, exponent != [1], let end = modulus.last, end & 1 == 1,
          exponent.count <= 8, modulus.count <= 2048
        else { throw PublicKeyError.rsaNumbers }
        return .rsa(exponent: exponent, modulus: modulus)
      case "sk-ssh-ed25519@openssh.com":
        let point = try edwardsPoint(from: &reader)
        return .securityKeyEd25519(point: point, application: Array(try reader.string(limit: 1024)))
      case "sk-ecdsa-sha2-nistp256@openssh.com":
        let point = try point(on: .p256, from: &reader)
        return .securityKeyECDSA(point: point, application: Array(try reader.string(limit: 1024)))
      default: throw PublicKeyError.type
      }
    } catch let error as WireError {
      throw .blob(error)
    } catch let error as PublicKeyError {
      throw error
    } catch {
      throw .blob(.malformed)
    }
  }

  private static func edwardsPoint(from reader: inout WireReader) throws -> [UInt8] {
    let point = try reader.string(limit: 1024)
    guard point.count == 32 else { throw PublicKeyError.point }
    return Array(point)
  }

  private static func point(on curve: Curve, from reader: inout WireReader) throws -> [UInt8] {
    guard try reader.string(limit: 64).elementsEqual(curve.rawValue.utf8) else { throw PublicKeyError.curve }
    let point = try reader.string(limit: 1024)
    guard point.first == 4, point.count == 1 + 2 * curve.coordinateSize else { throw PublicKeyError.point }
    return Array(point)
  }
}

/// True for a space or a tab.
func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
