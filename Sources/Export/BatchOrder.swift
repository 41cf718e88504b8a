import Audit
import JournalReader

/// The batches that were sent to a receiver, in their order. What is known of an event holds for all that were sent
/// before it, also for those of the other series of the journal.
public struct BatchOrder: Equatable, Sendable {
  /// An event, where it stands, and when the first event of its batch happened, in milliseconds from 1970 on.
  public struct Mark: Equatable, Sendable {
    public let head: LineHead
    public let place: Cursor.Place?
    public let time: Int64

    public init(_ head: LineHead, at place: Cursor.Place?, time: Int64 = 0) {
      (self.head, self.place, self.time) = (head, place, time)
    }
  }

  private var batches: [Mark] = []
  /// Batches before this one are done with.
  private var start = 0

  public init() {}

  /// True when nothing is under way.
  public var isEmpty: Bool { start == batches.count }

  /// The time of the oldest batch that is under way.
  public var oldest: Int64? { isEmpty ? nil : batches[start].time }

  /// A batch was sent, of events of one series; `last` is the last of them.
  public mutating func sent(_ last: Mark) { batches.append(last) }

  /// Everything up to this event is done with: how far each series is, by the newest event of it.
  public mutating func done(_ head: LineHead, at place: Cursor.Place?) -> [Mark] {
    var newest: [JournalSeries: Mark] = [:]
    let end = batches[start...].firstIndex { $0.head.series == head.series && $0.head.sequence >= head.sequence }
    if let end {
      for batch in batches[start..<end] { newest[batch.head.series] = batch }
      start = batches[end].head == head ? end + 1 : end
    }
    newest[head.series] = Mark(head, at: place)
    if start > 256 {
      batches.removeFirst(start)
      start = 0
    }
    return JournalSeries.allCases.compactMap { newest[$0] }
  }
}
