/// What all channels of a connection together let their client send ahead; RFC 4254, section 5.2.
///
/// A channel begins with a small window, and gets more once a program runs on it: half of what is left, at most the
/// configured window. So what waits for programs is bounded for the connection, and the first channels are as fast as
/// the only one.
struct WindowBudget: Equatable {
  /// Bytes of the window that a channel has before a program runs on it.
  static let firstSize: UInt32 = 64 << 10
  /// Bytes that are shared among the channels, or two whole windows when those are more.
  static let sharedSize: UInt64 = 16 << 20
  /// A window does not grow by less.
  static let leastGrowth: UInt64 = 32 << 10

  /// `server.window_size`.
  let fullSize: UInt32
  /// Bytes that no channel has.
  private(set) var left: UInt64

  init(fullSize: UInt32) {
    self.fullSize = fullSize
    left = max(WindowBudget.sharedSize, 2 * UInt64(fullSize))
  }

  /// The window of a channel that opens.
  var initialSize: UInt32 { min(WindowBudget.firstSize, fullSize) }

  /// Takes what a channel with a window of `size` bytes may get beyond that, and says how much it is.
  mutating func grow(_ size: UInt32) -> UInt32 {
    guard size < fullSize else { return 0 }
    let missing = UInt64(fullSize - size)
    let growth = min(missing, left / 2)
    guard growth >= min(missing, WindowBudget.leastGrowth) else { return 0 }
    left -= growth
    return UInt32(growth)
  }

  /// A channel with a window of `size` bytes is gone.
  mutating func giveBack(_ size: UInt32) { left += UInt64(size - min(size, initialSize)) }
}
