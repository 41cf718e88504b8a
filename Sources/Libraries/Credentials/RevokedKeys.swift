import Authentication

/// A revocation list whose signatures have been verified.
public struct RevokedKeys: Sendable {
  private let list: RevocationList

  /// Parses a list and verifies its signatures. Any key may have signed it, because the administrator provides the
  /// file.
  ///
  /// - Throws: `RevocationListError` if the list is not understood, or a signature does not match the key that it
  ///   names.
  public init(_ bytes: [UInt8]) throws(RevocationListError) {
    list = try RevocationList(bytes)
    for signature in list.signatures {
      do throws(Verifier.Failure) {
        try Verifier.verify(signature.blob, over: Array(bytes.prefix(signature.signedCount)), by: signature.key)
      } catch { throw RevocationListError("a signature of the revocation list is invalid") }
    }
  }

  /// True if the key itself is revoked.
  public func revokes(_ key: PublicKey) -> Bool {
    list.revokes(RevocationList.Key(blob: key.blob, sha1: sha1(key.blob), sha256: sha256(key.blob)))
  }

  /// True if the certificate, its key or its CA key is revoked.
  public func revokes(_ certificate: Certificate) -> Bool {
    list.revokes(certificate) || revokes(certificate.key) || revokes(certificate.authority)
  }
}
