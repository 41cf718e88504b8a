/// Allows something so many times at once and so often in the long run.
public struct TokenBucket: Equatable, Sendable {
  /// How fast it fills, and how much it holds.
  public struct Rate: Equatable, Sendable {
    /// How many may be taken at once.
    public let burst: Int64
    /// Microseconds until a token that was taken is there again.
    let interval: Int64

    public init(perSecond: Int, burst: Int) {
      interval = 1_000_000 / Int64(max(perSecond, 1))
      self.burst = Int64(max(burst, 1))
    }

    /// - Parameter interval: milliseconds for one token.
    public init(interval: Int, burst: Int) {
      self.interval = Int64(max(interval, 1)) * 1000
      self.burst = Int64(max(burst, 1))
    }
  }

  /// When it is full again, in microseconds: all that there is to know, at a given rate.
  private var fullTime: Int64 = .min

  /// Full.
  public init() {}

  /// True when nothing is missing at `now`, in milliseconds.
  public func isFull(at now: Int64) -> Bool { fullTime <= now * 1000 }

  /// Takes a token and returns 0; or takes none and returns the milliseconds until there is one.
  public mutating func take(_ rate: Rate, at now: Int64) -> Int64 {
    let now = now * 1000
    // More is missing than it holds when it held more, at another rate.
    let missing = fullTime > now ? min(fullTime - now, rate.burst * rate.interval) : 0
    let excess = missing + rate.interval - rate.burst * rate.interval
    fullTime = now + missing + (excess > 0 ? 0 : rate.interval)
    return excess > 0 ? (excess + 999) / 1000 : 0
  }
}
