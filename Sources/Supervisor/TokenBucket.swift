/// Allows something so many times at once and so often in the long run.
struct TokenBucket: Equatable, Sendable {
  /// How many may be taken at once.
  let burst: Int64
  /// Milliseconds until a token that was taken is there again.
  let interval: Int64
  /// Tokens, in milliseconds of waiting that they stand for.
  private var level: Int64
  private var lastTime: Int64

  /// Starts full.
  init(burst: Int64, interval: Int64, at now: Int64) {
    self.burst = burst
    self.interval = interval
    level = burst * interval
    lastTime = now
  }

  /// Takes a token and returns 0; or takes none and returns the milliseconds until there is one.
  mutating func take(at now: Int64) -> Int64 {
    level = min(level + max(now - lastTime, 0), burst * interval)
    lastTime = now
    guard level >= interval else { return interval - level }
    level -= interval
    return 0
  }
}
