/// The delay before the next attempt, which doubles with each failure: by default from 100 ms to 5 s.
struct Backoff: Equatable, Sendable {
  private let first: Int64
  private let limit: Int64
  private var failures: Int64 = 0

  /// - Parameters: the first and the longest delay, in milliseconds.
  init(first: Int64 = 100, limit: Int64 = 5000) {
    self.first = first
    self.limit = limit
  }

  /// Counts a failure and returns the milliseconds to wait.
  mutating func fail() -> Int64 {
    defer { failures = min(failures + 1, 16) }
    return min(first << failures, limit)
  }

  /// Resets the delay.
  mutating func succeed() { failures = 0 }
}
