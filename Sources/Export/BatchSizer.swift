import JournalReader

/// How many events a request may have, for a receiver that does not like all of them.
///
/// A request that is refused is halved until one event is alone. That one is given up only when the receiver takes the one
/// after it: one that refuses everything has not been asked in the right way, and loses nothing.
public struct BatchSizer: Equatable, Sendable {
  /// What to do about a refusal.
  public enum Decision: Equatable, Sendable {
    /// Send again, with fewer.
    case again
    /// Leave out the first event, and send the one after it alone.
    case probe
    /// Wait, as long as one does for what somebody has to mend.
    case wait
  }

  private let most: Int
  private var current: Int
  /// The event that was refused alone; it is left out of requests until it is clear what that means.
  public private(set) var suspect: LineHead?

  public init(most: Int) {
    self.most = max(most, 1)
    current = self.most
  }

  /// Events that the next request may have.
  public var limit: Int { suspect == nil ? current : 1 }

  /// A request was taken; returns the event that was given up, when it was the one before this request.
  public mutating func taken() -> LineHead? {
    current = min(current * 2, most)
    defer { suspect = nil }
    return suspect
  }

  /// A request failed for another reason: what it was to show stays open.
  public mutating func failed() { suspect = nil }

  /// A request with these events was refused.
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
