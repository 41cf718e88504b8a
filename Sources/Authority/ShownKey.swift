import Authentication
import Credentials
import IPC

/// The key or certificate of a `publickey` request, once everything about it is known to be right that does not depend
/// on whose it is: its form, its algorithms, the authority's signature on it.
struct ShownKey {
  let credential: KeyClaim.Credential
  /// What signs: of a certificate the key in it.
  let key: PublicKey
  /// The algorithm that the signature must name.
  let algorithm: String

  /// Why a key is not even looked for; the raw value is a code for the log.
  enum Fault: String, Error {
    case malformed
    case typeRefused = "key_type_refused"
    case tooSmall = "rsa_key_too_small"
    /// Not signed by the authority that it names.
    case badCertificate = "bad_certificate"
    /// The authority's key, or its signature, is of a kind that is not accepted: a certificate, RSA under 2048 bits, SHA-1.
    case authorityRefused = "ca_key_refused"
  }

  /// `algorithms`: what the configuration allows users to sign with.
  init(_ offer: PublicKeyRequest, algorithms: [String]) throws(Fault) {
    if Certificate.isCertificate(offer.key) {
      let certificate = try Self.certificate(offer.key)
      guard certificate.signatureAlgorithms.contains(offer.algorithm),
        let plain = Certificate.plainAlgorithm(offer.algorithm)
      else { throw .typeRefused }
      credential = .certificate(certificate)
      key = certificate.key
      algorithm = plain
    } else {
      do throws(PublicKeyError) {
        key = try PublicKey(blob: offer.key[...])
      } catch { throw error == .type ? .typeRefused : .malformed }
      guard key.signatureAlgorithms.contains(offer.algorithm) else { throw .typeRefused }
      credential = .key(key)
      algorithm = offer.algorithm
    }
    guard algorithms.contains(offer.algorithm) else { throw .typeRefused }
    guard !key.isTooSmall else { throw .tooSmall }
    if case .certificate(let certificate) = credential { try Self.verify(certificate) }
  }

  /// What the certificate says of itself, when it is one.
  var identity: CertificateIdentity? {
    guard case .certificate(let certificate) = credential else { return nil }
    var keyID = String(decoding: certificate.keyID.prefix(CertificateIdentity.keyIDLimit), as: UTF8.self)
    // What is no UTF-8 takes more bytes than it had.
    while keyID.utf8.count > CertificateIdentity.keyIDLimit { keyID.removeLast() }
    return CertificateIdentity(
      keyID: keyID, serial: certificate.serial, authority: certificate.authority.fingerprint)
  }

  private static func certificate(_ blob: [UInt8]) throws(Fault) -> Certificate {
    do throws(CertificateError) {
      return try Certificate(blob: blob[...])
    } catch {
      switch error {
      case .blob, .key, .type: throw .malformed
      case .authority(let error): throw error == .type ? .authorityRefused : .malformed
      }
    }
  }

  private static func verify(_ certificate: Certificate) throws(Fault) {
    guard !certificate.authority.isTooSmall else { throw .authorityRefused }
    do throws(Verifier.Failure) {
      try Verifier.verify(certificate.signature, over: certificate.signedData, by: certificate.authority)
    } catch { throw error == .algorithm ? .authorityRefused : .badCertificate }
  }
}
