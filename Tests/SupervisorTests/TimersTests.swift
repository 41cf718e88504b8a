import Testing

@testable import Supervisor

@Suite struct TimersTests {
  @Test func `keys are returned in the order of their times, and only after these`() {
    var timers = Timers<Int>()
    var random = SystemRandomNumberGenerator()
    let times = (0..<500).map { _ in Int64.random(in: 0..<1000, using: &random) }
    for (key, time) in times.enumerated() { timers.set(key, at: time) }
    #expect(timers.soonest() == times.min())
    var last = Int64.min
    while let key = timers.next(at: 499) {
      #expect(times[key] >= last && times[key] <= 499)
      last = times[key]
    }
    #expect(timers.count == times.count { $0 > 499 })
  }

  @Test func `a key has only its last time`() {
    var timers = Timers<String>()
    timers.set("a", at: 1)
    timers.set("a", at: 5)
    #expect(timers.next(at: 4) == nil)
    #expect(timers.next(at: 5) == "a")
    #expect(timers.next(at: 100) == nil)
    #expect(timers.soonest() == nil)
  }

  @Test func `a cancelled time never occurs`() {
    var timers = Timers<String>()
    timers.set("a", at: 1)
    timers.set("b", at: 2)
    timers.cancel("a")
    #expect(!timers.contains("a") && timers.contains("b"))
    #expect(timers.next(at: 9) == "b")
  }

  @Test func `setting one key many times keeps the order of the others`() {
    var timers = Timers<Int>()
    for key in 1...50 { timers.set(key, at: Int64(100 - key)) }
    for time in 0..<100_000 { timers.set(0, at: Int64(time)) }
    for key in (1...50).reversed() { #expect(timers.next(at: 1000) == key) }
    #expect(timers.next(at: 200_000) == 0)
  }

  @Test func `a throttle counts suppressed lines`() {
    var throttle = LogThrottle(interval: 10)
    #expect(throttle.pass(at: 0) == 0)
    #expect(throttle.pass(at: 1) == nil)
    #expect(throttle.pass(at: 9) == nil)
    #expect(throttle.pass(at: 10) == 2)
  }

  @Test func `a throttle passes a burst of lines`() {
    var throttle = LogThrottle(burst: 2, interval: 10)
    #expect(throttle.pass(at: 0) == 0)
    #expect(throttle.pass(at: 5) == 0)
    #expect(throttle.pass(at: 9) == nil)
    #expect(throttle.pass(at: 9) == nil)
    #expect(throttle.pass(at: 10) == 2)
    #expect(throttle.pass(at: 11) == 0)
    #expect(throttle.pass(at: 12) == nil)
  }
}
