/// The time that a command has: `shell.command_timeout`.
///
/// Decides only, and knows no clock. Its terminal hears a minute before that the time is almost over (of a limit that
/// is no longer than that, at half of it); then the command is asked to end, and at last it is killed.
struct CommandLimit: Equatable {
  /// What to do now.
  enum Step: Equatable {
    /// Tell the terminal, if there is one, how many seconds are left.
    case announce(seconds: Int64)
    /// SIGTERM to its process group.
    case terminate
    /// SIGKILL to its process group.
    case kill
  }

  /// Milliseconds that a command has to end after SIGTERM.
  static let endTime: Int64 = 5000

  private enum State { case running, announced, terminated, killed }

  /// Seconds.
  let seconds: Int64
  private let start: Int64
  private var state = State.running

  /// The limit of a command that starts now; nil for 0 seconds, which are no limit.
  init?(seconds: UInt32, at now: Int64) {
    if seconds == 0 { return nil }
    self.seconds = Int64(seconds)
    start = now
  }

  /// When there is something to do; nil: nothing more.
  var nextTime: Int64? {
    switch state {
    case .running: start + seconds * 1000 - notice
    case .announced: start + seconds * 1000
    case .terminated: start + seconds * 1000 + CommandLimit.endTime
    case .killed: nil
    }
  }

  /// True once the command was asked to end.
  var isOver: Bool { state == .terminated || state == .killed }

  private var notice: Int64 { seconds > 60 ? 60_000 : seconds * 500 }

  /// The next thing to do, when its time has come.
  mutating func step(at now: Int64) -> Step? {
    guard let nextTime, nextTime <= now else { return nil }
    switch state {
    case .running:
      state = .announced
      return .announce(seconds: max(1, (notice + 500) / 1000))
    case .announced:
      state = .terminated
      return .terminate
    case .terminated, .killed:
      state = .killed
      return .kill
    }
  }
}
