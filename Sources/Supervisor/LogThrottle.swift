/// Lets one line through every so often, and counts those that it holds back.
struct LogThrottle: Equatable, Sendable {
  /// Milliseconds between two lines.
  let interval: Int64
  private var nextTime: Int64 = .min
  private var heldBack = 0

  init(interval: Int64) { self.interval = interval }

  /// How many lines were held back since the last one that went through; nil: hold this one back too.
  mutating func pass(at now: Int64) -> Int? {
    guard now >= nextTime else {
      heldBack += 1
      return nil
    }
    nextTime = now + interval
    defer { heldBack = 0 }
    return heldBack
  }
}
