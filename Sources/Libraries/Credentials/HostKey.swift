import Authentication
import COpenSSL
import Wire

/// A private host key.
///
/// The private numbers are held by libcrypto, which erases them when this object is released.
public final class HostKey {
  /// Types of keys that can be generated.
  public enum Kind: String, CaseIterable, Sendable {
    case ed25519, rsa, ecdsa
  }

  /// The public key.
  public let publicKey: PublicKey
  /// The comment in the key file; may be empty.
  public let comment: String
  let handle: KeyHandle

  init(_ handle: KeyHandle, publicKey: PublicKey, comment: String) throws(CredentialError) {
    self.handle = handle
    self.publicKey = publicKey
    self.comment = comment
    try checkThatHalvesFit()
  }

  /// Generates a key.
  ///
  /// - Parameter bits: 2048…16384 for RSA (default 3072); 256, 384 or 521 for ECDSA (default 256); only 256 for
  ///   Ed25519.
  /// - Throws: `CredentialError.bits` for any other size, `library` if libcrypto fails.
  public static func generate(_ kind: Kind, bits: Int? = nil, comment: String = "") throws(CredentialError) -> HostKey {
    switch kind {
    case .ed25519:
      guard bits == nil || bits == 256 else { throw .bits("ed25519 keys always have 256 bits") }
      var seed = try randomBytes(32)
      defer { Secret.wipe(&seed) }
      return try ed25519(seed: seed, comment: comment)
    case .ecdsa:
      guard let curve = PublicKey.Curve.allCases.first(where: { $0.bits == bits ?? 256 }) else {
        throw .bits("ecdsa keys have 256, 384 or 521 bits, not \(bits ?? 256)")
      }
      let handle = try generated("EC") { EVP_PKEY_CTX_set_group_name($0, curve.opensslName) }
      return try HostKey(handle, publicKey: PublicKey(.ecdsa(curve, point: try handle.point())), comment: comment)
    case .rsa:
      let bits = bits ?? 3072
      guard (2048...16384).contains(bits) else { throw .bits("rsa keys have 2048 to 16384 bits, not \(bits)") }
      let handle = try generated("RSA") { EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(bits)) }
      guard let n = handle.number("n"), let e = handle.number("e") else { throw .library("read an RSA key") }
      let material = PublicKey.Material.rsa(exponent: e.magnitude, modulus: n.magnitude)
      return try HostKey(handle, publicKey: PublicKey(material), comment: comment)
    }
  }

  /// Signs `data` and returns the signature blob.
  ///
  /// - Parameter algorithm: one of the key's ``PublicKey/signatureAlgorithms``.
  /// - Throws: `CredentialError.library` for another algorithm, or if libcrypto fails.
  public func sign(_ data: [UInt8], algorithm: String) throws(CredentialError) -> [UInt8] {
    guard publicKey.signatureAlgorithms.contains(algorithm) else {
      throw .library("sign with \(algorithm) by a key of type \(publicKey.type)")
    }
    let digest: OpaquePointer?
    switch publicKey.material {
    case .ed25519, .securityKeyEd25519, .securityKeyECDSA: digest = nil
    case .ecdsa(let curve, _): digest = curve.digest
    case .rsa: digest = algorithm == "rsa-sha2-512" ? EVP_sha512() : EVP_sha256()
    }
    var bytes = try rawSignature(data, digest: digest)
    if case .ecdsa = publicKey.material { bytes = try numbers(ofDistinguished: bytes).wireBytes }
    return SignatureBlob(algorithm: algorithm, bytes: bytes).wireBytes
  }

  /// The Ed25519 key with this seed of 32 bytes.
  static func ed25519(seed: [UInt8], comment: String) throws(CredentialError) -> HostKey {
    guard let raw = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
      throw .library("make an Ed25519 key")
    }
    let handle = KeyHandle(raw)
    var point = [UInt8](repeating: 0, count: 32)
    var count = point.count
    guard EVP_PKEY_get_raw_public_key(raw, &point, &count) == 1, count == 32 else {
      throw .library("read an Ed25519 key")
    }
    return try HostKey(handle, publicKey: PublicKey(.ed25519(point: point)), comment: comment)
  }

  /// Signs and verifies once, so that a damaged file is detected at start-up rather than by the first client.
  private func checkThatHalvesFit() throws(CredentialError) {
    let data = Array("a signature to see that both halves fit".utf8)
    let algorithm = publicKey.signatureAlgorithms[0]
    let signature = try sign(data, algorithm: algorithm)
    do throws(Verifier.Failure) {
      try Verifier.verify(signature, over: data, by: publicKey, algorithm: algorithm)
    } catch { throw .hostKey("the private key does not match the public key") }
  }

  private func rawSignature(_ data: [UInt8], digest: OpaquePointer?) throws(CredentialError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw .library("sign") }
    defer { EVP_MD_CTX_free(context) }
    var size = 0
    guard EVP_DigestSignInit(context, nil, digest, nil, handle.raw) == 1,
      EVP_DigestSign(context, nil, &size, data, data.count) == 1
    else {
      ERR_clear_error()
      throw .library("sign")
    }
    var signature = [UInt8](repeating: 0, count: size)
    guard EVP_DigestSign(context, &signature, &size, data, data.count) == 1 else {
      ERR_clear_error()
      throw .library("sign")
    }
    return Array(signature.prefix(size))
  }

  private func numbers(ofDistinguished bytes: [UInt8]) throws(CredentialError) -> ECDSASignature {
    let signature = bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_ECDSA_SIG(nil, &start, buffer.count)
    }
    guard let signature else { throw .library("read an ECDSA signature") }
    defer { ECDSA_SIG_free(signature) }
    return ECDSASignature(r: magnitude(ECDSA_SIG_get0_r(signature)), s: magnitude(ECDSA_SIG_get0_s(signature)))
  }

  /// Copies a number that libcrypto owns.
  private func magnitude(_ raw: OpaquePointer?) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: (Int(BN_num_bits(raw)) + 7) / 8) { buffer, count in
      count = Int(BN_bn2bin(raw, buffer.baseAddress))
    }
  }

  private static func generated(
    _ type: String, _ configure: (OpaquePointer) -> Int32
  ) throws(CredentialError) -> KeyHandle {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .library("generate a key") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, configure(context) == 1, EVP_PKEY_generate(context, &key) == 1, let key
    else {
      ERR_clear_error()
      throw .library("generate a key of type \(type)")
    }
    return KeyHandle(key)
  }
}

extension KeyHandle {
  /// The public point of an EC key, uncompressed.
  func point() throws(CredentialError) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = EVP_PKEY_get1_encoded_public_key(raw, &bytes)
    guard count > 0, let bytes else { throw .library("read an ECDSA key") }
    defer { CRYPTO_free(bytes, #fileID, Int32(#line)) }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}

/// Returns `count` random bytes. RAND_bytes(3ssl)
///
/// - Throws: `CredentialError.library` if the generator fails.
public func randomBytes(_ count: Int) throws(CredentialError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw .library("draw random bytes") }
  return bytes
}
