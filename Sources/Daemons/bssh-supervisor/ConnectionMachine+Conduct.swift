import AccessControl
import Audit
import Authentication
import IPC
import System

extension ConnectionMachine {
  /// What a connection did that says something about its source. Only what is proven counts against it.
  struct Conduct: Equatable, Sendable {
    /// It asked to log in, by whatever method.
    var hasAskedForLogin = false
    /// It offered a key, or signed with one.
    var hasTriedKeys = false
    /// It tried anything that is neither a key nor the question which methods there are.
    var hasTriedOthers = false
    /// Wrong passwords and bad signatures.
    var failures = 0
    /// It broke the protocol, or kept its place without a login until its time was over.
    var isUnfit = false
    /// Its login was granted, or the server ended it for a reason that is not the client's.
    var isExcused = false
    /// Its transport crashed or was taken over.
    var hasCrashed = false

    /// What its end without a login counts for.
    ///
    /// Nothing when failures were counted already, and nothing when it left by itself before it asked for a login: that
    /// is what scans for keys and tests whether the server is up do, and it guesses nothing. Keys that were refused are
    /// counted apart: nobody guesses a key, and ssh-copy-id makes a connection for each of an agent.
    var atEnd: AdmissionControl.Conduct? {
      guard !isExcused, !hasCrashed, failures == 0 else { return nil }
      if isUnfit { return .failed }
      if hasTriedKeys, !hasTriedOthers { return .keysRefused }
      return hasAskedForLogin ? .failed : nil
    }
  }

  /// Takes note of what is asked for, whatever becomes of it.
  mutating func noteAttempt(_ method: UserauthRequest.Method) {
    switch method {
    case .none: break
    case .publicKey: conduct.hasTriedKeys = true
    case .password, .passwordChange, .keyboardInteractive, .other: conduct.hasTriedOthers = true
    }
  }

  /// Counts what a verdict proves: see ``Judgement/Attempt/isProvenWrong(_:)``.
  mutating func count(_ attempt: Judgement.Attempt, _ verdict: Verdict?) -> [Action] {
    guard let verdict, attempt.isProvenWrong(verdict) else { return [] }
    conduct.failures += 1
    return [.note(.failed)]
  }

  /// A transport of ours never does this by itself: somebody looks for a way in.
  mutating func crashed() -> [Action] {
    guard !conduct.hasCrashed else { return [] }
    conduct.hasCrashed = true
    return [.note(.crashed)]
  }

  /// The same, of one that ended so.
  mutating func crashed(_ status: ExitStatus) -> [Action] {
    [suspicious(.transportCrashed, "its transport \(status)", .error)] + crashed()
  }

  /// What is to be noted when it is over.
  var lastNotes: [Action] { conduct.atEnd.map { [.note($0)] } ?? [] }

  /// Its source is banned from now on: without a login it ends.
  mutating func banned() -> [Action] {
    switch phase {
    case .starting, .keyExchange, .authenticating:
      conduct.isExcused = true
      return end(reason: 11, "Too many failed logins from your address", log: .banned)
    case .opening, .loggedIn, .closing:
      return []
    }
  }

  /// How far it is on its way to a login, for who has to make room.
  var progress: StartProgress {
    switch phase {
    case .starting: .connected
    case .keyExchange: hostKeyUse.isSigned ? .keyExchange : .connected
    case .authenticating:
      !conduct.hasAskedForLogin ? .keyExchange : authentication.provenSteps.isEmpty ? .asked : .settled
    case .opening, .loggedIn, .closing: .settled
    }
  }

  /// It has no login yet, and somebody else gets its place.
  mutating func displaced(by newcomer: SocketAddress) -> [Action] {
    switch phase {
    case .starting, .keyExchange, .authenticating:
      conduct.isExcused = true
      return end(
        reason: 12, "Too many connections are waiting for a login", log: .madeRoom,
        detail: "for a connection from \(newcomer)")
    case .opening, .loggedIn, .closing:
      return []
    }
  }

  /// The server ends.
  mutating func shutDown() -> [Action] {
    conduct.isExcused = true
    return end(reason: 11, "The server is shutting down", log: .serverShutdown)
  }
}

extension ConnectionMachine.Judgement.Attempt {
  /// True when `verdict` says that who tried this guesses: a password or code that is wrong, a signature that does not
  /// verify.
  ///
  /// Not a key that nobody has listed, signed or not: agents hold many keys, and clients try them in turn.
  func isProvenWrong(_ verdict: Verdict) -> Bool {
    guard verdict.outcome == .rejected else { return false }
    switch self {
    case .publicKey(_, let isSigned): return isSigned && verdict.reason == Reason(ProofRefusal.badSignature)
    case .password, .code: return true
    }
  }
}
