import Audit
import IPC

/// A program that is to start once its event is in the journal, its terminal in the login records, and its login in a scope
/// of its own.
///
/// Decides only. Times are milliseconds of a clock that only grows.
struct PendingStart {
  /// Milliseconds that the login records are waited for at most.
  static let recordTime: Int64 = 500

  /// The number in ``SessionToSupervisor/starts(number:_:)``.
  let number: UInt64
  let channel: UInt32
  let program: Program
  let preparation: SessionChannel.Preparation
  let request: ChannelRequest
  /// What is told of it.
  var fact: Fact
  /// The supervisor's answer; nil: there is none yet.
  private(set) var isAllowed: Bool?
  /// Until when the login records are waited for; nil: they are not.
  private(set) var recordDeadline: Int64?
  /// Until when the login's scope is waited for; nil: it is not.
  private(set) var scopeDeadline: Int64?

  /// - Parameters:
  ///   - recordDeadline: until when its terminal's entry in the login records is waited for; nil: there is none.
  ///   - scopeDeadline: until when the login's scope is waited for; nil: it is in one, or will not be.
  init(
    number: UInt64, channel: UInt32, _ program: Program, _ preparation: SessionChannel.Preparation,
    _ request: ChannelRequest, _ fact: Fact, recordDeadline: Int64?, scopeDeadline: Int64? = nil
  ) {
    self.number = number
    self.channel = channel
    self.program = program
    self.preparation = preparation
    self.request = request
    self.fact = fact
    self.recordDeadline = recordDeadline
    self.scopeDeadline = scopeDeadline
  }

  /// What there is to do.
  enum Step: Equatable {
    case wait
    /// The login records have had their time.
    case start(isLate: Bool)
    /// Its event cannot be recorded.
    case refuse
  }

  /// The supervisor has answered. An answer to another start changes nothing.
  mutating func answered(_ number: UInt64, allowed: Bool) { if number == self.number { isAllowed = allowed } }

  /// Its terminal is in the login records.
  mutating func entered() { recordDeadline = nil }

  /// Its login is in its scope, or will not be.
  mutating func enteredScope() { scopeDeadline = nil }

  /// The next time at which something is not waited for any longer.
  func deadline(after now: Int64) -> Int64? {
    [recordDeadline, scopeDeadline].compactMap(\.self).filter { $0 > now }.min()
  }

  /// What there is to do now.
  func step(at now: Int64) -> Step {
    switch isAllowed {
    case nil: .wait
    case false?: .refuse
    case true?: deadline(after: now) == nil ? .start(isLate: recordDeadline != nil) : .wait
    }
  }
}
