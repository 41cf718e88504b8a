import AccessControl
import System

/// The terminals of one connection that the login records have.
///
/// A session process is its user's, and may tell of any terminal: only those that are the user's go in.
struct TerminalBook: Equatable, Sendable {
  /// As often as terminals of one connection go in. A loop of one must not keep others' entries waiting.
  static let rate = TokenBucket.Rate(perSecond: 20, burst: 200)

  /// What to do with the beginning of a login on a terminal.
  enum Decision: Equatable, Sendable {
    case record
    /// It gets no entry, nor an end.
    case leaveOut(why: String)
    /// No honest session says so.
    case refuse
  }

  /// It was told that something is left out: once is enough.
  var hasTold = false
  private var bucket = TokenBucket()
  /// Their names below /dev.
  private var recorded: Set<String> = []

  /// A session says that a login of `uid` begins on a terminal.
  ///
  /// - Parameter isTaken: whether another connection has a login on it, which is not to be changed.
  mutating func begins(
    _ terminal: String, uid: UInt32, owner: TerminalOwner, isTaken: Bool, at now: Int64
  ) -> Decision {
    switch owner {
    case .notTerminal: return .refuse
    // The session has ended before it was looked at.
    case .nobody: return .leaveOut(why: "is gone already")
    case .user(let other): guard other == uid else { return .refuse }
    }
    if isTaken { return .leaveOut(why: "is another login's") }
    guard bucket.take(Self.rate, at: now) == 0 else { return .leaveOut(why: "comes after too many others") }
    recorded.insert(terminal)
    return .record
  }

  /// True when the records have a login on this terminal, or are about to.
  func has(_ terminal: String) -> Bool { recorded.contains(terminal) }

  /// The login on a terminal has ended; false: the records do not have it.
  mutating func ends(_ terminal: String) -> Bool { recorded.remove(terminal) != nil }
}
