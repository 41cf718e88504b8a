import AccessControl
import System

/// Decides which terminals of one connection are entered in the login records.
///
/// A session process runs as its user, who may make it report any terminal, so only terminals that the user owns are
/// entered.
struct LoginRecordPolicy: Equatable, Sendable {
  /// The rate of entries of one connection, so that a connection that creates them in a loop does not delay others.
  static let rate = TokenBucket.Rate(perSecond: 20, burst: 200)

  /// What happens with the start of a login on a terminal.
  enum Decision: Equatable, Sendable {
    case record
    /// Neither the start nor the end is entered.
    case leaveOut(why: String)
    /// The session process misbehaves.
    case refuse
  }

  /// True if it was logged that a terminal is not entered.
  var hasLogged = false
  private var bucket = TokenBucket()
  /// The terminals that are entered, by their names relative to /dev.
  private var recorded: Set<String> = []

  /// Handles the start of a login of `uid` on a terminal.
  ///
  /// - Parameters:
  ///   - isTaken: true if another connection has a login on the terminal, whose entry must not be changed.
  ///   - now: milliseconds of the monotonic clock.
  mutating func begins(
    _ terminal: String, uid: UInt32, owner: TerminalOwner, isTaken: Bool, at now: Int64
  ) -> Decision {
    switch owner {
    case .notTerminal: return .refuse
    // The session ended before the owner of its terminal was determined.
    case .nobody: return .leaveOut(why: "is gone already")
    case .user(let other): guard other == uid else { return .refuse }
    }
    if isTaken { return .leaveOut(why: "is another login's") }
    guard bucket.take(Self.rate, at: now) == 0 else { return .leaveOut(why: "comes after too many others") }
    recorded.insert(terminal)
    return .record
  }

  /// True if a login on this terminal is entered, or about to be.
  func has(_ terminal: String) -> Bool { recorded.contains(terminal) }

  /// Handles the end of a login on a terminal; false: it is not entered.
  mutating func ends(_ terminal: String) -> Bool { recorded.remove(terminal) != nil }
}
