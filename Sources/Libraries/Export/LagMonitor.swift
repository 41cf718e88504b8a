/// Reports when an exporter falls behind and when it has caught up, once each.
///
/// It is behind if the oldest waiting event is older than ``threshold``. Times are milliseconds since 1970.
public struct LagMonitor: Equatable, Sendable {
  /// Milliseconds that an event may wait.
  public static let threshold: Int64 = 60_000

  /// A change of state.
  public enum Change: Equatable, Sendable {
    /// The oldest event has waited this long.
    case fellBehind(milliseconds: Int64)
    /// No event is waiting any more.
    case caughtUp
  }

  /// True from `fellBehind` to `caughtUp`.
  public private(set) var isBehind = false

  public init() {}

  /// Returns a change to report; nil if there is none.
  ///
  /// - Parameter oldest: the time of the oldest waiting event; nil if none is waiting.
  public mutating func update(oldest: Int64?, now: Int64) -> Change? {
    guard let oldest else {
      defer { isBehind = false }
      return isBehind ? .caughtUp : nil
    }
    guard !isBehind, now - oldest > Self.threshold else { return nil }
    isBehind = true
    return .fellBehind(milliseconds: now - oldest)
  }

  /// When ``update(oldest:now:)`` must be called next if nothing else happens.
  public func deadline(oldest: Int64?) -> Int64? { isBehind ? nil : oldest.map { $0 + Self.threshold + 1 } }
}
