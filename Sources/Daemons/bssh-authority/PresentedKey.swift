import Audit
import Authentication
import Credentials
import IPC

/// The key or certificate of a `publickey` request, after all checks that do not depend on the user: format,
/// algorithms, and the CA's signature.
struct PresentedKey {
  let credential: KeyClaim.Credential
  /// The key that signs the request; of a certificate, the certified key.
  let key: PublicKey
  /// The algorithm that the signature must name.
  let algorithm: String

  /// - Parameter algorithms: the signature algorithms that the configuration permits for users.
  /// - Throws: `ProofRefusal`, if a check fails.
  init(_ offer: PublicKeyRequest, algorithms: [String]) throws(ProofRefusal) {
    if Certificate.isCertificate(offer.key) {
      let certificate = try Self.certificate(offer.key)
      guard certificate.signatureAlgorithms.contains(offer.algorithm),
        let plain = Certificate.plainAlgorithm(offer.algorithm)
      else { throw .keyTypeRefused }
      credential = .certificate(certificate)
      key = certificate.key
      algorithm = plain
    } else {
      do throws(PublicKeyError) {
        key = try PublicKey(blob: offer.key[...])
      } catch { throw error == .type ? .keyTypeRefused : .malformed }
      guard key.signatureAlgorithms.contains(offer.algorithm) else { throw .keyTypeRefused }
      credential = .key(key)
      algorithm = offer.algorithm
    }
    guard algorithms.contains(offer.algorithm) else { throw .keyTypeRefused }
    guard !key.isTooSmall else { throw .keyTooSmall }
    if case .certificate(let certificate) = credential { try Self.verify(certificate) }
  }

  /// What identifies the certificate in logs; nil for a plain key.
  var identity: CertificateIdentity? {
    guard case .certificate(let certificate) = credential else { return nil }
    var keyID = String(decoding: certificate.keyID.prefix(CertificateIdentity.keyIDLimit), as: UTF8.self)
    // Replacement characters for invalid UTF-8 take more bytes than the originals.
    while keyID.utf8.count > CertificateIdentity.keyIDLimit { keyID.removeLast() }
    return CertificateIdentity(
      keyID: keyID, serial: certificate.serial, authority: certificate.authority.fingerprint)
  }

  private static func certificate(_ blob: [UInt8]) throws(ProofRefusal) -> Certificate {
    do throws(CertificateError) {
      return try Certificate(blob: blob[...])
    } catch {
      switch error {
      case .blob, .key, .type: throw .malformed
      case .authority(let error): throw error == .type ? .authorityKeyRefused : .malformed
      }
    }
  }

  private static func verify(_ certificate: Certificate) throws(ProofRefusal) {
    guard !certificate.authority.isTooSmall else { throw .authorityKeyRefused }
    do throws(Verifier.Failure) {
      try Verifier.verify(certificate.signature, over: certificate.signedData, by: certificate.authority)
    } catch { throw error == .algorithm ? .authorityKeyRefused : .badCertificate }
  }
}
