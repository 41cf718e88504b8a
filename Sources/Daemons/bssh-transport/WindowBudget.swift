/// The window that all channels of a connection together give their client. RFC 4254, section 5.2
///
/// A channel begins with a small window, and gets more once a program runs on it: half of what is left, up to the
/// configured window. So the data that waits for programs is limited per connection, and the first channels are as fast
/// as a single one.
struct WindowBudget: Equatable {
  /// Window of a channel before a program runs on it, in bytes.
  static let firstSize: UInt32 = 64 << 10
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
  mutating func giveBack(_ size: UInt32) { left += UInt64(size - min(size, initialSize)) }
}
