import Authentication
import COpenSSL
import Wire

/// The system's libcrypto.
public enum LibCrypto {
  /// The version string of the library loaded in this process: `OpenSSL 3.0.17 1 Jul 2025`.
  public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}

/// Owns one `EVP_PKEY`, and frees it on release.
final class KeyHandle {
  let raw: OpaquePointer

  /// Takes ownership of `raw`.
  init(_ raw: OpaquePointer) { self.raw = raw }

  deinit { EVP_PKEY_free(raw) }

  /// Builds a key of `type` (`EC`, `RSA`) from numbers and octet strings; nil if libcrypto rejects them.
  static func make(
    type: String, isPrivate: Bool, group: String? = nil, octets: [(String, [UInt8])] = [],
    numbers: [(String, BigNumber)] = []
  ) -> KeyHandle? {
    guard let builder = OSSL_PARAM_BLD_new() else { return nil }
    // The builder keeps pointers to names and values, and the parameters keep pointers to names, so the memory of both
    // must stay in place.
    var kept: [UnsafeMutableBufferPointer<CChar>] = []
    defer {
      OSSL_PARAM_BLD_free(builder)
      for buffer in kept { buffer.deallocate() }
    }
    func keep(_ bytes: some Collection<UInt8>) -> UnsafePointer<CChar>? {
      let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count + 1)
      _ = buffer.initialize(from: bytes.map { CChar(bitPattern: $0) } + [0])
      kept.append(buffer)
      return UnsafePointer(buffer.baseAddress)
    }
    if let group {
      guard OSSL_PARAM_BLD_push_utf8_string(builder, keep("group".utf8), keep(group.utf8), 0) == 1 else { return nil }
    }
    for (name, value) in octets {
      let pushed = OSSL_PARAM_BLD_push_octet_string(builder, keep(name.utf8), keep(value), value.count)
      guard pushed == 1 else { return nil }
    }
    for (name, value) in numbers {
      guard OSSL_PARAM_BLD_push_BN(builder, keep(name.utf8), value.raw) == 1 else { return nil }
    }
    let built = withExtendedLifetime(numbers) { OSSL_PARAM_BLD_to_param(builder) }
    guard let parameters = built else { return nil }
    defer { OSSL_PARAM_free(parameters) }
    guard let context = EVP_PKEY_CTX_new_from_name(nil, type, nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    let selection = isPrivate ? copenssl_key_pair : copenssl_public_key
    guard EVP_PKEY_fromdata_init(context) == 1, EVP_PKEY_fromdata(context, &key, selection, parameters) == 1, let key
    else {
      ERR_clear_error()
      return nil
    }
    return KeyHandle(key)
  }

  /// The Ed25519 public key with this point.
  static func ed25519(point: [UInt8]) -> KeyHandle? {
    EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, point, point.count).map(KeyHandle.init)
  }

  /// The libcrypto key that verifies signatures of `material`; nil if libcrypto rejects it, for example a point off the
  /// curve.
  static func verifying(_ material: PublicKey.Material) -> KeyHandle? {
    switch material {
    case .ed25519(let point), .securityKeyEd25519(let point, _): ed25519(point: point)
    case .ecdsa(let curve, let point):
      make(type: "EC", isPrivate: false, group: curve.opensslName, octets: [("pub", point)])
    case .securityKeyECDSA(let point, _):
      make(type: "EC", isPrivate: false, group: PublicKey.Curve.p256.opensslName, octets: [("pub", point)])
    case .rsa(let exponent, let modulus):
      make(type: "RSA", isPrivate: false, numbers: [("n", BigNumber(modulus)), ("e", BigNumber(exponent))])
    }
  }

  /// A number of the key, such as `n` or `priv`; nil if the key has none with this name.
  func number(_ name: String) -> BigNumber? {
    var raw: OpaquePointer?
    guard EVP_PKEY_get_bn_param(self.raw, name, &raw) == 1, let raw else { return nil }
    return BigNumber(taking: raw)
  }
}

/// Owns one `BIGNUM`, and erases and frees it on release.
final class BigNumber {
  let raw: OpaquePointer

  /// Takes ownership of `raw`.
  init(taking raw: OpaquePointer) { self.raw = raw }

  /// The number with this magnitude, most significant byte first.
  convenience init(_ magnitude: some Collection<UInt8>) {
    let bytes = Secret(magnitude)
    let raw = bytes.withBytes { BN_bin2bn($0.baseAddress, Int32($0.count), nil) }
    guard let raw else { fatalError("out of memory") }
    BN_set_flags(raw, BN_FLG_CONSTTIME)
    self.init(taking: raw)
  }

  deinit { BN_clear_free(raw) }

  /// The magnitude, most significant byte first. If the number is secret, the caller erases the array.
  var magnitude: [UInt8] {
    let size = (Int(BN_num_bits(raw)) + 7) / 8
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = Int(BN_bn2bin(raw, buffer.baseAddress))
    }
  }

  /// This number modulo (`other` - 1), in constant time; nil if `other` is 1 or memory is exhausted.
  func modulo(oneLessThan other: BigNumber) -> BigNumber? {
    guard let context = BN_CTX_secure_new() else { return nil }
    defer { BN_CTX_free(context) }
    guard let divisor = BN_dup(other.raw).map(BigNumber.init(taking:)), BN_sub_word(divisor.raw, 1) == 1,
      let result = BN_new().map(BigNumber.init(taking:))
    else { return nil }
    BN_set_flags(divisor.raw, BN_FLG_CONSTTIME)
    guard BN_div(nil, result.raw, raw, divisor.raw, context) == 1 else { return nil }
    return result
  }
}

extension PublicKey.Curve {
  /// libcrypto's name of the curve.
  var opensslName: String {
    switch self {
    case .p256: "P-256"
    case .p384: "P-384"
    case .p521: "P-521"
    }
  }

  /// The hash for signatures on this curve. RFC 5656, section 6.2.1
  var digest: OpaquePointer? {
    switch self {
    case .p256: EVP_sha256()
    case .p384: EVP_sha384()
    case .p521: EVP_sha512()
    }
  }
}

/// The SHA-256 hash of `bytes`: 32 bytes.
public func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
  let bytes = Array(bytes)
  return [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { buffer, count in
    SHA256(bytes, bytes.count, buffer.baseAddress)
    count = Int(SHA256_DIGEST_LENGTH)
  }
}

/// The SHA-1 hash of `bytes`. Only for comparison with existing lists, not for security.
func sha1(_ bytes: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: Int(SHA_DIGEST_LENGTH)) { buffer, count in
    SHA1(bytes, bytes.count, buffer.baseAddress)
    count = Int(SHA_DIGEST_LENGTH)
  }
}

extension PublicKey {
  /// The SHA-256 fingerprint as `ssh-keygen -l` prints it: `SHA256:` and the hash in Base64 without padding.
  public var fingerprint: String { Self.fingerprint(ofBlob: blob) }

  /// The fingerprint of any key blob, even a malformed one.
  public static func fingerprint(ofBlob blob: [UInt8]) -> String {
    "SHA256:" + String(decoding: Base64.encode(sha256(blob), padded: false), as: UTF8.self)
  }
}
