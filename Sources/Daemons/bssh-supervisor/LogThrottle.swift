/// Lets a few lines through every so often, and counts those that it holds back.
struct LogThrottle: Equatable, Sendable {
  /// Lines in each interval.
  let burst: Int
  /// Milliseconds.
  let interval: Int64
  private var endTime: Int64 = .min
  private var passed = 0
  private var heldBack = 0

  init(burst: Int = 1, interval: Int64) {
    self.burst = burst
    self.interval = interval
  }

  /// How many lines were held back since the last one that went through; nil: hold this one back too.
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
