import JournalReader
import Wire

/// Tracks which events a receiver is known to have, for a TCP receiver that sends no acknowledgements.
///
/// Data that the receiver's kernel has acknowledged may still be unread when the receiver is killed, but never more
/// than the largest window that it has offered. In addition, ``allowance`` bytes may have been read and not processed
/// yet. Events older than both are settled; later ones are sent again over the next connection.
public struct AcknowledgementTracker: Sendable {
  /// Bytes that a receiver may have read and not processed.
  public static let allowance: UInt64 = 256 << 10
  /// The assumed window if the kernel reports none, in bytes.
  static let unknownWindow: UInt64 = 6 << 20

  private struct Entry {
    let head: LineHead
    let place: Cursor.Place?
    /// Position in the stream, in bytes, after the event.
    let end: UInt64
  }

  /// Events that are not settled.
  private var entries = FIFO<Entry>()
  /// Number of entries that are acknowledged.
  private var acknowledgedCount = 0
  private var largestWindow: UInt64 = 0
  /// Bytes written to the connection, and how many of them the peer's kernel has acknowledged.
  private var written: UInt64 = 0
  private var acknowledged: UInt64 = 0

  public init() {}

  /// True while the peer's kernel has not acknowledged everything.
  public var isOutstanding: Bool { acknowledged < written }

  /// Records that an event has been written. `end`: bytes written since the connection was opened.
  public mutating func wrote(_ head: LineHead, at place: Cursor.Place?, end: UInt64) {
    entries.append(Entry(head: head, place: place, end: end))
    written = max(written, end)
  }

  /// Records the state of the connection. tcp(7), TCP_INFO
  ///
  /// - Parameters:
  ///   - acknowledged: bytes acknowledged by the peer's kernel.
  ///   - outstanding: bytes written and not acknowledged.
  ///   - window: bytes that the peer accepts beyond the acknowledged ones.
  public mutating func observe(acknowledged: UInt64, outstanding: UInt64, window: UInt64) {
    written = max(written, acknowledged + outstanding)
    // The values are read one after the other, so their sum can exceed what was written.
    self.acknowledged = outstanding == 0 ? written : acknowledged
    largestWindow = max(largestWindow, window)
  }

  /// The newest event that the peer's kernel has acknowledged; nil if none since the last call.
  public mutating func acknowledge() -> LineHead? {
    let before = acknowledgedCount
    while acknowledgedCount < entries.count, entries[acknowledgedCount].end <= acknowledged { acknowledgedCount += 1 }
    return acknowledgedCount > before ? entries[acknowledgedCount - 1].head : nil
  }

  /// The newest event that is settled; nil if none since the last call.
  ///
  /// - Parameter everything: the receiver has closed the connection after we did, without an error, and therefore read
  ///   everything.
  public mutating func settle(everything: Bool = false) -> (head: LineHead, place: Cursor.Place?)? {
    let kept = (largestWindow == 0 ? Self.unknownWindow : largestWindow) + Self.allowance
    let limit = everything ? written : acknowledged > kept ? acknowledged - kept : 0
    let settled = entries.prefix { $0.end <= limit }
    guard let newest = settled.last else { return nil }
    acknowledgedCount -= min(settled.count, acknowledgedCount)
    entries.removeFirst(settled.count)
    return (newest.head, newest.place)
  }
}
