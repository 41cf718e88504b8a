import JournalReader

/// The number of events per request, for a receiver that refuses some events.
///
/// A refused request is halved until a single event remains. That event is given up only if the receiver then accepts
/// the event after it. A receiver that refuses everything is misconfigured, and no event is lost.
public struct BatchSizer: Equatable, Sendable {
  /// The reaction to a refusal.
  public enum Decision: Equatable, Sendable {
    /// Send again, with fewer events.
    case again
    /// Skip the first event, and send the one after it alone.
    case probe
    /// Wait as long as for a fault that someone has to repair.
    case wait
  }

  private let countLimit: Int
  private var current: Int
  /// The event that was refused alone. It is skipped until the next request shows whether the event is at fault.
  public private(set) var suspect: LineHead?

  /// - Parameter countLimit: maximum number of events per request; at least 1.
  public init(countLimit: Int) {
    self.countLimit = max(countLimit, 1)
    current = self.countLimit
  }

  /// Maximum number of events in the next request.
  public var limit: Int { suspect == nil ? current : 1 }

  /// A request was accepted. Returns the event that is now given up, if the request was the probe after it.
  public mutating func taken() -> LineHead? {
    current = min(current * 2, countLimit)
    defer { suspect = nil }
    return suspect
  }

  /// A request failed for another reason. The suspected event will be sent again.
  public mutating func failed() { suspect = nil }

  /// A request with these events was refused. `isTooMuch`: for its size.
  public mutating func refused(_ heads: [LineHead], isTooMuch: Bool) -> Decision {
    if suspect != nil {
      suspect = nil
      return .wait
    }
    if heads.count > 1 {
      current = heads.count / 2
      return .again
    }
    current = 1
    if isTooMuch { return .wait }
    suspect = heads.first
    return .probe
  }
}
