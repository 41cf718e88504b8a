import Audit
import Authentication
import Configuration
import Credentials
import IPC
import System

/// Verifies `publickey` requests: keys and certificates, by means of authorized_keys files, keys in the configuration,
/// and trusted CA keys.
struct PublicKeyProvider {
  /// The sources of time, which tests replace.
  struct Time: Sendable {
    /// The current time in seconds since 1970.
    var now: @Sendable () -> Int64
    /// Converts a time in the system's time zone to seconds since 1970; nil if that fails.
    var local: @Sendable (ExpiryTime) -> Int64?

    /// The system clock and time zone.
    static let system = Time(
      now: { Clock.secondsSince1970 },
      local: {
        Clock.secondsSince1970(
          localYear: $0.year, month: $0.month, day: $0.day, hour: $0.hour, minute: $0.minute, second: $0.second)
      })
  }

  private let inline: [[UInt8]: KeySearch.File]
  private let algorithms: [String]
  private let rules: KeyRules
  private let time: Time

  init(settings: Settings, time: Time = .system) {
    algorithms = settings.server.publicKeyAlgorithms
    rules = KeyRules(settings)
    inline = settings.auth.users.reduce(into: [:]) { files, user in
      let lines = Array(user.authorizedKeys.joined(separator: "\n").utf8)
      files[Array(user.name.utf8)] = KeySearch.File(name: "authorized_keys of '\(user.name)'", content: lines[...])
    }
    self.time = time
  }

  /// The verdict on a `publickey` request; `files` are those of the user whom it names.
  func verify(_ question: KeyVerificationRequest, _ files: FetchedKeyFiles) -> Verdict {
    guard let request = try? UserauthRequest(payload: question.request[...]),
      case .publicKey(let offer) = request.method
    else { return .rejected(ProofRefusal.malformed) }
    // First, everything that concerns only the key and signature, which is the same for all users; then the user.
    let shown: PresentedKey
    do throws(ProofRefusal) {
      shown = try PresentedKey(offer, algorithms: algorithms)
    } catch {
      return Verdict(outcome: .rejected, reason: Reason(error), fingerprint: PublicKey.fingerprint(ofBlob: offer.key))
    }
    var verdict = Verdict(outcome: .rejected, fingerprint: shown.key.fingerprint, certificate: shown.identity)
    var securityKey: SignatureBlob.SecurityKey?
    if let signature = offer.signature {
      do throws(ProofRefusal) {
        securityKey = try verify(signature, by: shown, in: request, sessionID: question.sessionID)
      } catch {
        verdict.reason = Reason(error)
        return verdict
      }
    }
    let rules = rules.of(request.user, question)
    if let refusal = rules.revocations.refusal(of: shown.credential) {
      verdict.reason = Reason(refusal)
      verdict.place = "auth.publickey.revoked_keys"
      return verdict
    }
    guard let grant = grant(to: shown, request.user, question, files, rules, &verdict) else { return verdict }
    if let fault = securityKey.flatMap({ fault(of: $0, where: grant) }) {
      verdict.reason = Reason(fault)
      return verdict
    }
    verdict.outcome = offer.signature == nil ? .acceptable : .accepted
    verdict.permissions = grant.permissions
    verdict.permissions.setSource(verdict.place)
    let refused = rules.variables.filter(&verdict.permissions.environment)
    verdict.warnings += refused.map {
      "\(verdict.place): environment= does not set \($0): auth.publickey.permit_user_environment does not permit it"
    }
    verdict.warnings = Array(verdict.warnings.prefix(KeySearch.warningLimit))
    return verdict
  }

  /// The grant of the first line or CA key that accepts the key; nil if none does, with the reason in the verdict.
  private func grant(
    to shown: PresentedKey, _ user: String, _ question: KeyVerificationRequest, _ files: FetchedKeyFiles,
    _ rules: KeyRules.Login,
    _ verdict: inout Verdict
  ) -> KeyGrant? {
    var search = KeySearch(
      KeyClaim(
        shown.credential, user: user, address: question.client, now: time.now(), localTime: time.local))
    var grant: KeyGrant?
    for file in files.keys + (inline[Array(user.utf8)].map { [$0] } ?? []) where grant == nil {
      grant = search.find(in: file)
    }
    let principals = rules.listsPrincipals ? KeySearch.PrincipalsRule.file(files.principals) : .userName
    if grant == nil {
      grant = search.find(
        among: rules.authorities.keys, of: "auth.publickey.trusted_user_ca_keys", principals: principals)
    }
    verdict.warnings = Array((files.problems + search.warnings).prefix(KeySearch.warningLimit))
    verdict.place = search.place
    if grant == nil { verdict.reason = Reason(search.refusal) }
    return grant
  }

  private func verify(
    _ signature: [UInt8], by shown: PresentedKey, in request: UserauthRequest, sessionID: [UInt8]
  ) throws(ProofRefusal) -> SignatureBlob.SecurityKey? {
    guard (32...64).contains(sessionID.count), let data = request.signedData(sessionID: sessionID) else {
      throw .malformed
    }
    do throws(Verifier.Failure) {
      return try Verifier.verify(signature, over: data, by: shown.key, algorithm: shown.algorithm)
    } catch {
      switch error {
      case .malformed, .key: throw .malformed
      case .algorithm, .signature: throw .badSignature
      }
    }
  }

  /// What the line or certificate requires and the security key's signature lacks.
  private func fault(of securityKey: SignatureBlob.SecurityKey, where grant: KeyGrant) -> ProofRefusal? {
    if grant.requiresTouch && !securityKey.provesUserPresence { return .noUserPresence }
    if grant.requiresVerification && !securityKey.provesUserVerification { return .noUserVerification }
    return nil
  }
}
