/// Decides when each event of a recording is shown. Times are in microseconds.
///
/// A pause between events is first limited to the idle limit, and then divided by the speed. Everything before `from`
/// is shown at once, so that the screen has its contents of that time.
struct PlayClock: Equatable {
  private let speed: Double
  private let idleLimit: Int64?
  /// The time of the recording at which playing starts.
  private var from: Int64
  /// The recording's time of the event that was scheduled last.
  private var position: Int64 = 0
  /// When that event is due, on the player's clock.
  private var due: Int64
  private var pausedAt: Int64?
  /// True if the event is due although the player is paused.
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

  /// The time until the scheduled event; 0: it is due; nil: the player is paused.
  func remaining(now: Int64) -> Int64? {
    if isShownAtOnce { return 0 }
    return pausedAt == nil ? max(0, due - now) : nil
  }

  /// Pauses or resumes.
  mutating func togglePause(now: Int64) {
    if let since = pausedAt { due += now - since }
    pausedAt = pausedAt == nil ? now : nil
  }

  /// Makes the scheduled event due now; false if not paused.
  mutating func step(now: Int64) -> Bool {
    guard pausedAt != nil else { return false }
    (due, pausedAt) = (now, now)
    return true
  }

  /// Skips ahead by a time of the recording.
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

  /// Accounts for time in which the player itself was stopped.
  mutating func wasStopped(for time: Int64) {
    if pausedAt == nil { due += time }
  }

  /// A duration of the recording on the player's clock.
  private func shown(_ time: Int64) -> Int64 { Int64(min(Double(time) / speed, 1e15)) }
}
