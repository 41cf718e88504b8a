import Audit
import IPC

/// A program that is to start once its event is in the journal, and its terminal in the login records.
///
/// Decides only. Times are milliseconds of a clock that only grows.
struct PendingStart {
  /// Milliseconds that the login records are waited for at most.
  static let recordTime: Int64 = 500

  /// The number in ``FromSession/starts(number:_:)``.
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

  /// - Parameter recordDeadline: until when its terminal's entry in the login records is waited for; nil: there is none.
  init(
    number: UInt64, channel: UInt32, _ program: Program, _ preparation: SessionChannel.Preparation,
    _ request: ChannelRequest, _ fact: Fact, recordDeadline: Int64?
  ) {
    self.number = number
    self.channel = channel
    self.program = program
    self.preparation = preparation
    self.request = request
    self.fact = fact
    self.recordDeadline = recordDeadline
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

  /// What there is to do now.
  func step(at now: Int64) -> Step {
    switch (isAllowed, recordDeadline) {
    case (nil, _): .wait
    case (false?, _): .refuse
    case (true?, nil): .start(isLate: false)
    case (true?, let deadline?): deadline <= now ? .start(isLate: true) : .wait
    }
  }
}
