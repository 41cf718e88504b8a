import AccessControl
import Testing

@Suite struct StartLimiterTests {
  private func source(_ number: Int) -> ClientSource {
    ClientSource(IPAddress(bytes: [10, 0, UInt8(number >> 8), UInt8(number & 255)])!)
  }

  /// Starts as many connections as may start; returns how many did.
  private func flood(_ limiter: inout StartLimiter, _ source: ClientSource, _ count: Int, random: Double = 0.999) -> Int
  {
    (0..<count).count { _ in
      guard limiter.refusal(of: source, random: random) == nil else { return false }
      limiter.start(source)
      return true
    }
  }

  private let limits = StartLimiter.Limits(total: 100, perSource: 32)

  @Test func `one source has so many and no more`() {
    var limiter = StartLimiter(limits: limits)
    #expect(flood(&limiter, source(1), 200) == 32)
    #expect(limiter.refusal(of: source(1), random: 0.999) == .tooManyFromSource)
    limiter.finish(source(1))
    #expect(flood(&limiter, source(1), 200) == 1)
  }

  @Test(arguments: [(100, 32), (100, 99), (500, 499), (20, 32), (10, 1), (4, 4), (3, 3), (2, 2)])
  func `what one source holds never keeps another one out`(total: Int, perSource: Int) {
    var limiter = StartLimiter(limits: .init(total: total, perSource: perSource))
    #expect(flood(&limiter, source(1), 2 * total) == min(perSource, total / 2))
    // The worst that chance can do.
    #expect(limiter.refusal(of: source(2), random: 0) == nil)
  }

  @Test func `the limit in all holds, from however many sources`() {
    var limiter = StartLimiter(limits: limits)
    for number in 0..<1000 { _ = flood(&limiter, source(number), 1) }
    #expect(limiter.total == 100)
    #expect(limiter.refusal(of: source(2000), random: 0.999) == .tooManyUnauthenticated)
  }

  @Test(arguments: [(30, 0.0), (31, 1.0 / 70), (65, 0.5), (99, 69.0 / 70)])
  func `from three tenths on, more and more are refused at random`(held: Int, share: Double) {
    var limiter = StartLimiter(limits: limits)
    for number in 0..<held { limiter.start(source(number)) }
    let refused = (0..<70).count { limiter.refusal(of: source(2000), random: Double($0) / 70) != nil }
    #expect(refused == Int((share * 70).rounded()))
  }

  @Test func `a source feels its own connections in full`() {
    var limiter = StartLimiter(limits: .init(total: 100, perSource: 50))
    for _ in 0..<40 { limiter.start(source(1)) }
    #expect(limiter.refusal(of: source(1), random: 0) == .tooManyUnauthenticated)
    #expect(limiter.refusal(of: source(2), random: 0) == nil)
  }

  @Test func `who finished counts no more, and nobody finishes twice`() {
    var limiter = StartLimiter(limits: limits)
    for _ in 0..<5 { limiter.start(source(1)) }
    for _ in 0..<9 { limiter.finish(source(1)) }
    limiter.finish(source(2))
    #expect(limiter.total == 0 && limiter.count(of: source(1)) == 0)
  }

  @Test func `limits that change hold at once, and counts stay right whatever comes`() {
    var random = Generator(seed: 11)
    var limiter = StartLimiter(limits: limits)
    var counts = [Int](repeating: 0, count: 12)
    for step in 0..<20_000 {
      let number = Int.random(in: 0..<12, using: &random)
      if step % 500 == 499 {
        limiter.limits = .init(
          total: .random(in: 1...120, using: &random), perSource: .random(in: 1...60, using: &random))
      }
      if Bool.random(using: &random) {
        let total = counts.reduce(0, +)
        let heaviest = max(limiter.limits.total / 10, 1)
        let others = counts.enumerated().reduce(0) { $1.offset == number ? $0 : $0 + min($1.element, heaviest) }
        let start = max(limiter.limits.total * 3 / 10, heaviest)
        let chance = Double.random(in: 0..<1, using: &random)
        let expected: Refusal? =
          counts[number] >= limiter.limits.perSource
          ? .tooManyFromSource
          : total >= limiter.limits.total
            || chance * Double(limiter.limits.total - start) < Double(counts[number] + others - start)
            ? .tooManyUnauthenticated : nil
        #expect(limiter.refusal(of: source(number), random: chance) == expected)
        if expected == nil {
          limiter.start(source(number))
          counts[number] += 1
        }
      } else if counts[number] > 0 {
        limiter.finish(source(number))
        counts[number] -= 1
      }
      #expect(limiter.total == counts.reduce(0, +))
    }
  }
}
