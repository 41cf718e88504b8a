import Audit
import IPC

/// A program that may start once its event is in the journal, its terminal in the login records, and its login in a
/// scope of its own.
///
/// Decides only. Times are milliseconds of the monotonic clock.
struct PendingStart {
  /// Longest wait for the login records, in milliseconds.
  static let recordTime: Int64 = 500

  /// The number in `SessionToSupervisor.starts`.
  let number: UInt64
  let channel: UInt32
  let program: Program
  let preparation: SessionChannel.Preparation
  let request: ChannelRequest
  /// Its audit record.
  var record: AuditRecord
  /// The supervisor's answer; nil: not there yet.
  private(set) var isAllowed: Bool?
  /// Until when to wait for the login records; nil: don't wait.
  private(set) var recordDeadline: Int64?
  /// Until when to wait for the login's scope; nil: don't wait.
  private(set) var scopeDeadline: Int64?

  /// A program that the supervisor has been asked about.
  ///
  /// - Parameters:
  ///   - recordDeadline: until when to wait for its terminal's entry in the login records; nil: there is no entry.
  ///   - scopeDeadline: until when to wait for the login's scope; nil: the login is in one, or will not be.
  init(
    number: UInt64, channel: UInt32, _ program: Program, _ preparation: SessionChannel.Preparation,
    _ request: ChannelRequest, _ record: AuditRecord, recordDeadline: Int64?, scopeDeadline: Int64? = nil
  ) {
    self.number = number
    self.channel = channel
    self.program = program
    self.preparation = preparation
    self.request = request
    self.record = record
    self.recordDeadline = recordDeadline
    self.scopeDeadline = scopeDeadline
  }

  /// What to do with the program.
  enum Step: Equatable {
    case wait
    /// Start it; `isLate`: the deadline of the login records has passed.
    case start(isLate: Bool)
    /// Don't start it: its event cannot be recorded.
    case refuse
  }

  /// Handles the supervisor's answer; one to another start changes nothing.
  mutating func answered(_ number: UInt64, allowed: Bool) { if number == self.number { isAllowed = allowed } }

  /// Notes that its terminal is in the login records.
  mutating func entered() { recordDeadline = nil }

  /// Notes that its login is in its scope, or will not be.
  mutating func enteredScope() { scopeDeadline = nil }

  /// The next deadline that has not passed; nil: there is none.
  func deadline(after now: Int64) -> Int64? {
    [recordDeadline, scopeDeadline].compactMap(\.self).filter { $0 > now }.min()
  }

  /// The step for now.
  func step(at now: Int64) -> Step {
    switch isAllowed {
    case nil: .wait
    case false?: .refuse
    case true?: deadline(after: now) == nil ? .start(isLate: recordDeadline != nil) : .wait
    }
  }
}
