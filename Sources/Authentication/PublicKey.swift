import Wire

/// Why bytes or text are no public key that we accept.
public enum PublicKeyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The blob does not hold together.
  case blob(WireError)
  /// A type that we don't know, or don't trust (ssh-dss, certificates).
  case type
  /// A curve other than the one that the type names.
  case curve
  /// A point of the wrong length or not in uncompressed form.
  case point
  /// An RSA exponent that is even, 1, or longer than 64 bits; or a modulus that is even or longer than 16384 bits.
  case rsaNumbers
  /// The text is not `type base64 [comment]`.
  case text
  /// The type in front of the Base64 text is not the one inside.
  case typesDiffer

  public var description: String {
    switch self {
    case .blob(.truncated): "the key is cut short"
    case .blob(.trailingBytes): "bytes follow the key"
    case .blob(.tooLong): "a field of the key is too long"
    case .blob(.malformed): "a field of the key is malformed"
    case .type: "the key type is not one of \(PublicKey.types.joined(separator: ", "))"
    case .curve: "the key's curve is not the one of its type"
    case .point: "the key's point has the wrong form"
    case .rsaNumbers: "the RSA key's numbers are out of range"
    case .text: "not a key in the form 'type base64 comment'"
    case .typesDiffer: "the type before the key is not the type inside it"
    }
  }
}

/// A public key as SSH writes it; RFC 4253, section 6.6, RFC 5656, RFC 8709, and OpenSSH's PROTOCOL.u2f.
///
/// Whether a point lies on its curve is for the library that verifies to say.
public struct PublicKey: Equatable, Sendable {
  /// The curves of RFC 5656, section 10.1, that we accept.
  public enum Curve: String, CaseIterable, Sendable {
    case p256 = "nistp256"
    case p384 = "nistp384"
    case p521 = "nistp521"

    /// Bytes of a coordinate.
    public var coordinateSize: Int {
      switch self {
      case .p256: 32
      case .p384: 48
      case .p521: 66
      }
    }

    /// Bits of the field.
    public var bits: Int {
      switch self {
      case .p256: 256
      case .p384: 384
      case .p521: 521
      }
    }
  }

  /// The numbers that a key consists of.
  public enum Material: Equatable, Sendable {
    case ed25519(point: [UInt8])
    /// The point is uncompressed: 4, x, y.
    case ecdsa(Curve, point: [UInt8])
    /// Magnitudes, most significant byte first.
    case rsa(exponent: [UInt8], modulus: [UInt8])
    /// A key in a security key; `application` is mostly `ssh:`.
    case securityKeyEd25519(point: [UInt8], application: [UInt8])
    case securityKeyECDSA(point: [UInt8], application: [UInt8])
  }

  /// The names of the accepted types.
  public static let types = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
  ]
  /// Bits that an RSA key must have at least.
  public static let minimumRSABits = 2048

  /// The whole key in SSH's form.
  public let blob: [UInt8]
  public let material: Material

  /// Reads a key blob that holds one key and nothing after it.
  public init(blob: ArraySlice<UInt8>) throws(PublicKeyError) {
    var reader = WireReader(blob)
    let type: String
    do throws(WireError) { type = try reader.text(limit: 64) } catch { throw .blob(error) }
    let material = try Self.material(type: type, from: &reader)
    do throws(WireError) { try reader.end() } catch { throw .blob(error) }
    self.init(blob: Array(blob), material: material)
  }

  /// Reads `type base64 [comment]`, as in a `.pub` file.
  public init(text: ArraySlice<UInt8>) throws(PublicKeyError) {
    let fields = text.split(maxSplits: 2, whereSeparator: isBlank)
    guard fields.count >= 2, let bytes = Base64.decode(fields[1]) else { throw .text }
    try self.init(blob: bytes[...])
    guard fields[0].elementsEqual(type.utf8) else { throw .typesDiffer }
  }

  /// The key that `material` makes.
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

  /// The name of the key's type.
  public var type: String { Self.type(of: material) }

  /// The key's size in bits, as ssh-keygen states it.
  public var bits: Int {
    switch material {
    case .ed25519, .securityKeyEd25519, .securityKeyECDSA: 256
    case .ecdsa(let curve, _): curve.bits
    case .rsa(_, let modulus): modulus.first.map { modulus.count * 8 - $0.leadingZeroBitCount } ?? 0
    }
  }

  /// The signature algorithms that go with the key, best first. SHA-1 is not among them.
  public var signatureAlgorithms: [String] {
    switch material {
    case .ed25519, .ecdsa, .securityKeyEd25519, .securityKeyECDSA: [type]
    case .rsa: ["rsa-sha2-512", "rsa-sha2-256"]
    }
  }

  /// True for an RSA key under ``minimumRSABits``.
  public var isTooSmall: Bool {
    switch material {
    case .rsa: bits < Self.minimumRSABits
    case .ed25519, .ecdsa, .securityKeyEd25519, .securityKeyECDSA: false
    }
  }

  /// `type base64`, as in a `.pub` file, without a comment.
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

  /// Reads what follows the name of `type` in a key, and the nonce in a certificate.
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
