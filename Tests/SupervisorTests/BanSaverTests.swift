import Testing

@testable import Supervisor

@Suite struct BanSaverTests {
  @Test func `the first ban is saved immediately and the next ones together after a pause`() {
    var saver = BanSaver()
    #expect(saver.changed(at: 1000) == .save)
    #expect(!saver.isDone)
    // A ban during a write waits for its end.
    #expect(saver.changed(at: 1010) == .nothing)
    #expect(saver.saved(at: 1020) == .wait(milliseconds: BanSaver.interval - 20))
    for time in [1030, 1040, 2900] as [Int64] { #expect(saver.changed(at: time) == .nothing) }
    #expect(saver.time(at: 1000 + BanSaver.interval) == .save)
    #expect(saver.saved(at: 5000) == .nothing)
    #expect(saver.isDone)
  }

  @Test func `only one process writes, however long it takes`() {
    var saver = BanSaver()
    #expect(saver.changed(at: 0) == .save)
    #expect(saver.changed(at: 50_000) == .nothing)
    #expect(saver.time(at: 60_000) == .nothing)
    #expect(saver.finish(at: 70_000) == .nothing)
    #expect(saver.saved(at: 80_000) == .save)
    #expect(saver.saved(at: 80_001) == .nothing)
    #expect(saver.isDone)
  }

  @Test func `at the end the remaining bans are saved without a pause`() {
    var saver = BanSaver()
    #expect(saver.finish(at: 0) == .nothing && saver.isDone)
    saver = BanSaver()
    #expect(saver.changed(at: 0) == .save)
    #expect(saver.saved(at: 1) == .nothing)
    #expect(saver.changed(at: 2) == .wait(milliseconds: BanSaver.interval - 2))
    #expect(saver.finish(at: 3) == .save)
    #expect(saver.saved(at: 4) == .nothing && saver.isDone)
    // The end of the earlier pause has no effect.
    #expect(saver.time(at: BanSaver.interval) == .nothing)
  }

  @Test func `a failed write is repeated with the next ban and does not delay the end`() {
    var saver = BanSaver()
    #expect(saver.changed(at: 0) == .save)
    #expect(saver.changed(at: 1) == .nothing)
    saver.failed()
    #expect(saver.isDone && saver.finish(at: 2) == .nothing)
    saver = BanSaver()
    #expect(saver.changed(at: 0) == .save)
    saver.failed()
    #expect(saver.changed(at: 10) == .wait(milliseconds: BanSaver.interval - 10))
    #expect(saver.time(at: BanSaver.interval) == .save)
  }

  @Test func `writes start at least a pause apart, do not overlap, and include the last ban`() {
    for seed in 0..<200 as Range<UInt64> {
      var generator = SystemSeed(state: seed &* 0x9e37_79b9 | 1)
      var saver = BanSaver()
      var now: Int64 = 0
      var starts: [Int64] = []
      var timer: Int64?
      var end: Int64?
      var unsaved = false
      func perform(_ action: BanSaver.Action) {
        switch action {
        case .nothing: break
        case .wait(let milliseconds):
          #expect(timer == nil && milliseconds > 0)
          timer = now + milliseconds
        case .save:
          #expect(end == nil)
          starts.append(now)
          end = now + Int64(generator.next() % 3000) + 1
          unsaved = false
        }
      }
      for _ in 0..<60 {
        now += Int64(generator.next() % 700)
        if let due = end, due <= now {
          end = nil
          perform(saver.saved(at: now))
        }
        if let due = timer, due <= now {
          timer = nil
          perform(saver.time(at: now))
        }
        if generator.next() % 3 == 0 {
          unsaved = true
          perform(saver.changed(at: now))
        }
      }
      for (one, next) in zip(starts, starts.dropFirst()) { #expect(next - one >= BanSaver.interval) }
      perform(saver.finish(at: now))
      while end != nil {
        end = nil
        perform(saver.saved(at: now))
      }
      #expect(!unsaved && saver.isDone)
    }
  }
}

/// A reproducible pseudo-random sequence: xorshift.
private struct SystemSeed {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
