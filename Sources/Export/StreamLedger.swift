import JournalReader

/// Which events a receiver at the other end of a TCP connection is known to have, where it acknowledges nothing itself.
///
/// What its kernel has acknowledged may still lie there unread when the receiver is killed; it is never more than the
/// largest window that the kernel has offered. Beyond that, ``allowance`` bytes are what a receiver may have read and
/// not yet dealt with. Events older than both are settled; those after are sent again over the next connection.
public struct StreamLedger: Sendable {
  /// Bytes that a receiver is allowed to have read and to lose.
  public static let allowance: UInt64 = 256 << 10
  /// What a kernel that tells no window is taken to offer.
  static let unknownWindow: UInt64 = 6 << 20

  private struct Entry {
    let head: LineHead
    let place: Cursor.Place?
    /// Bytes of the connection when it had been written.
    let end: UInt64
  }

  private var entries: [Entry] = []
  /// Entries before these are settled, and acknowledged.
  private var settledCount = 0
  private var acknowledgedCount = 0
  private var largestWindow: UInt64 = 0
  /// Bytes that were written, and of those what the other kernel has.
  private var written: UInt64 = 0
  private var acknowledged: UInt64 = 0

  public init() {}

  /// True while there is something that the other side's kernel has not acknowledged.
  public var isOutstanding: Bool { acknowledged < written }

  /// An event has been written; `end`: bytes that were written to the connection since it began.
  public mutating func wrote(_ head: LineHead, at place: Cursor.Place?, end: UInt64) {
    entries.append(Entry(head: head, place: place, end: end))
    written = max(written, end)
  }

  /// What the kernel tells now.
  ///
  /// - Parameters:
  ///   - acknowledged: bytes of the connection that the other side's kernel has.
  ///   - outstanding: bytes that were written beyond those.
  ///   - window: bytes that it takes beyond those.
  public mutating func observe(acknowledged: UInt64, outstanding: UInt64, window: UInt64) {
    written = max(written, acknowledged + outstanding)
    // Asked for one after the other, the two may add up to more than was written.
    self.acknowledged = outstanding == 0 ? written : acknowledged
    largestWindow = max(largestWindow, window)
  }

  /// The newest event that the other side's kernel came to have since the last call, when there is one.
  public mutating func acknowledge() -> LineHead? {
    let before = acknowledgedCount
    while acknowledgedCount < entries.count, entries[acknowledgedCount].end <= acknowledged { acknowledgedCount += 1 }
    return acknowledgedCount > before ? entries[acknowledgedCount - 1].head : nil
  }

  /// The newest event that became settled since the last call, when one did.
  ///
  /// - Parameter everything: the receiver has closed its side after ours, without an error: it read all of it.
  public mutating func settle(everything: Bool = false) -> (head: LineHead, place: Cursor.Place?)? {
    let kept = (largestWindow == 0 ? Self.unknownWindow : largestWindow) + Self.allowance
    let limit = everything ? written : acknowledged > kept ? acknowledged - kept : 0
    var newest: Entry?
    while settledCount < entries.count, entries[settledCount].end <= limit {
      newest = entries[settledCount]
      settledCount += 1
    }
    // Not one by one: each moves all that stay.
    if settledCount > 1024 {
      acknowledgedCount -= min(settledCount, acknowledgedCount)
      entries.removeFirst(settledCount)
      settledCount = 0
    }
    return newest.map { ($0.head, $0.place) }
  }
}
