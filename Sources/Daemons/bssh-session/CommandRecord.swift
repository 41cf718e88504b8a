import Audit
import System

/// The audit record of a running program. It is due once, when the program has ended, its channel is closed, so that
/// the bytes are known, and its transfer, if it is one, has reported everything.
///
/// Decides only. Times are milliseconds of the monotonic clock.
struct CommandRecord: Equatable {
  /// How long the record of an ended program waits for the end of its channel, in milliseconds. The channel stays open
  /// as long as a process that the program left behind can write.
  static let channelTimeout: Int64 = 1000

  private(set) var record: AuditRecord
  /// The token of a transfer's reports until the last one; nil for what is no transfer.
  private(set) var report: UInt64?
  private let startTime: Int64
  private var isChannelOpen = true
  /// When the record is due at the latest; nil while the program runs.
  private(set) var deadline: Int64?

  init(_ record: AuditRecord, report: UInt64?, at now: Int64) {
    self.record = record
    self.report = report
    startTime = now
  }

  /// Adds how the program ended.
  mutating func end(_ status: ExitStatus, isOverdue: Bool, at now: Int64) {
    record.end(status, isOverdue: isOverdue)
    record.milliseconds = UInt64(max(0, now - startTime))
    deadline = now + Self.channelTimeout
  }

  /// Notes the end of its channel, with the bytes from and to the client; nil: unknown.
  mutating func channelClosed(_ bytesIn: UInt64? = nil, _ bytesOut: UInt64? = nil) {
    if !isChannelOpen { return }
    isChannelOpen = false
    (record.bytesIn, record.bytesOut) = (bytesIn, bytesOut)
    if let bytesIn, let bytesOut { record.bytes = bytesIn &+ bytesOut }
  }

  /// Notes that the transfer has reported everything.
  mutating func reportEnded() { report = nil }

  /// True when the record is due.
  func isComplete(at now: Int64) -> Bool {
    guard let deadline, report == nil else { return false }
    return !isChannelOpen || deadline <= now
  }

  /// The record of a program that outlives its login.
  func unfinished(at now: Int64) -> AuditRecord {
    var record = record
    record.milliseconds = UInt64(max(0, now - startTime))
    record.reason = Reason(ProgramEnd.stillRunning)
    return record
  }
}

extension AuditRecord {
  /// Records that the program could not be started.
  mutating func notStarted(_ why: String) {
    (result, reason) = (.error, Reason(ProgramEnd.notStarted))
    details = details.map { "\($0), \(why)" } ?? why
  }
}
