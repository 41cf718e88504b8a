import Audit
import System

/// What will be told of a program that runs: once, when it has ended, when its channel is closed and the bytes are
/// known, and when the transfer that it is has told everything else.
///
/// Decides only. Times are milliseconds of a clock that only grows.
struct ProgramStory: Equatable {
  /// Milliseconds for which the end of a program waits for that of its channel, which may stay open for as long as
  /// something that it left behind can write.
  static let patience: Int64 = 1000

  private(set) var fact: Fact
  /// The token of what the transfer tells, until it has told all; nil for what is no transfer.
  private(set) var report: UInt64?
  private let startTime: Int64
  private var isChannelOpen = true
  /// When it is told at the latest; nil while the program runs.
  private(set) var deadline: Int64?

  init(_ fact: Fact, report: UInt64?, at now: Int64) {
    self.fact = fact
    self.report = report
    startTime = now
  }

  /// The program has ended.
  mutating func end(_ status: ExitStatus, isOverdue: Bool, at now: Int64) {
    fact.end(status, isOverdue: isOverdue)
    fact.milliseconds = UInt64(max(0, now - startTime))
    deadline = now + Self.patience
  }

  /// Its channel is closed, and so many bytes came from the client and went to it; nil: that is not known.
  mutating func channelClosed(_ bytesIn: UInt64? = nil, _ bytesOut: UInt64? = nil) {
    if !isChannelOpen { return }
    isChannelOpen = false
    (fact.bytesIn, fact.bytesOut) = (bytesIn, bytesOut)
    if let bytesIn, let bytesOut { fact.bytes = bytesIn &+ bytesOut }
  }

  /// The transfer has told everything.
  mutating func reportEnded() { report = nil }

  /// True when it is to be told.
  func isComplete(at now: Int64) -> Bool {
    guard let deadline, report == nil else { return false }
    return !isChannelOpen || deadline <= now
  }

  /// What is told of a program that outlives its login.
  func unfinished(at now: Int64) -> Fact {
    var fact = fact
    fact.milliseconds = UInt64(max(0, now - startTime))
    fact.reason = Reason(ProgramEnd.stillRunning)
    return fact
  }
}

extension Fact {
  /// What was to run could not be started.
  mutating func notStarted(_ why: String) {
    (result, reason) = (.error, Reason(ProgramEnd.notStarted))
    details = details.map { "\($0), \(why)" } ?? why
  }
}
