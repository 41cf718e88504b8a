import Audit
import Authentication
import Configuration
import IPC
import Model
import Wire

extension Explainer {
  /// A way to log in, as far as it has been followed.
  struct Way {
    /// The daemon's own state machine.
    var machine: AuthenticationMachine
    var permissions = KeyPermissions.everything
    var steps: [Step] = []
  }

  /// The result of a step.
  fileprivate enum Progress {
    case refused, further, done
  }

  /// A proof that a client can give, and the daemon's verdict on it.
  struct Proof {
    let step: Step
    let verdict: Verdict
    /// The means of proof, for people.
    let text: String
    let place: String?
  }

  /// Tries the ways to log in that the question permits; returns the first that leads to a login.
  mutating func explainCredentials(_ user: KnownUser) throws(BackendError) -> Way? {
    explainPolicy(user)
    // For unknown names the daemon verifies what is offered, and accepts nobody.
    guard user.answer.login != nil else { return nil }
    let found = try look(for: user)
    var search = WaySearch(user: user, files: found, keys: question.keys)
    if search.keys.isEmpty { search.keys = listedKeys(user, found) }
    let policy = user.settings.policy(for: user.attempt)
    return try explore(Way(machine: AuthenticationMachine(policy: policy)), search)
  }

  /// Files of keys and principals; none if they cannot be read, as for the daemon.
  private mutating func look(for user: KnownUser) throws(BackendError) -> FoundFiles {
    guard user.settings.auth.methods.contains(.publicKey), !user.answer.lookUpPaths.isEmpty else { return FoundFiles() }
    let found: FoundFiles
    do throws(BackendError) { found = try backends.files(of: user.answer.lookUp, user.answer.lookUpPaths) } catch {
      report.add(.credentials, .notes, "publickey", "key files could not be read: \(error)")
      return FoundFiles()
    }
    for file in found.files {
      guard let problem = file.problem else { continue }
      report.add(.credentials, .notes, "publickey", "\(file.path) is not used: \(problem)")
    }
    return found
  }

  /// What stays the same during the search.
  struct WaySearch {
    let user: KnownUser
    let files: FoundFiles
    var keys: [OfferedKey]
  }

  private mutating func explainPolicy(_ user: KnownUser) {
    let auth = user.settings.auth
    report.add(
      .credentials, .notes, "auth.methods", auth.methods.map(\.rawValue).joined(separator: ", "),
      at: place(of: "auth.methods", for: user))
    if !auth.required.isEmpty {
      let sequences = auth.required.map { "[\($0.map(\.rawValue).joined(separator: ", "))]" }
      report.add(
        .credentials, .notes, "auth.required", "one of \(sequences.joined(separator: " "))",
        at: place(of: "auth.required", for: user))
    }
    if user.kind == .root {
      report.add(
        .credentials, .notes, "auth.permit_root", auth.permitRoot.rawValue, at: place(of: "auth.permit_root", for: user)
      )
    }
  }

  private mutating func explore(_ way: Way, _ search: WaySearch) throws(BackendError) -> Way? {
    let done = way.steps.count
    let methods = methods(after: way, search.user)
    if methods.isEmpty, done > 0 {
      let missing = way.machine.nextSteps.map(\.rawValue).joined(separator: " or ")
      report.add(
        .credentials, .refuses("more_steps"), "auth.required", "\(missing) is required too",
        at: place(of: "auth.required", for: search.user))
    }
    for method in methods {
      var asked = way
      guard let step = ask(for: method, &asked) else { continue }
      for proof in try proofs(of: step, search) {
        var next = asked
        switch take(proof, &next, search.user) {
        case .refused: continue
        case .further: if let whole = try explore(next, search) { return whole }
        case .done:
          if question.methods.isEmpty, !question.keys.isEmpty, !next.steps.contains(.publicKey) { continue }
          return next
        }
      }
    }
    return nil
  }

  /// The methods that a client would try next: of those that can continue, the ones that it uses, in its order.
  private func methods(after way: Way, _ user: KnownUser) -> [AuthenticationMachine.Method] {
    let next = way.machine.nextSteps.map(\.method).reduce(into: [AuthenticationMachine.Method]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    // A question about a key does not include a login with only a password.
    let isAboutKey = !question.keys.isEmpty && user.settings.auth.required.isEmpty
    let used = question.methods.isEmpty ? (isAboutKey ? [.publicKey] : next) : question.methods
    let left = used.filter(next.contains)
    // At first it tries them all the same, and learns why they are refused.
    return left.isEmpty && way.steps.isEmpty ? used : left
  }

  /// Gives a proof to the daemon's state machine, and reports the result.
  private mutating func take(_ proof: Proof, _ way: inout Way, _ user: KnownUser) -> Progress {
    let name = (way.steps + [proof.step]).map(\.rawValue).joined(separator: ", then ")
    var verdict = proof.verdict
    // As for the daemon: two keys must not force different commands.
    let permissions = way.permissions.merged(with: verdict.permissions)
    if verdict.outcome == .accepted, permissions == nil {
      verdict.outcome = .rejected
      verdict.reason = Reason(KeyRefusal.forcedCommandsDiffer)
    }
    let outcome: ProofOutcome = verdict.outcome == .accepted ? .accepted : .rejected
    let action = way.machine.handle(.verdict(outcome, account: user.kind, key: verdict.fingerprint))
    let progress: Progress
    var mark = RuleResult.Mark.passes
    switch action {
    case .accept: progress = .done
    case .acceptPartly: progress = .further
    case .reject(_, let refusal):
      progress = .refused
      mark = .refuses((refusal == .credentials ? verdict.reason : nil)?.code ?? refusal.rawValue)
    case .disconnect, .verifyPublicKey, .verifyPassword, .verifyCode, .prompt, .publicKeyOK, .ignore:
      progress = .refused
      mark = .refuses("not_possible")
    }
    report.add(.credentials, mark, name, proof.text, at: proof.place)
    explainRules(of: proof.step, user)
    for warning in verdict.warnings { report.add(.credentials, .notes, name, warning) }
    if progress != .refused {
      way.steps.append(proof.step)
      way.permissions = permissions ?? way.permissions
    }
    return progress
  }
}
