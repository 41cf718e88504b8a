/// How long to wait before the next try: 100 ms, doubling to 5 s while it goes on failing, unless others are given.
struct Backoff: Equatable, Sendable {
  private let first: Int64
  private let longest: Int64
  private var failures: Int64 = 0

  /// - Parameters: milliseconds.
  init(first: Int64 = 100, longest: Int64 = 5000) {
    self.first = first
    self.longest = longest
  }

  /// Counts a failure and returns the milliseconds to wait.
  mutating func fail() -> Int64 {
    defer { failures = min(failures + 1, 16) }
    return min(first << failures, longest)
  }

  /// Forgets the failures.
  mutating func succeed() { failures = 0 }
}
