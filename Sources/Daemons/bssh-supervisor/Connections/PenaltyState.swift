import AccessControl

/// What a connection did that counts against its source, or for it. Only what is proven counts.
struct PenaltyState: Equatable, Sendable {
  /// What happened.
  enum Event: Equatable, Sendable {
    /// The client sent an authentication request, by whatever method.
    case askedForLogin
    /// The client offered a key, or signed with one.
    case triedKey
    /// The client tried anything that is neither a key nor the question which methods there are.
    case triedOther
    /// A password, a code or a signature is wrong.
    case failed
    /// The client broke the protocol, or kept its place without a login until the time was over.
    case misbehaved
    /// The login was granted, or the server ends the connection for a reason that is not the client's.
    case excused
    /// The transport crashed, or did what the transport of ours does not do: somebody looks for a way in.
    case crashed
  }

  /// The client has sent an authentication request.
  private(set) var hasAskedForLogin = false
  /// Wrong passwords, codes and signatures.
  private(set) var failures = 0
  private var hasTriedKeys = false
  private var hasTriedOthers = false
  private var hasMisbehaved = false
  private var isExcused = false
  private var hasCrashed = false

  /// Handles an event; returns what counts at once.
  @discardableResult
  mutating func handle(_ event: Event) -> [ConnectionMachine.Action] {
    switch event {
    case .askedForLogin: hasAskedForLogin = true
    case .triedKey: hasTriedKeys = true
    case .triedOther: hasTriedOthers = true
    case .failed:
      failures += 1
      return [.note(.failed)]
    case .misbehaved: hasMisbehaved = true
    case .excused: isExcused = true
    case .crashed:
      defer { hasCrashed = true }
      return hasCrashed ? [] : [.note(.crashed)]
    }
    return []
  }

  /// What the end of the connection counts for.
  ///
  /// Nothing when failures were counted already, and nothing when the client left by itself before it asked for a
  /// login: scans for host keys and health checks do that, and they guess nothing. Keys that were refused are counted
  /// apart: nobody guesses a key, and ssh-copy-id makes a connection for each key of an agent.
  var atEnd: AdmissionControl.Conduct? {
    guard !isExcused, !hasCrashed, failures == 0 else { return nil }
    if hasMisbehaved { return .failed }
    if hasTriedKeys, !hasTriedOthers { return .keysRefused }
    return hasAskedForLogin ? .failed : nil
  }
}
