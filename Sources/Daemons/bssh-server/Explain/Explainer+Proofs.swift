import Audit
import Authentication
import Configuration
import IPC
import Wire

// What a client would send. Passwords, codes and signatures are assumed to be correct; the question is whether there is
// anything that they can be verified against.
extension Explainer {
  /// Limit for keys from files that are tried if none is named.
  static let keyLimit = 64

  /// Has the client request a method. Returns the step that it must prove; nil: none, and the report says why.
  mutating func ask(for method: AuthenticationMachine.Method, _ way: inout Way) -> Step? {
    var action = way.machine.handle(request(method).map { .request($0) } ?? .malformed)
    if case .prompt = action { action = way.machine.handle(response.map { .infoResponse($0) } ?? .malformed) }
    switch action {
    case .verifyPublicKey: return .publicKey
    case .verifyPassword: return method == .password ? .password : .keyboardInteractive
    case .verifyCode: return .totp
    case .reject(_, let refusal):
      let next = way.machine.nextSteps.map(\.rawValue).joined(separator: " or ")
      report.add(
        .credentials, .refuses(refusal.rawValue), method.rawValue,
        next.isEmpty ? "leads to no login" : "leads to no login now; \(next) does")
    case .prompt, .acceptPartly, .publicKeyOK, .accept, .disconnect, .ignore:
      report.add(.credentials, .refuses("not_possible"), method.rawValue, "leads to no login")
    }
    return nil
  }

  /// The proofs that are possible for this step.
  func proofs(of step: Step, _ search: WaySearch) throws(BackendError) -> [Proof] {
    switch step {
    case .publicKey:
      guard !search.keys.isEmpty else {
        let verdict = Verdict.rejected(KeyRefusal.noSuchKey)
        return [Proof(step: step, verdict: verdict, text: "no file lists a key", place: nil)]
      }
      var proofs: [Proof] = []
      for key in search.keys { proofs.append(try proof(by: key, search)) }
      return proofs
    case .password, .keyboardInteractive:
      return [secret(step, configured?.passwordHash, "password_hash", missing: .noPassword)]
    case .totp: return [secret(step, configured?.totpSecret, "totp_secret", missing: .noSecret)]
    }
  }

  private func secret(_ step: Step, _ value: String?, _ key: String, missing refusal: ProofRefusal) -> Proof {
    guard value != nil else {
      let verdict = Verdict.rejected(refusal)
      return Proof(
        step: step, verdict: verdict, text: "the user has no \(key)", place: place(ofUserKey: "name"))
    }
    return Proof(
      step: step, verdict: Verdict(outcome: .accepted),
      text: "the user has a \(key); the input is assumed to be correct", place: place(ofUserKey: key))
  }

  private func proof(by key: OfferedKey, _ search: WaySearch) throws(BackendError) -> Proof {
    let algorithm = key.algorithm(of: search.user.settings.server.publicKeyAlgorithms)
    var payload = start(of: .publicKey)
    payload.boolean(false)
    payload.text(algorithm ?? "unknown")
    payload.string(key.blob)
    // The last file is that of principals.
    let principals = search.user.answer.principalsPath == nil ? nil : search.files.files.last
    let question = KeyVerificationRequest(
      sessionID: [UInt8](repeating: 0, count: 32), request: payload.bytes, client: question.address,
      groups: search.user.answer.groups,
      files: principals == nil ? search.files.files : Array(search.files.files.dropLast()), principals: principals)
    var verdict = try backends.verdict(on: question, search.files)
    // It was only offered; the owner of the private key can sign.
    if verdict.outcome == .acceptable { verdict.outcome = .accepted }
    var text = "key \(verdict.fingerprint) of \(key.name)"
    if let certificate = verdict.certificate {
      text += ", certificate '\(certificate.keyID)' serial \(certificate.serial)"
    }
    if !verdict.place.isEmpty { text += ", by \(verdict.place)" }
    // The decision may be due to a key of the configuration.
    let place = place(of: verdict.place, for: search.user)
    return Proof(step: .publicKey, verdict: verdict, text: text, place: place)
  }

  /// The keys that are accepted without a certificate, from the files that were read and from the configuration.
  mutating func listedKeys(_ user: KnownUser, _ found: FoundFiles) -> [OfferedKey] {
    var files: [(name: String, content: ArraySlice<UInt8>)] = []
    var offset = 0
    for file in found.files where file.path != user.answer.principalsPath {
      let bytes = (try? found.memory?.read(count: Int(file.length), at: offset)) ?? []
      offset += Int(file.length)
      files.append((file.path, bytes[...]))
    }
    let inline = Array((configured?.authorizedKeys ?? []).joined(separator: "\n").utf8)
    files.append(("authorized_keys of '\(question.user)'", inline[...]))
    var keys: [OfferedKey] = []
    var authorities = 0
    for file in files {
      for case .key(let key, let options, let line) in AuthorizedKeys(file.content) {
        if options.isCertificateAuthority { authorities += 1 }
        guard !options.isCertificateAuthority, keys.count < Self.keyLimit else { continue }
        keys.append(OfferedKey(name: "\(file.name):\(line)", blob: key.blob))
      }
    }
    if authorities > 0 || user.settings.auth.trustedUserCAKeys != nil {
      report.add(.credentials, .notes, "publickey", "certificates may be accepted too: check one with --key")
    }
    return keys
  }

  // MARK: Messages

  private func start(of method: AuthenticationMachine.Method) -> WireWriter {
    var writer = WireWriter(capacity: 1024)
    writer.text(question.user)
    writer.text("ssh-connection")
    writer.text(method.rawValue)
    return writer
  }

  /// A request by the method; the state machine uses only the method of it.
  private func request(_ method: AuthenticationMachine.Method) -> UserauthRequest? {
    var payload = start(of: method)
    switch method {
    case .publicKey:
      payload.boolean(true)
      for text in ["ssh-ed25519", "key", "signature"] { payload.text(text) }
    case .password:
      payload.boolean(false)
      payload.text("")
    case .keyboardInteractive: for text in ["", ""] { payload.text(text) }
    }
    return try? UserauthRequest(payload: payload.bytes[...])
  }

  /// A response to the single prompt.
  private var response: InfoResponse? {
    var payload = WireWriter(capacity: 16)
    payload.uint32(1)
    payload.text("")
    return try? InfoResponse(payload: payload.bytes[...])
  }
}
