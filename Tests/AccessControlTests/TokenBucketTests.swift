import AccessControl
import TestSupport
import Testing

@Suite struct TokenBucketTests {
  @Test func `the burst is available at once and then the rate per second`() {
    let rate = TokenBucket.Rate(perSecond: 10, burst: 3)
    var bucket = TokenBucket()
    for _ in 0..<3 { #expect(bucket.take(rate, at: 5000) == 0) }
    #expect(bucket.take(rate, at: 5000) == 100)
    #expect(bucket.take(rate, at: 5040) == 60)
    #expect(bucket.take(rate, at: 5100) == 0)
    #expect(bucket.take(rate, at: 5100) == 100)
    #expect(!bucket.isFull(at: 5100))
    #expect(bucket.isFull(at: 5400))
    for _ in 0..<3 { #expect(bucket.take(rate, at: 60_000) == 0) }
    #expect(bucket.take(rate, at: 60_000) == 100)
  }

  @Test func `a refused event consumes nothing`() {
    let rate = TokenBucket.Rate(perSecond: 1, burst: 1)
    var bucket = TokenBucket()
    #expect(bucket.take(rate, at: 0) == 0)
    for time in Int64(0)..<1000 { #expect(bucket.take(rate, at: time) == 1000 - time) }
    #expect(bucket.take(rate, at: 1000) == 0)
  }

  @Test func `rates that do not divide a second are accurate enough`() {
    let rate = TokenBucket.Rate(perSecond: 3, burst: 1)
    var bucket = TokenBucket()
    let taken = (0..<100_000).count { bucket.take(rate, at: Int64($0)) == 0 }
    #expect((299...301).contains(taken))
  }

  @Test func `a changed rate or burst applies at once`() {
    var bucket = TokenBucket()
    let slow = TokenBucket.Rate(perSecond: 1, burst: 100)
    for _ in 0..<100 { #expect(bucket.take(slow, at: 0) == 0) }
    let fast = TokenBucket.Rate(perSecond: 100, burst: 2)
    #expect(bucket.take(fast, at: 0) == 10)
    #expect(bucket.take(fast, at: 10) == 0)
  }

  @Test func `it behaves like a bucket that is filled in small steps`() {
    var random = SplitMix(seed: 3)
    for _ in 0..<200 {
      let perSecond = [1, 2, 4, 5, 8, 10, 20, 50, 100].randomElement(using: &random)!
      let burst = Int.random(in: 1...20, using: &random)
      var bucket = TokenBucket()
      var now: Int64 = 0
      var (level, last) = (Int64(burst) * 1_000_000, Int64(0))
      for _ in 0..<200 {
        now += Int64.random(in: 0...300, using: &random)
        level = min(level + (now - last) * 1000 * Int64(perSecond), Int64(burst) * 1_000_000)
        last = now
        let isTaken = level >= 1_000_000
        if isTaken { level -= 1_000_000 }
        #expect((bucket.take(TokenBucket.Rate(perSecond: perSecond, burst: burst), at: now) == 0) == isTaken)
      }
    }
  }
}
