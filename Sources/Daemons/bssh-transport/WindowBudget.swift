/// The window that all channels of a connection together give their client. RFC 4254, section 5.2
///
/// A channel begins with a small window, and gets more once a program runs on it or a connection is forwarded: half of
/// what is left, up to the configured window. So the data that waits for programs and targets is limited per
/// connection, and the first channels are as fast as a single one. There can be many forwarded channels, and their
/// first window shrinks with what is left.
struct WindowBudget: Equatable {
  /// Window of a channel before a program runs on it, in bytes.
  static let firstSize: UInt32 = 64 << 10
  /// Window of a forwarded channel that every one gets, in bytes. What it has beyond that is part of the budget.
  static let leastSize: UInt32 = 8 << 10
  /// Bytes that all channels share; two full windows if that is more.
  static let sharedSize: UInt64 = 16 << 20
  /// Least growth of a window in bytes, except for the last part.
  static let leastGrowth: UInt64 = 32 << 10

  /// The configured window, `server.window_size`, in bytes.
  let fullSize: UInt32
  /// Bytes that no channel has.
  private(set) var left: UInt64

  init(fullSize: UInt32) {
    self.fullSize = fullSize
    left = max(WindowBudget.sharedSize, 2 * UInt64(fullSize))
  }

  /// The window of a new channel.
  var initialSize: UInt32 { min(WindowBudget.firstSize, fullSize) }

  /// The window of a forwarded channel that is not counted in the budget, in bytes.
  private var freeSize: UInt32 { min(WindowBudget.leastSize, fullSize) }

  /// Allots the first window of a forwarded channel, and returns its size in bytes.
  mutating func openForward() -> UInt32 {
    let more = min(UInt64(initialSize - freeSize), left / 2)
    left -= more
    return freeSize + UInt32(more)
  }

  /// Allots more window to a channel whose window is `size` bytes, and returns how much more.
  mutating func grow(_ size: UInt32) -> UInt32 {
    guard size < fullSize else { return 0 }
    let missing = UInt64(fullSize - size)
    let growth = min(missing, left / 2)
    guard growth >= min(missing, WindowBudget.leastGrowth) else { return 0 }
    left -= growth
    return UInt32(growth)
  }

  /// Returns the window of a channel that is removed; `size` is its window in bytes.
  mutating func giveBack(_ size: UInt32, isForward: Bool) {
    left += UInt64(size - min(size, isForward ? freeSize : initialSize))
  }
}
