/// Exponential backoff with jitter: half a second, doubling up to 30 s. The jitter prevents many servers from retrying
/// at the same time.
public struct RetryDelay: Equatable, Sendable {
  /// The first delay in milliseconds.
  public static let first: Int64 = 500
  /// The maximum delay in milliseconds, unless the receiver asks for more.
  public static let limit: Int64 = 30_000

  /// Failures since the last success.
  public private(set) var failures = 0

  public init() {}

  /// Counts a failure and returns the delay in milliseconds: between half and all of the backoff.
  ///
  /// - Parameters:
  ///   - wanted: the delay that the receiver asks for, in milliseconds. It is a lower bound, up to 10 minutes.
  ///   - isLasting: uses the maximum delay at once.
  public mutating func fail(
    wanted: Int64? = nil, isLasting: Bool = false, using generator: inout some RandomNumberGenerator
  ) -> Int64 {
    let full = isLasting ? Self.limit : min(Self.first << Int64(min(failures, 10)), Self.limit)
    failures += 1
    let jittered = full / 2 + Int64.random(in: 0...full / 2, using: &generator)
    return max(jittered, min(wanted ?? 0, 600_000))
  }

  /// Resets the backoff.
  public mutating func succeed() { failures = 0 }
}
