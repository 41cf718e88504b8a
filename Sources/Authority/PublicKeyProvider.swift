import Authentication
import Configuration
import Credentials
import IPC

/// Judges `publickey` requests: keys of authorized_keys files, and of users in the configuration.
struct PublicKeyProvider: AuthProvider {
  private struct Inline {
    let blobs: [[UInt8]]
    let warnings: [String]
  }

  private let inline: [[UInt8]: Inline]
  private let algorithms: [String]

  /// `algorithms`: what the configuration allows users to sign with.
  init(users: [Settings.User], algorithms: [String]) {
    self.algorithms = algorithms
    inline = users.reduce(into: [:]) { $0[Array($1.name.utf8)] = Self.inline($1) }
  }

  func judge(_ attempt: Attempt) -> Verdict? {
    guard case .publicKey(let sessionID, let payload, let files) = attempt else { return nil }
    guard let request = try? UserauthRequest(payload: payload[...]), case .publicKey(let offer) = request.method else {
      return Verdict(outcome: .rejected, reason: "malformed")
    }
    var verdict = Verdict(outcome: .rejected, fingerprint: PublicKey.fingerprint(ofBlob: offer.key))
    // First everything about the key and signature alone, which is the same whoever the user is, and then the user.
    if let reason = fault(of: offer, in: request, sessionID: sessionID) {
      verdict.reason = reason
      return verdict
    }
    var warnings = files.problems
    var isListed = files.contains(offer.key) { warnings.append($0) }
    if let inline = inline[Array(request.user.utf8)] {
      warnings += inline.warnings
      isListed = inline.blobs.contains(offer.key) || isListed
    }
    verdict.warnings = Array(warnings.prefix(16))
    if isListed {
      verdict.outcome = offer.signature == nil ? .acceptable : .accepted
    } else {
      verdict.reason = "no_such_key"
    }
    return verdict
  }

  /// What is wrong with the key, or with the signature if there is one.
  private func fault(of offer: PublicKeyRequest, in request: UserauthRequest, sessionID: [UInt8]) -> String? {
    let key: PublicKey
    do throws(PublicKeyError) {
      key = try PublicKey(blob: offer.key[...])
    } catch { return error == .type ? "key_type_refused" : "malformed" }
    guard algorithms.contains(offer.algorithm), key.signatureAlgorithms.contains(offer.algorithm) else {
      return "key_type_refused"
    }
    guard !key.isTooSmall else { return "rsa_key_too_small" }
    guard let signature = offer.signature else { return nil }
    guard (32...64).contains(sessionID.count), let data = request.signedData(sessionID: sessionID) else {
      return "malformed"
    }
    do throws(Verifier.Failure) {
      try Verifier.verify(signature, over: data, by: key, algorithm: offer.algorithm)
      return nil
    } catch {
      switch error {
      case .malformed, .key: return "malformed"
      case .algorithm, .signature: return "bad_signature"
      case .noUserPresence: return "no_user_presence"
      }
    }
  }

  private static func inline(_ user: Settings.User) -> Inline {
    var blobs: [[UInt8]] = []
    var warnings: [String] = []
    let content = Array(user.authorizedKeys.joined(separator: "\n").utf8)
    for entry in AuthorizedKeys(content[...]) {
      switch entry {
      case .key(let key, _): blobs.append(key.blob)
      case .refused(let reason, let line): warnings.append("authorized_keys of '\(user.name)':\(line): \(reason)")
      }
    }
    return Inline(blobs: blobs, warnings: warnings)
  }
}
