import AccessControl
import Audit
import IPC

/// Prevents reuse of one-time codes, and limits wrong codes per user. Decides only.
///
/// Authorities answer independently of each other, so the supervisor alone knows which codes were used. RFC 6238, section
/// 5.2; RFC 4226, section 7.3
struct OTPReplayGuard: Sendable {
  /// Wrong codes that a user may send at once.
  static let guesses = 10
  /// Milliseconds after which one more wrong code is allowed. With codes of six digits, three of which are valid at a
  /// time, a client that guesses for a year without a pause finds one, more likely than not.
  static let guessInterval = 120_000
  /// Users that are remembered, of those with a secret. Above the limit, the user whose last code is the oldest is
  /// forgotten.
  static let userLimit = 65_536

  private static let guessRate = TokenBucket.Rate(interval: guessInterval, burst: guesses)

  private struct Entry {
    /// The step of the last code that was accepted.
    var lastStep: UInt64?
    var guesses = TokenBucket()
  }

  private var entries: [[UInt8]: Entry] = [:]

  /// How many users are remembered.
  var count: Int { entries.count }

  /// The verdict on a code of `user`, of which an authority says `answer`. A code that is accepted is used up, and with it
  /// all earlier ones.
  ///
  /// - Parameter now: milliseconds of the monotonic clock.
  mutating func verdict(on answer: CodeAnswer, of user: String, at now: Int64) -> Verdict {
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
      // After so many wrong codes, a right one may be one more guess.
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

  /// The entry of a user who is not remembered; makes room for it.
  private mutating func newEntry() -> Entry {
    if entries.count >= Self.userLimit,
      let oldest = entries.min(by: { $0.value.lastStep ?? 0 < $1.value.lastStep ?? 0 })
    {
      entries[oldest.key] = nil
    }
    return Entry()
  }
}
