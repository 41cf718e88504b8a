/// Says when an exporter falls behind, and when it has caught up, each once.
///
/// It is behind when the oldest event that waits is older than ``patience``, by the event's own time. Times are
/// milliseconds from 1970 on.
public struct LagWatch: Equatable, Sendable {
  /// Milliseconds that an event may wait.
  public static let patience: Int64 = 60_000

  /// What has changed.
  public enum Change: Equatable, Sendable {
    case fellBehind(milliseconds: Int64)
    case caughtUp
  }

  public private(set) var isBehind = false

  public init() {}

  /// - Parameter oldest: the time of the oldest event that waits; nil: none does.
  public mutating func look(oldest: Int64?, now: Int64) -> Change? {
    guard let oldest else {
      defer { isBehind = false }
      return isBehind ? .caughtUp : nil
    }
    guard !isBehind, now - oldest > Self.patience else { return nil }
    isBehind = true
    return .fellBehind(milliseconds: now - oldest)
  }

  /// When ``look(oldest:now:)`` has something new to say, if nothing else happens.
  public func deadline(oldest: Int64?) -> Int64? { isBehind ? nil : oldest.map { $0 + Self.patience + 1 } }
}
