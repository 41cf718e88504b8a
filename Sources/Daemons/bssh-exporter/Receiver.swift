import Audit
import IPC
import JournalReader

/// A result of sending events.
enum Outcome {
  /// The receiver seems to have all events up to this one; sending works.
  case accepted(LineHead)
  /// The receiver is known to have all events up to this one; the cursor may advance to it.
  case settled(LineHead, Cursor.Place?)
  /// Sending failed. All events after the cursor must be sent again after a delay.
  ///
  /// - `wanted`: the delay in milliseconds that the receiver asks for.
  /// - `isLasting`: someone has to repair something first.
  case failed(reason: String, wanted: Int64? = nil, isLasting: Bool = false)
  /// All events after the cursor must be sent again at once, fewer at a time.
  case again
  /// `count` events, starting with this one, will never arrive.
  case lost(first: LineHead, count: UInt64, reason: ExportLoss)
  /// A message for the log.
  case log(String)
}

/// Sends events to one destination. It never blocks; the caller waits for ``waits`` and ``deadline``.
protocol Receiver: AnyObject {
  /// How many events it accepts now; 0 if it must first finish earlier ones.
  var room: Int { get }
  /// Descriptors to wait for besides those of libcurl.
  var waits: [CurlLoop.Wait] { get }
  /// When to call ``work(now:)`` at the latest, in milliseconds of the monotonic clock; nil if there is no such time.
  var deadline: Int64? { get }
  /// Accepts at most ``room`` events of one series, in order.
  func queue(_ events: [JournalEvent], now: Int64)
  /// Continues sending, and returns the results.
  func work(now: Int64) -> [Outcome]
  /// Drops all events and connections; the events will be passed again.
  func reset()
  /// Shuts down: accepts no more events and tries to settle as many as possible. The caller repeats the call whenever
  /// something is ready, until `isOver`.
  func finish(now: Int64) -> (outcomes: [Outcome], isOver: Bool)
}
