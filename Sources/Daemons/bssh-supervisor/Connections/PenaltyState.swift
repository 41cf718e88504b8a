import AccessControl

/// The behaviour of a connection that counts for or against its source. Only proven behaviour counts.
struct PenaltyState: Equatable, Sendable {
  /// An event that may count.
  enum Event: Equatable, Sendable {
    /// The client sent an authentication request by any method.
    case askedForLogin
    /// The client offered a key, or signed with one.
    case triedKey
    /// The client tried something other than a key or the method `none`.
    case triedOther
    /// A password, a code or a signature was wrong.
    case failed
    /// The client violated the protocol, or did not log in until the time limit.
    case misbehaved
    /// The login was granted, or the server ends the connection for a reason that is not the client's fault.
    case excused
    /// The transport crashed or violated the protocol, which indicates an attack.
    case crashed
  }

  /// True if the client has sent an authentication request.
  private(set) var hasAskedForLogin = false
  /// Number of wrong passwords, codes and signatures.
  private(set) var failures = 0
  private var hasTriedKeys = false
  private var hasTriedOthers = false
  private var hasMisbehaved = false
  private var isExcused = false
  private var hasCrashed = false

  /// Handles an event; returns what counts immediately.
  @discardableResult
  mutating func handle(_ event: Event) -> [ConnectionMachine.Action] {
    switch event {
    case .askedForLogin: hasAskedForLogin = true
    case .triedKey: hasTriedKeys = true
    case .triedOther: hasTriedOthers = true
    case .failed:
      failures += 1
      return [.penalty(.failed)]
    case .misbehaved: hasMisbehaved = true
    case .excused: isExcused = true
    case .crashed:
      defer { hasCrashed = true }
      return hasCrashed ? [] : [.penalty(.crashed)]
    }
    return []
  }

  /// What counts at the end of the connection; nil: nothing.
  ///
  /// Nothing counts if failures were counted already, or if the client left by itself before it sent an authentication
  /// request, as scans for host keys and health checks do. Refused keys are counted separately, because keys cannot be
  /// guessed, and ssh-copy-id makes a connection for each key of an agent.
  var atEnd: AdmissionControl.PenaltyEvent? {
    guard !isExcused, !hasCrashed, failures == 0 else { return nil }
    if hasMisbehaved { return .failed }
    if hasTriedKeys, !hasTriedOthers { return .keysRefused }
    return hasAskedForLogin ? .failed : nil
  }
}
