import Audit
import IPC
import JournalReader

/// What came of sending events.
enum Outcome {
  /// The receiver has all events up to this one, as far as it tells; sending goes well.
  case accepted(LineHead)
  /// The cursor may move to this event: whatever happens to the receiver, it has all up to it.
  case settled(LineHead, Cursor.Place?)
  /// It does not work. Every event after the cursor's is to come again, once it is time for the next try.
  ///
  /// - `wanted`: milliseconds that the receiver asks for.
  /// - `isLasting`: somebody has to mend something first.
  case failed(reason: String, wanted: Int64? = nil, isLasting: Bool = false)
  /// Every event after the cursor's is to come again at once, fewer at a time.
  case again
  /// This many events will never arrive, from this one on.
  case lost(first: LineHead, count: UInt64, reason: ExportLoss)
  /// For the log.
  case note(String)
}

/// Sends events somewhere. It never waits: it says what to wait for.
protocol Receiver: AnyObject {
  /// Events that it takes now; 0: none before something has come of those that it has.
  var room: Int { get }
  /// Descriptors to wait for beside those that libcurl knows.
  var waits: [CurlLoop.Wait] { get }
  /// When to call ``work(now:)`` at the latest. Milliseconds of the monotonic clock.
  var deadline: Int64? { get }
  /// Takes events of one series, at most ``room``, in order.
  func take(_ events: [JournalEvent], now: Int64)
  /// Goes on with what there is to do, and says what has come of it.
  func work(now: Int64) -> [Outcome]
  /// Forgets all events that it has, and connections: they will come again.
  func reset()
  /// Everything ends: takes no more events, and sees to it that as few as possible have to come again. To be called
  /// again whenever something is ready, until `isOver`.
  func finish(now: Int64) -> (outcomes: [Outcome], isOver: Bool)
}
