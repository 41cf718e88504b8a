import Testing

@testable import Server

/// Times are in microseconds here, and small.
@Suite struct PlayClockTests {
  private func clock(speed: Double = 1, idleLimit: Int64? = nil, from: Int64 = 0) -> PlayClock {
    PlayClock(speed: speed, idleLimit: idleLimit, from: from, now: 1000)
  }

  /// The delays between events, for a caller that waits for each.
  private func waits(_ clock: PlayClock, _ times: Int64...) -> [Int64] {
    var clock = clock
    var now: Int64 = 1000
    return times.map { time in
      clock.schedule(time, now: now)
      let left = clock.remaining(now: now) ?? -1
      now += left
      return left
    }
  }

  @Test func `events are shown at their recorded times`() {
    #expect(waits(clock(), 0, 10, 10, 50) == [0, 10, 0, 40])
  }

  @Test func `speed shortens all pauses, after the idle limit has cut long ones`() {
    #expect(waits(clock(speed: 2), 10, 50) == [5, 20])
    #expect(waits(clock(speed: 0.5), 10, 50) == [20, 80])
    #expect(waits(clock(idleLimit: 20), 10, 50, 1_000_000) == [10, 20, 20])
    #expect(waits(clock(speed: 2, idleLimit: 20), 10, 50, 1_000_000) == [5, 10, 10])
  }

  @Test func `everything before the start is shown at once, and the time of the rest starts there`() {
    #expect(waits(clock(from: 40), 10, 30, 50, 60) == [0, 0, 10, 10])
    #expect(waits(clock(from: 50), 50, 60) == [0, 10])
    #expect(waits(clock(speed: 10, from: 1000), 10, 20) == [0, 0])
  }

  @Test func `a slow terminal does not delay later events`() {
    var clock = clock()
    clock.schedule(10, now: 1000)
    clock.schedule(20, now: 1015)
    #expect(clock.remaining(now: 1015) == 5)
    clock.schedule(30, now: 1050)
    #expect(clock.remaining(now: 1050) == 0)
  }

  @Test func `a pause lasts until a key ends it`() {
    var clock = clock()
    clock.schedule(100, now: 1000)
    clock.togglePause(now: 1030)
    #expect(clock.remaining(now: 9000) == nil)
    clock.togglePause(now: 9000)
    #expect(clock.remaining(now: 9000) == 70)
  }

  @Test func `while paused, events are shown one by one, and the next one keeps its recorded distance`() {
    var clock = clock()
    clock.schedule(100, now: 1000)
    let isStep = clock.step(now: 1010)
    #expect(!isStep)
    clock.togglePause(now: 1030)
    let isStepInPause = clock.step(now: 2000)
    #expect(isStepInPause)
    clock.schedule(150, now: 2000)
    #expect(clock.remaining(now: 2000) == nil)
    clock.togglePause(now: 3000)
    #expect(clock.remaining(now: 3000) == 50)
  }

  @Test func `a skip shows at once what it passes, and shortens the wait for what follows`() {
    var clock = clock()
    clock.schedule(100, now: 1000)
    clock.skip(30, now: 1010)
    #expect(clock.remaining(now: 1010) == 60)
    clock.skip(100, now: 1010)
    #expect(clock.remaining(now: 1010) == 0)
    // Now it is at 140.
    clock.schedule(120, now: 1010)
    #expect(clock.remaining(now: 1010) == 0)
    clock.schedule(160, now: 1010)
    #expect(clock.remaining(now: 1010) == 20)
  }

  @Test func `a skip at another speed is in the time of the recording`() {
    var clock = clock(speed: 10)
    clock.schedule(1000, now: 1000)
    clock.skip(500, now: 1000)
    #expect(clock.remaining(now: 1000) == 50)
    clock.skip(600, now: 1020)
    #expect(clock.remaining(now: 1020) == 0)
    clock.schedule(1500, now: 1020)
    // It was at 700, and is at 1300.
    #expect(clock.remaining(now: 1020) == 20)
  }

  @Test func `a skip while paused shows what it passes`() {
    var clock = clock()
    clock.schedule(100, now: 1000)
    clock.togglePause(now: 1000)
    clock.skip(150, now: 1500)
    #expect(clock.remaining(now: 1500) == 0)
    clock.schedule(140, now: 1500)
    #expect(clock.remaining(now: 1500) == 0)
    clock.schedule(170, now: 1500)
    #expect(clock.remaining(now: 1500) == nil)
    clock.togglePause(now: 5000)
    #expect(clock.remaining(now: 5000) == 20)
  }

  @Test func `time in which the player was stopped does not count`() {
    var clock = clock()
    clock.schedule(100, now: 1000)
    clock.wasStopped(for: 5000)
    #expect(clock.remaining(now: 6000) == 100)
    clock.togglePause(now: 6000)
    clock.wasStopped(for: 1000)
    clock.togglePause(now: 7000)
    #expect(clock.remaining(now: 7000) == 100)
  }

  @Test func `no time causes a trap`() {
    var clock = clock(speed: 0.01)
    var now: Int64 = 1000
    for time in [3_200_000_000_000_000, 3_200_000_000_000_000, 0] as [Int64] {
      clock.schedule(time, now: now)
      clock.skip(10_000_000, now: now)
      clock.togglePause(now: now)
      now += 1
      clock.togglePause(now: now)
      _ = clock.remaining(now: now)
    }
  }
}
