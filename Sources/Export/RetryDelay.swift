/// How long to wait before the next try: half a second, doubling to 30 s while it goes on failing, each a little
/// different, so that many servers do not all come at the same moment.
public struct RetryDelay: Equatable, Sendable {
  /// Milliseconds.
  public static let first: Int64 = 500
  public static let longest: Int64 = 30_000

  /// Tries that failed since one succeeded.
  public private(set) var failures = 0

  public init() {}

  /// Counts a failure and returns the milliseconds to wait: between one half and all of what the failures ask for.
  ///
  /// - Parameters:
  ///   - wanted: what the receiver asked for; never less than that, and at most 10 minutes.
  ///   - isLasting: it will not be over soon: the longest time at once.
  public mutating func fail(
    wanted: Int64? = nil, isLasting: Bool = false, using generator: inout some RandomNumberGenerator
  ) -> Int64 {
    let full = isLasting ? Self.longest : min(Self.first << Int64(min(failures, 10)), Self.longest)
    failures += 1
    let jittered = full / 2 + Int64.random(in: 0...full / 2, using: &generator)
    return max(jittered, min(wanted ?? 0, 600_000))
  }

  /// Forgets the failures.
  public mutating func succeed() { failures = 0 }
}
