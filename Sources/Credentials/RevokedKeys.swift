import Authentication

/// A list of revoked keys whose signatures, if it has any, are good.
public struct RevokedKeys: Sendable {
  private let list: RevocationList

  /// Reads a list. Throws when it is not understood, or a signature on it is not by the key that it names; whose key
  /// that is does not matter, the file is the administrator's.
  public init(_ bytes: [UInt8]) throws(RevocationListError) {
    list = try RevocationList(bytes)
    for signature in list.signatures {
      do throws(Verifier.Failure) {
        try Verifier.verify(signature.blob, over: Array(bytes.prefix(signature.signedCount)), by: signature.key)
      } catch { throw RevocationListError("a signature on the revocation list is not good") }
    }
  }

  /// True when the key itself is revoked.
  public func revokes(_ key: PublicKey) -> Bool {
    list.revokes(RevocationList.Key(blob: key.blob, sha1: sha1(key.blob), sha256: sha256(key.blob)))
  }

  /// True when the certificate, its key or its authority is revoked.
  public func revokes(_ certificate: Certificate) -> Bool {
    list.revokes(certificate) || revokes(certificate.key) || revokes(certificate.authority)
  }
}
