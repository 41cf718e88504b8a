import Audit
import IPC

/// Events that do not reach a receiver, put together for the journal: each kind of loss is told at once, and what follows
/// within ``interval`` is told together at its end.
///
/// What is told is an event itself, and goes to that receiver, too. If it does not want that one either, there is one
/// such event in each interval, and not one for each.
struct LossTally: Equatable, Sendable {
  /// Milliseconds.
  static let interval: Int64 = 60_000

  /// Events of which none arrives.
  struct Loss: Equatable, Sendable {
    let kind: Kind
    /// The lowest of their numbers.
    var first: UInt64
    var count: UInt64

    /// What is told together.
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

  /// Takes a loss; returns it when it is to be told at once.
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

  /// When ``due(at:)`` has something to tell; nil: nothing is held back.
  var deadline: Int64? { held.compactMap { endTimes[$0.kind] }.min() }

  /// What was held back and is to be told now.
  mutating func due(at now: Int64) -> [Loss] {
    let ready = held.filter { now >= endTimes[$0.kind] ?? .min }
    held.removeAll { loss in ready.contains(loss) }
    for loss in ready { endTimes[loss.kind] = now + Self.interval }
    return ready
  }

  /// Everything that was held back: nothing is told later.
  mutating func takeAll() -> [Loss] {
    defer { held = [] }
    return held
  }
}
