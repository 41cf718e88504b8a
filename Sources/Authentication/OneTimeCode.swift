/// Why text is no secret for one-time codes. Never holds anything of the text.
public enum OneTimeSecretError: Error, Equatable, Sendable, CustomStringConvertible {
  case base32(Base32.Fault)
  /// So many bits, where ``OneTimeSecret/sizes`` says how many bytes there must be.
  case size(Int)

  public var description: String {
    switch self {
    case .base32(.character(let number)):
      "character \(number) is no digit of base32, which are A to Z and 2 to 7; 'bssh-server totp-setup' makes a secret"
    case .base32(.length): "the secret is cut short or damaged; 'bssh-server totp-setup' makes one"
    case .size(let bits):
      "the secret has \(bits) bits, not \(OneTimeSecret.sizes.lowerBound * 8) to "
        + "\(OneTimeSecret.sizes.upperBound * 8); 'bssh-server totp-setup' makes one"
    }
  }
}

/// What a user's device and the server share to make the same codes at the same time. RFC 6238
public struct OneTimeSecret: Equatable, Sendable {
  /// The hash of HMAC.
  public enum Algorithm: String, CaseIterable, Sendable {
    case sha1, sha256, sha512
  }

  /// How many digits a code has.
  public enum Digits: Int, CaseIterable, Sendable {
    case six = 6
    case eight = 8
  }

  /// Bytes that a secret may have. RFC 4226, section 4, R6, has the lower bound.
  public static let sizes = 16...128

  public let bytes: [UInt8]
  public let algorithm: Algorithm
  public let digits: Digits

  public init(bytes: [UInt8], algorithm: Algorithm = .sha1, digits: Digits = .six) {
    self.bytes = bytes
    self.algorithm = algorithm
    self.digits = digits
  }

  /// Reads the Base32 of a configuration.
  public init(
    base32 text: String, algorithm: Algorithm = .sha1, digits: Digits = .six
  ) throws(OneTimeSecretError) {
    let bytes: [UInt8]
    do throws(Base32.Fault) { bytes = try Base32.decode(text.utf8) } catch { throw .base32(error) }
    guard Self.sizes.contains(bytes.count) else { throw .size(bytes.count * 8) }
    self.init(bytes: bytes, algorithm: algorithm, digits: digits)
  }

  /// The secret as a configuration holds it.
  public var base32: String { String(decoding: Base32.encode(bytes), as: UTF8.self) }
}

/// Codes by time, but for the HMAC, which libcrypto makes. RFC 6238 and RFC 4226
public enum OneTimeCode {
  /// Seconds that a code is shown for.
  public static let period: Int64 = 30
  /// Steps by which a device's clock may be off, either way.
  public static let skew: Int64 = 1

  /// The number of the step at `time`, seconds since 1970. RFC 6238, section 4.2: T.
  public static func step(at time: Int64) -> UInt64 { UInt64(max(time, 0) / period) }

  /// The steps whose codes are good at `time`.
  public static func steps(at time: Int64) -> [UInt64] {
    (-skew...skew).map { step(at: max(time, 0) + $0 * period) }.reduce(into: []) { steps, step in
      if !steps.contains(step) { steps.append(step) }
    }
  }

  /// What the HMAC is computed of: the step as eight bytes. RFC 4226, section 5.1
  public static func message(of step: UInt64) -> [UInt8] {
    (0..<8).reversed().map { UInt8(truncatingIfNeeded: step >> ($0 * 8)) }
  }

  /// The digits that an HMAC of 20 bytes or more means. RFC 4226, section 5.3; RFC 6238, section 1.2
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
