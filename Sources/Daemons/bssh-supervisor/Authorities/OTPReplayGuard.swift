import AccessControl
import Audit
import IPC

/// Prevents reuse of one-time codes, and limits wrong codes per user. Decides only.
///
/// Authorities reply independently of each other, so only the supervisor knows which codes were used. RFC 6238, section
/// 5.2; RFC 4226, section 7.3
struct OTPReplayGuard: Sendable {
  /// Number of wrong codes that a user may send without a delay.
  static let guesses = 10
  /// Milliseconds after which one more wrong code is allowed. With codes of six digits, three of which are valid at a
  /// time, a client that guesses for a year without a pause finds one with a probability above one half.
  static let guessInterval = 120_000
  /// Maximum number of users with an entry. Above the limit, the entry with the oldest last code is removed.
  static let userLimit = 65_536

  private static let guessRate = TokenBucket.Rate(interval: guessInterval, burst: guesses)

  private struct Entry {
    /// The time step of the last accepted code.
    var lastStep: UInt64?
    var guesses = TokenBucket()
  }

  private var entries: [[UInt8]: Entry] = [:]

  /// The number of users with an entry.
  var count: Int { entries.count }

  /// The verdict on a code of `user` after an authority's `answer`. After a code is accepted, neither it nor an earlier one
  /// is accepted again.
  ///
  /// - Parameter now: milliseconds of the monotonic clock.
  mutating func verdict(on answer: CodeVerdict, of user: String, at now: Int64) -> Verdict {
    let name = Array(user.utf8)
    switch answer {
    case .noSecret: return .rejected(ProofRefusal.noSecret)
    case .wrong:
      var entry = entries[name] ?? newEntry()
      _ = entry.guesses.take(Self.guessRate, at: now)
      entries[name] = entry
      return .rejected(ProofRefusal.wrongCode)
    case .right(let step):
      var entry = entries[name] ?? newEntry()
      var guesses = entry.guesses
      // After too many wrong codes, the right one may be a guess as well.
      guard guesses.take(Self.guessRate, at: now) == 0 else {
        return .rejected(ProofRefusal.tooManyWrongCodes)
      }
      if let lastStep = entry.lastStep, step <= lastStep {
        return .rejected(ProofRefusal.codeUsedBefore)
      }
      entry.lastStep = step
      entries[name] = entry
      return Verdict(outcome: .accepted)
    }
  }

  /// Returns a new entry, after making room for it.
  private mutating func newEntry() -> Entry {
    if entries.count >= Self.userLimit,
      let oldest = entries.min(by: { $0.value.lastStep ?? 0 < $1.value.lastStep ?? 0 })
    {
      entries[oldest.key] = nil
    }
    return Entry()
  }
}
