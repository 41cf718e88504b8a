import Audit
import IPC

/// Aggregates events that do not reach a receiver. The first loss of each kind is reported immediately, further ones
/// together at the end of ``interval``.
///
/// The report is an event that is sent to the same receiver. If the receiver refuses that too, the aggregation limits the
/// reports to one per interval.
struct LossAggregator: Equatable, Sendable {
  /// The interval of reports, in milliseconds.
  static let interval: Int64 = 60_000

  /// Events that do not arrive.
  struct Loss: Equatable, Sendable {
    let kind: Kind
    /// The lowest number.
    var first: UInt64
    var count: UInt64

    /// Losses of one kind are reported together.
    struct Kind: Hashable, Sendable {
      let series: JournalSeries
      let reason: ExportLoss
    }

    var series: JournalSeries { kind.series }
    var reason: ExportLoss { kind.reason }

    init(_ series: JournalSeries = .main, reason: ExportLoss, first: UInt64, count: UInt64) {
      kind = Kind(series: series, reason: reason)
      (self.first, self.count) = (first, count)
    }
  }

  private var held: [Loss] = []
  private var endTimes: [Loss.Kind: Int64] = [:]

  init() {}

  /// Adds a loss; returns it if it is reported immediately.
  mutating func add(_ loss: Loss, at now: Int64) -> Loss? {
    if let i = held.firstIndex(where: { $0.kind == loss.kind }) {
      held[i].first = min(held[i].first, loss.first)
      let (sum, isTooMany) = held[i].count.addingReportingOverflow(loss.count)
      held[i].count = isTooMany ? .max : sum
      return nil
    }
    guard now >= endTimes[loss.kind] ?? .min else {
      held.append(loss)
      return nil
    }
    endTimes[loss.kind] = now + Self.interval
    return loss
  }

  /// When ``due(at:)`` has losses to report; nil: none are deferred.
  var deadline: Int64? { held.compactMap { endTimes[$0.kind] }.min() }

  /// Removes and returns the deferred losses that are due.
  mutating func due(at now: Int64) -> [Loss] {
    let ready = held.filter { now >= endTimes[$0.kind] ?? .min }
    held.removeAll { loss in ready.contains(loss) }
    for loss in ready { endTimes[loss.kind] = now + Self.interval }
    return ready
  }

  /// Removes and returns all deferred losses.
  mutating func takeAll() -> [Loss] {
    defer { held = [] }
    return held
  }
}
