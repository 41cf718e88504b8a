import AccessControl
import Audit
import IPC

/// Sees to it that a one-time code is good once, and that few can be guessed. Decides only.
///
/// The one place that knows which codes were used: authorities answer apart from each other, connections come and go,
/// and settings change. RFC 6238, section 5.2; RFC 4226, section 7.3
struct CodeLedger: Sendable {
  /// Wrong codes that a user has at once.
  static let guesses = 10
  /// Milliseconds after which one more wrong code is allowed: with six digits and three codes that are good, who tries
  /// without an end gets in by luck once in a year, more likely than not.
  static let guessInterval = 120_000
  /// Users that are remembered; beyond them, who used a code longest ago is forgotten. Only users with a secret are.
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

  /// The verdict on a code of `user` of which an authority says `answer`. A code that it accepts is used up, and so are
  /// all that came before it.
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
      // A right code that comes after so many wrong ones may be one more guess.
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

  /// Makes room for a user who is not remembered.
  private mutating func newEntry() -> Entry {
    if entries.count >= Self.userLimit,
      let oldest = entries.min(by: { $0.value.lastStep ?? 0 < $1.value.lastStep ?? 0 })
    {
      entries[oldest.key] = nil
    }
    return Entry()
  }
}
