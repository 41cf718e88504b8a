import Testing

@testable import Transport

@Suite struct WindowBudgetTests {
  /// The windows of so many channels that run programs.
  private static func windows(_ count: Int, _ budget: inout WindowBudget) -> [UInt32] {
    (0..<count).map { _ in budget.initialSize + budget.grow(budget.initialSize) }
  }

  @Test func `one channel has the whole window, and so have a few`() {
    var budget = WindowBudget(fullSize: 2 << 20)
    #expect(budget.initialSize == 64 << 10)
    #expect(Self.windows(6, &budget) == [UInt32](repeating: 2 << 20, count: 6))
  }

  @Test(arguments: [32 << 10, 64 << 10, 2 << 20, 64 << 20] as [UInt32])
  func `the sum of all windows is limited, and each channel has its first window`(fullSize: UInt32) {
    var budget = WindowBudget(fullSize: fullSize)
    let windows = Self.windows(1024, &budget)
    let limit = UInt64(budget.initialSize) * 1024 + max(16 << 20, 2 * UInt64(fullSize))
    #expect(windows.reduce(0) { $0 + UInt64($1) } <= limit)
    #expect(windows.allSatisfy { $0 >= budget.initialSize && $0 <= fullSize })
  }

  @Test func `the window of a removed channel is available to the next`() {
    var budget = WindowBudget(fullSize: 2 << 20)
    let fresh = budget
    let windows = Self.windows(50, &budget)
    #expect(windows.last == 64 << 10)
    for window in windows { budget.giveBack(window, isForward: false) }
    #expect(budget == fresh)
  }

  @Test func `a channel with a small window grows when others are removed`() {
    var budget = WindowBudget(fullSize: 2 << 20)
    let windows = Self.windows(50, &budget)
    for window in windows.dropLast() { budget.giveBack(window, isForward: false) }
    #expect(windows.last! + budget.grow(windows.last!) == 2 << 20)
    #expect(budget.grow(2 << 20) == 0)
  }

  @Test(arguments: [4 << 10, 32 << 10, 2 << 20, 64 << 20] as [UInt32])
  func `the windows of 5,000 forwarded channels beyond 8 KiB each are part of the budget`(fullSize: UInt32) {
    var budget = WindowBudget(fullSize: fullSize)
    let fresh = budget
    let least = min(8 << 10, fullSize)
    var windows: [UInt32] = []
    for _ in 0..<5000 {
      let window = budget.openForward()
      windows.append(window + budget.grow(window))
    }
    #expect(windows.allSatisfy { $0 >= least && $0 <= fullSize })
    #expect(windows.reduce(0) { $0 + UInt64($1) } <= 5000 * UInt64(least) + max(16 << 20, 2 * UInt64(fullSize)))
    for window in windows { budget.giveBack(window, isForward: true) }
    #expect(budget == fresh)
  }

  @Test func `the first forwarded channels begin with as much as a session channel`() {
    var budget = WindowBudget(fullSize: 2 << 20)
    for _ in 0..<100 { #expect(budget.openForward() == budget.initialSize) }
  }
}
