/// A token bucket: limits the average rate of events and the size of bursts.
public struct TokenBucket: Equatable, Sendable {
  /// The rate of refill and the capacity.
  public struct Rate: Equatable, Sendable {
    /// Capacity in tokens.
    public let burst: Int64
    /// Microseconds per token.
    let interval: Int64

    /// `perSecond` tokens per second; both values are at least 1.
    public init(perSecond: Int, burst: Int) {
      interval = 1_000_000 / Int64(max(perSecond, 1))
      self.burst = Int64(max(burst, 1))
    }

    /// One token every `interval` milliseconds; both values are at least 1.
    public init(interval: Int, burst: Int) {
      self.interval = Int64(max(interval, 1)) * 1000
      self.burst = Int64(max(burst, 1))
    }
  }

  /// When the bucket will be full, in microseconds. At a given rate, this is its whole state.
  private var fullTime: Int64 = .min

  /// A full bucket.
  public init() {}

  /// True if the bucket is full at `now`, in milliseconds.
  public func isFull(at now: Int64) -> Bool { fullTime <= now * 1000 }

  /// Takes one token and returns 0, or takes none and returns the milliseconds until one is available.
  public mutating func take(_ rate: Rate, at now: Int64) -> Int64 {
    let now = now * 1000
    // If the bucket had a larger capacity before, more can be missing than it now holds.
    let missing = fullTime > now ? min(fullTime - now, rate.burst * rate.interval) : 0
    let excess = missing + rate.interval - rate.burst * rate.interval
    fullTime = now + missing + (excess > 0 ? 0 : rate.interval)
    return excess > 0 ? (excess + 999) / 1000 : 0
  }
}
