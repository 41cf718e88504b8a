/// How long to wait before the next try: 100 ms, doubling to 5 s while it goes on failing.
struct Backoff: Equatable, Sendable {
  private var failures = 0

  init() {}

  /// Counts a failure and returns the milliseconds to wait.
  mutating func fail() -> Int64 {
    defer { failures = min(failures + 1, 6) }
    return min(100 << Int64(failures), 5000)
  }

  /// Forgets the failures.
  mutating func succeed() { failures = 0 }
}
