/// Decides when bans are written to `security.ban_state_file`, so that they survive a restart. A separate process writes
/// the file, because a disk may be slow.
///
/// Only one process writes at a time, and at most one is started per ``interval``. When the daemon ends, the remaining
/// bans are written immediately. Times are milliseconds of the monotonic clock.
struct BanSaver: Equatable, Sendable {
  /// What the caller must do.
  enum Action: Equatable, Sendable {
    case nothing
    /// Start a process that writes the current bans, and call ``saved(at:)`` or ``failed()``.
    case save
    /// Call ``time(at:)`` after this time.
    case wait(milliseconds: Int64)
  }

  /// Minimum time between the starts of two processes, in milliseconds.
  static let interval: Int64 = 2000

  /// True if there are bans that are not in the file.
  private var isChanged = false
  private var isSaving = false
  private var isWaiting = false
  private var isEnding = false
  private var nextTime: Int64 = .min

  /// True if nothing is left to write.
  var isDone: Bool { !isSaving && !isChanged }

  /// Handles a new ban or another path of the file.
  mutating func changed(at now: Int64) -> Action {
    isChanged = true
    return next(at: now)
  }

  /// Handles the end of `wait`.
  mutating func time(at now: Int64) -> Action {
    isWaiting = false
    return next(at: now)
  }

  /// Handles that the bans at the time of `save` are in the file.
  mutating func saved(at now: Int64) -> Action {
    isSaving = false
    return next(at: now)
  }

  /// Handles that the file could not be written. The next attempt is made after the next ban.
  mutating func failed() {
    isSaving = false
    isChanged = false
  }

  /// Writes the remaining bans immediately, because the daemon ends.
  mutating func finish(at now: Int64) -> Action {
    isEnding = true
    return next(at: now)
  }

  private mutating func next(at now: Int64) -> Action {
    guard isChanged, !isSaving else { return .nothing }
    guard now >= nextTime || isEnding else {
      if isWaiting { return .nothing }
      isWaiting = true
      return .wait(milliseconds: nextTime - now)
    }
    isChanged = false
    isSaving = true
    nextTime = now + Self.interval
    return .save
  }
}
