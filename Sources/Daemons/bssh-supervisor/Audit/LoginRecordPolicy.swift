import AccessControl
import System

/// Decides which terminals of one connection are entered in the login records.
///
/// A session process runs as its user, who may make it report any terminal: only terminals that the user owns are entered.
struct LoginRecordPolicy: Equatable, Sendable {
  /// Entries of one connection. A connection that makes them in a loop must not delay those of others.
  static let rate = TokenBucket.Rate(perSecond: 20, burst: 200)

  /// What to do with the beginning of a login on a terminal.
  enum Decision: Equatable, Sendable {
    case record
    /// Neither its beginning nor its end is entered.
    case leaveOut(why: String)
    /// No session process of ours reports it.
    case refuse
  }

  /// It was logged that a terminal is left out: once is enough.
  var hasLogged = false
  private var bucket = TokenBucket()
  /// The terminals that are entered, by their names below /dev.
  private var recorded: Set<String> = []

  /// The session process reports that a login of `uid` begins on a terminal.
  ///
  /// - Parameters:
  ///   - isTaken: another connection has a login on it, which must not be changed.
  ///   - now: milliseconds of the monotonic clock.
  mutating func begins(
    _ terminal: String, uid: UInt32, owner: TerminalOwner, isTaken: Bool, at now: Int64
  ) -> Decision {
    switch owner {
    case .notTerminal: return .refuse
    // The session ended before its terminal was looked up.
    case .nobody: return .leaveOut(why: "is gone already")
    case .user(let other): guard other == uid else { return .refuse }
    }
    if isTaken { return .leaveOut(why: "is another login's") }
    guard bucket.take(Self.rate, at: now) == 0 else { return .leaveOut(why: "comes after too many others") }
    recorded.insert(terminal)
    return .record
  }

  /// True when a login on this terminal is entered, or about to be.
  func has(_ terminal: String) -> Bool { recorded.contains(terminal) }

  /// The login on a terminal has ended; false: it is not entered.
  mutating func ends(_ terminal: String) -> Bool { recorded.remove(terminal) != nil }
}
