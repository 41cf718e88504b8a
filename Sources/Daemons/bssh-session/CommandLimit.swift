/// The time limit of a command: `shell.command_timeout`.
///
/// Decides only, and has no clock of its own. A minute before the limit the terminal gets a warning, or at half of a
/// limit of up to a minute. At the limit the command gets SIGTERM, and later SIGKILL.
struct CommandLimit: Equatable {
  /// The action that is due.
  enum Step: Equatable {
    /// Announce on the terminal, if there is one, how many seconds are left.
    case announce(seconds: Int64)
    /// Send SIGTERM to the process group.
    case terminate
    /// Send SIGKILL to the process group.
    case kill
  }

  /// Time that a command has to end after SIGTERM, in milliseconds.
  static let endTime: Int64 = 5000

  private enum State { case running, announced, terminated, killed }

  /// The limit in seconds.
  let seconds: Int64
  private let start: Int64
  private var state = State.running

  /// The limit of a command that starts now; nil for 0 seconds, which mean no limit.
  init?(seconds: UInt32, at now: Int64) {
    if seconds == 0 { return nil }
    self.seconds = Int64(seconds)
    start = now
  }

  /// When the next step is due, in milliseconds; nil: none is left.
  var nextTime: Int64? {
    switch state {
    case .running: start + seconds * 1000 - notice
    case .announced: start + seconds * 1000
    case .terminated: start + seconds * 1000 + CommandLimit.endTime
    case .killed: nil
    }
  }

  /// True once SIGTERM was due.
  var isOver: Bool { state == .terminated || state == .killed }

  private var notice: Int64 { seconds > 60 ? 60_000 : seconds * 500 }

  /// The step that is due now; nil: none.
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
