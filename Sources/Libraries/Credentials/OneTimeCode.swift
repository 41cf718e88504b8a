import Authentication
import COpenSSL

extension OneTimeSecret {
  /// Generates a secret of the same length as the HMAC, as RFC 6238, section 5.1, recommends.
  ///
  /// - Throws: `CredentialError.library` if the random generator fails.
  public static func make(
    algorithm: Algorithm = .sha1, digits: Digits = .six
  ) throws(CredentialError) -> OneTimeSecret {
    OneTimeSecret(bytes: try randomBytes(algorithm.size), algorithm: algorithm, digits: digits)
  }

  /// The code for the time step `step`.
  ///
  /// - Throws: `CredentialError.library` if libcrypto fails.
  public func code(at step: UInt64) throws(CredentialError) -> String {
    String(decoding: OneTimeCode.text(of: try mac(of: step), digits: digits), as: UTF8.self)
  }

  /// Finds the time step that `code` belongs to: the last one if several match, nil if the code is not valid at `time`,
  /// in seconds since 1970. Spaces in the code are ignored, because tokens display them.
  ///
  /// The duration depends only on the length of the code, not on whether it is right.
  ///
  /// - Throws: `CredentialError.library` if libcrypto fails.
  public func step(of code: [UInt8], at time: Int64) throws(CredentialError) -> UInt64? {
    var given = code.filter { $0 != UInt8(ascii: " ") }
    defer { Secret.wipe(&given) }
    var found: UInt64?
    for step in OneTimeCode.steps(at: time) {
      var expected = OneTimeCode.text(of: try mac(of: step), digits: digits)
      if expected.count == given.count, CRYPTO_memcmp(expected, given, given.count) == 0 { found = step }
      Secret.wipe(&expected)
    }
    return found
  }

  private func mac(of step: UInt64) throws(CredentialError) -> [UInt8] {
    let message = OneTimeCode.message(of: step)
    var mac = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var size: UInt32 = 0
    guard HMAC(algorithm.digest, bytes, Int32(bytes.count), message, message.count, &mac, &size) != nil else {
      throw .library("HMAC of a one-time code")
    }
    return Array(mac.prefix(Int(size)))
  }
}

extension OneTimeSecret.Algorithm {
  /// Size of the hash in bytes.
  fileprivate var size: Int {
    switch self {
    case .sha1: 20
    case .sha256: 32
    case .sha512: 64
    }
  }

  fileprivate var digest: OpaquePointer? {
    switch self {
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha512: EVP_sha512()
    }
  }
}
