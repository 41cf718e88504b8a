import Audit
import JournalReader
import Wire

/// The batches sent to a receiver, in order. Once an event is confirmed, all batches sent before it are confirmed too,
/// including those of the other series of the journal.
public struct BatchOrder: Equatable, Sendable {
  /// The last event of a batch, its position in the journal, and the time of the first event of the batch.
  public struct Mark: Equatable, Sendable {
    /// The number and ID of the event.
    public let head: LineHead
    /// The position after the event; nil if the caller does not need it.
    public let place: Cursor.Place?
    /// Milliseconds since 1970.
    public let time: Int64

    /// A batch that ends with this event.
    public init(_ head: LineHead, at place: Cursor.Place?, time: Int64 = 0) {
      (self.head, self.place, self.time) = (head, place, time)
    }
  }

  /// Unconfirmed batches.
  private var batches = FIFO<Mark>()

  public init() {}

  /// True if no batch is unconfirmed.
  public var isEmpty: Bool { batches.isEmpty }

  /// The time of the oldest unconfirmed batch; nil if there is none.
  public var oldest: Int64? { batches.first?.time }

  /// Adds a batch with events of one series, which ends with `last`.
  public mutating func sent(_ last: Mark) { batches.append(last) }

  /// Confirms everything up to this event. Returns the newest confirmed event of each series that advanced.
  public mutating func done(_ head: LineHead, at place: Cursor.Place?) -> [Mark] {
    var newest: [JournalSeries: Mark] = [:]
    let end = batches.firstIndex { $0.head.series == head.series && $0.head.sequence >= head.sequence }
    if let end {
      for batch in batches.prefix(end) { newest[batch.head.series] = batch }
      batches.removeFirst(batches[end].head == head ? end + 1 : end)
    }
    newest[head.series] = Mark(head, at: place)
    return JournalSeries.allCases.compactMap { newest[$0] }
  }
}
