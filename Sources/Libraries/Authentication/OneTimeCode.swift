/// Why text is not a valid TOTP secret. Contains nothing from the text.
public enum OneTimeSecretError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text is not Base32.
  case base32(Base32.DecodeError)
  /// The secret has this many bits, which is outside of ``OneTimeSecret/sizes``.
  case size(Int)

  /// A sentence for people, which also says how to make a valid secret.
  public var description: String {
    switch self {
    case .base32(.character(let number)):
      "character \(number) is not a Base32 digit (A to Z, 2 to 7); 'bssh-server totp-setup' creates a secret"
    case .base32(.length): "the secret is truncated or damaged; 'bssh-server totp-setup' creates one"
    case .size(let bits):
      "the secret has \(bits) bits, not \(OneTimeSecret.sizes.lowerBound * 8) to "
        + "\(OneTimeSecret.sizes.upperBound * 8); 'bssh-server totp-setup' creates one"
    }
  }
}

/// The shared secret of a TOTP token. RFC 6238
public struct OneTimeSecret: Equatable, Sendable {
  /// The hash function of the HMAC.
  public enum Algorithm: String, CaseIterable, Sendable {
    /// As in RFC 6238, section 1.2.
    case sha1, sha256, sha512
  }

  /// The number of digits in a code.
  public enum Digits: Int, CaseIterable, Sendable {
    /// Six digits, the usual number.
    case six = 6
    /// Eight digits.
    case eight = 8
  }

  /// Permitted sizes in bytes. The lower bound is R6 in RFC 4226, section 4.
  public static let sizes = 16...128

  /// The key of the HMAC, in the clear.
  public let bytes: [UInt8]
  /// The hash function.
  public let algorithm: Algorithm
  /// The number of digits.
  public let digits: Digits

  /// A secret whose size the caller has checked against ``sizes``.
  public init(bytes: [UInt8], algorithm: Algorithm = .sha1, digits: Digits = .six) {
    self.bytes = bytes
    self.algorithm = algorithm
    self.digits = digits
  }

  /// Parses a secret from the configuration.
  ///
  /// - Throws: `OneTimeSecretError.base32` if the text is not Base32, `size` if the secret is too short or too long.
  public init(
    base32 text: String, algorithm: Algorithm = .sha1, digits: Digits = .six
  ) throws(OneTimeSecretError) {
    let bytes: [UInt8]
    do throws(Base32.DecodeError) { bytes = try Base32.decode(text.utf8) } catch { throw .base32(error) }
    guard Self.sizes.contains(bytes.count) else { throw .size(bytes.count * 8) }
    self.init(bytes: bytes, algorithm: algorithm, digits: digits)
  }

  /// The secret in the form used in the configuration.
  public var base32: String { String(decoding: Base32.encode(bytes), as: UTF8.self) }
}

/// TOTP (RFC 6238) and HOTP (RFC 4226) without the HMAC, which libcrypto computes.
public enum OneTimeCode {
  /// The time step in seconds. RFC 6238, section 5.2
  public static let period: Int64 = 30
  /// How many time steps a token's clock may be off in either direction.
  public static let skew: Int64 = 1

  /// The time step at `time`, in seconds since 1970: T in RFC 6238, section 4.2.
  public static func step(at time: Int64) -> UInt64 { UInt64(max(time, 0) / period) }

  /// The time steps whose codes are valid at `time`, in seconds since 1970.
  public static func steps(at time: Int64) -> [UInt64] {
    (-skew...skew).map { step(at: max(time, 0) + $0 * period) }.reduce(into: []) { steps, step in
      if !steps.contains(step) { steps.append(step) }
    }
  }

  /// The input of the HMAC: the time step as eight bytes, big-endian. RFC 4226, section 5.1
  public static func message(of step: UInt64) -> [UInt8] {
    (0..<8).reversed().map { UInt8(truncatingIfNeeded: step >> ($0 * 8)) }
  }

  /// Truncates an HMAC to a code; empty if `mac` has fewer than 20 bytes. RFC 4226, section 5.3; RFC 6238, section 1.2
  public static func text(of mac: [UInt8], digits: OneTimeSecret.Digits) -> [UInt8] {
    guard let last = mac.last, mac.count >= 20 else { return [] }
    let offset = Int(last & 0xf)
    var number = mac[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    var text: [UInt8] = []
    for _ in 0..<digits.rawValue {
      text.append(UInt8(ascii: "0") + UInt8(number % 10))
      number /= 10
    }
    return text.reversed()
  }
}
