import Authentication
import COpenSSL
import Wire

/// Verifies signatures of users and hosts. RFC 4253, section 6.6, RFC 8332, RFC 5656, RFC 8709, and OpenSSH's
/// PROTOCOL.u2f
public enum Verifier {
  /// Why a signature is not accepted.
  public enum Failure: Error, Equatable {
    /// The signature blob, or a number in it, does not parse.
    case malformed
    /// The algorithm is not the requested one, or does not belong to the key.
    case algorithm
    /// libcrypto rejects the key, for example a point off its curve.
    case key
    /// The signature parses, but was not made by this key over this data.
    case signature
  }

  /// Verifies that `key` made the signature blob `signature` over `data` with `algorithm`.
  ///
  /// - Returns: the flags and counter of a security key; nil for other keys. The caller decides whether user presence
  ///   or user verification is required.
  /// - Throws: `Failure`, see its cases.
  @discardableResult
  public static func verify(
    _ signature: [UInt8], over data: [UInt8], by key: PublicKey, algorithm: String
  ) throws(Failure) -> SignatureBlob.SecurityKey? {
    let blob: SignatureBlob
    do throws(WireError) { blob = try SignatureBlob(signature[...]) } catch { throw .malformed }
    guard blob.algorithm.hasSameBytes(as: algorithm), key.signatureAlgorithms.contains(algorithm) else {
      throw .algorithm
    }
    guard let handle = KeyHandle.verifying(key.material) else { throw .key }
    switch key.material {
    case .ed25519:
      try verify(blob.bytes, over: data, handle, digest: nil)
    case .ecdsa(let curve, _):
      try verify(try distinguished(blob.bytes), over: data, handle, digest: curve.digest)
    case .rsa(_, let modulus):
      // OpenSSL requires the length of the modulus; RFC 8332, section 3, permits signers to omit leading zeros.
      guard blob.bytes.count <= modulus.count else { throw .signature }
      let padded = [UInt8](repeating: 0, count: modulus.count - blob.bytes.count) + blob.bytes
      try verify(padded, over: data, handle, digest: algorithm == "rsa-sha2-512" ? EVP_sha512() : EVP_sha256())
    case .securityKeyEd25519(_, let application):
      try verify(blob.bytes, over: try securityKeyData(blob, application, data), handle, digest: nil)
    case .securityKeyECDSA(_, let application):
      let signed = try securityKeyData(blob, application, data)
      try verify(try distinguished(blob.bytes), over: signed, handle, digest: EVP_sha256())
    }
    return blob.securityKey
  }

  /// Verifies a signature with the algorithm that it names, which must be one of the key's
  /// ``PublicKey/signatureAlgorithms``.
  ///
  /// - Throws: `Failure`, see its cases.
  public static func verify(_ signature: [UInt8], over data: [UInt8], by key: PublicKey) throws(Failure) {
    let blob: SignatureBlob
    do throws(WireError) { blob = try SignatureBlob(signature[...]) } catch { throw .malformed }
    try verify(signature, over: data, by: key, algorithm: blob.algorithm)
  }

  /// The data that a security key signs: hash of the application, flags, counter, hash of the data. OpenSSH's
  /// PROTOCOL.u2f
  private static func securityKeyData(
    _ blob: SignatureBlob, _ application: [UInt8], _ data: [UInt8]
  ) throws(Failure) -> [UInt8] {
    guard let added = blob.securityKey else { throw .malformed }
    var writer = WireWriter(capacity: 69)
    writer.raw(sha256(application))
    writer.byte(added.flags)
    writer.uint32(added.counter)
    writer.raw(sha256(data))
    return writer.bytes
  }

  /// Converts an ECDSA signature from SSH's encoding to DER, which libcrypto reads.
  private static func distinguished(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    let numbers: ECDSASignature
    do throws(WireError) { numbers = try ECDSASignature(bytes[...]) } catch { throw .malformed }
    guard let signature = ECDSA_SIG_new() else { throw .malformed }
    defer { ECDSA_SIG_free(signature) }
    guard let r = BN_bin2bn(numbers.r, Int32(numbers.r.count), nil),
      let s = BN_bin2bn(numbers.s, Int32(numbers.s.count), nil), ECDSA_SIG_set0(signature, r, s) == 1
    else { throw .malformed }
    var encoded: UnsafeMutablePointer<UInt8>?
    let length = i2d_ECDSA_SIG(signature, &encoded)
    guard length > 0, let encoded else { throw .malformed }
    defer { CRYPTO_free(encoded, #fileID, Int32(#line)) }
    return Array(UnsafeBufferPointer(start: encoded, count: Int(length)))
  }

  private static func verify(
    _ signature: [UInt8], over data: [UInt8], _ key: KeyHandle, digest: OpaquePointer?
  ) throws(Failure) {
    guard let context = EVP_MD_CTX_new() else { throw .signature }
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    guard EVP_DigestVerifyInit(context, nil, digest, nil, key.raw) == 1,
      EVP_DigestVerify(context, signature, signature.count, data, data.count) == 1
    else { throw .signature }
  }
}
