/// When bans are written to `security.ban_state_file`, so that they survive a restart. Decides only: a process of its own
/// writes, since a disk may take its time.
///
/// One writes at a time, and the next one not before ``interval`` is over, so that a flood of bans is no flood of writes;
/// at the end what is left is written at once. Times are milliseconds of a clock that only grows.
struct BanSaver: Equatable, Sendable {
  /// What to do now.
  enum Action: Equatable, Sendable {
    case nothing
    /// Start a process that writes the bans there are, and say ``saved(at:)`` or ``failed(at:)``.
    case save
    /// Say ``time(at:)`` then.
    case wait(milliseconds: Int64)
  }

  /// Milliseconds between the starts of two writings.
  static let interval: Int64 = 2000

  /// There are bans that no file has.
  private var isChanged = false
  private var isSaving = false
  private var isWaiting = false
  private var isEnding = false
  private var nextTime: Int64 = .min

  /// True when everything is written that can be.
  var isDone: Bool { !isSaving && !isChanged }

  /// There is a new ban, or another file.
  mutating func changed(at now: Int64) -> Action {
    isChanged = true
    return next(at: now)
  }

  /// The time of `wait` has come.
  mutating func time(at now: Int64) -> Action {
    isWaiting = false
    return next(at: now)
  }

  /// What was there when `save` was said is in the file.
  mutating func saved(at now: Int64) -> Action {
    isSaving = false
    return next(at: now)
  }

  /// It could not be written: tried again with the next ban, and not for the same ones alone.
  mutating func failed() {
    isSaving = false
    isChanged = false
  }

  /// The server ends: what is left is written now.
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
