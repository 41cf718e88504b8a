/// Says when each event of a recording is to be shown. Times are microseconds.
///
/// A pause between events is cut to the idle limit first, and then shortened by the speed. What is before `from` is
/// shown at once, so that the screen is what it was then.
struct PlayClock: Equatable {
  private let speed: Double
  private let idleLimit: Int64?
  /// The time of the recording from which on it is played.
  private var from: Int64
  /// The recording's time of the event that was scheduled last.
  private var position: Int64 = 0
  /// When that event is due, on the player's clock.
  private var due: Int64
  private var pausedAt: Int64?
  /// The event is due although the player is paused.
  private var isShownAtOnce = false

  /// - Parameter now: on the player's clock.
  init(speed: Double, idleLimit: Int64?, from: Int64, now: Int64) {
    self.speed = speed
    self.idleLimit = idleLimit
    self.from = from
    due = now
  }

  /// Schedules the next event.
  mutating func schedule(_ time: Int64, now: Int64) {
    isShownAtOnce = time <= from
    if isShownAtOnce {
      due = pausedAt ?? now
    } else {
      let pause = time - max(position, from)
      due += shown(min(pause, idleLimit ?? pause))
    }
    position = time
  }

  /// How long until the scheduled event; 0: it is due; nil: until a key says so.
  func remaining(now: Int64) -> Int64? {
    if isShownAtOnce { return 0 }
    return pausedAt == nil ? max(0, due - now) : nil
  }

  /// Pauses, or goes on.
  mutating func togglePause(now: Int64) {
    if let since = pausedAt { due += now - since }
    pausedAt = pausedAt == nil ? now : nil
  }

  /// True while it is paused: the scheduled event is to be shown now.
  mutating func step(now: Int64) -> Bool {
    guard pausedAt != nil else { return false }
    (due, pausedAt) = (now, now)
    return true
  }

  /// Jumps ahead by a time of the recording.
  mutating func skip(_ amount: Int64, now: Int64) {
    let current = pausedAt ?? now
    let ahead = Int64(min(Double(max(0, due - current)) * speed, 1e15))
    from = max(from, position - ahead + amount)
    if amount < ahead {
      due -= shown(amount)
      return
    }
    due = current
    isShownAtOnce = true
  }

  /// The player itself was stopped for so long.
  mutating func wasStopped(for time: Int64) {
    if pausedAt == nil { due += time }
  }

  /// How long a time of the recording is here.
  private func shown(_ time: Int64) -> Int64 { Int64(min(Double(time) / speed, 1e15)) }
}
