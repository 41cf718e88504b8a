/// Limits the rate of log lines, and counts the suppressed ones.
struct LogThrottle: Equatable, Sendable {
  /// Maximum number of lines in each interval.
  let burst: Int
  /// The interval in milliseconds.
  let interval: Int64
  private var endTime: Int64 = .min
  private var passed = 0
  private var heldBack = 0

  init(burst: Int = 1, interval: Int64) {
    self.burst = burst
    self.interval = interval
  }

  /// The number of lines that were suppressed since the last one that passed; nil: this one is suppressed too.
  mutating func pass(at now: Int64) -> Int? {
    if now >= endTime {
      endTime = now + interval
      passed = 0
    }
    guard passed < burst else {
      heldBack += 1
      return nil
    }
    passed += 1
    defer { heldBack = 0 }
    return heldBack
  }
}
