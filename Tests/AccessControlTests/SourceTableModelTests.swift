import TestSupport
import Testing

@testable import AccessControl

/// The rules for one source in their simplest form, without regard to time or memory: every event is kept.
private struct NaiveSource {
  let limits: SourceTable.Limits
  var connections: [Int64] = []
  var failures: [Int64] = []
  var keyFailures: [Int64] = []
  var bans: [Ban] = []
  /// Bans that are too old to lengthen the next one.
  var forgotten = 0

  func ban(at now: Int64) -> Ban? { bans.last { $0.end > now } }

  mutating func connect(at now: Int64) -> Refusal? {
    if let ban = ban(at: now) { return .banned(milliseconds: ban.end - now) }
    if let rate = limits.rate {
      // Refilled from event to event, starting with the first connection.
      var (level, last) = (rate.burst * rate.interval, Int64.min)
      for time in connections + [now] {
        if last != .min { level = min(level + (time - last) * 1000, rate.burst * rate.interval) }
        last = time
        if time == now && level < rate.interval { return .rateLimited }
        level -= rate.interval
      }
      connections.append(now)
    }
    return nil
  }

  mutating func fail(_ source: ClientSource, byKeys: Bool = false, at now: Int64) -> Ban? {
    guard ban(at: now) == nil else { return nil }
    let lastMisbehavior = (failures + keyFailures + bans.map(\.end)).max()
    if let lastMisbehavior, lastMisbehavior + limits.maxBanTime <= now { forgotten = bans.count }
    if byKeys { keyFailures.append(now) } else { failures.append(now) }
    let start = bans.last?.end ?? .min
    let (counted, limit) = byKeys ? (keyFailures, limits.keyFailures) : (failures, limits.failures)
    guard counted.count(where: { $0 >= start && $0 > now - limits.window }) >= limit else { return nil }
    let count = bans.count - forgotten + 1
    var time = limits.banTime
    for _ in 1..<count { time = min(time * limits.banFactor, limits.maxBanTime) }
    bans.append(Ban(source: source, end: now + time, count: count))
    return bans.last
  }
}

@Suite struct SourceTableModelTests {
  private enum Event { case connect, fail, refuseKeys }

  private func limits(_ random: inout SplitMix) -> SourceTable.Limits {
    let banTime = Int64.random(in: 1...2000, using: &random)
    return SourceTable.Limits(
      rate: Bool.random(using: &random)
        ? TokenBucket.Rate(
          perSecond: [1, 2, 5, 10].randomElement(using: &random)!, burst: .random(in: 1...5, using: &random)) : nil,
      failures: Int.random(in: 1...6, using: &random), keyFailures: Int.random(in: 1...6, using: &random),
      window: Int64.random(in: 1...3000, using: &random),
      banTime: banTime, banFactor: Int64.random(in: 1...3, using: &random),
      maxBanTime: banTime * Int64.random(in: 1...6, using: &random))
  }

  @Test func `interleaved sources are each treated like a naive model alone and no ban ends early`() {
    for seed in UInt64(1)...60 {
      var random = SplitMix(seed: seed)
      let limits = limits(&random)
      var table = SourceTable(limits: limits)
      var models: [ClientSource: NaiveSource] = [:]
      var now: Int64 = 0
      for _ in 0..<400 {
        now += Int64.random(in: 0...200, using: &random) * (Int.random(in: 0...60, using: &random) == 0 ? 100 : 1)
        let source = ClientSource(IPAddress(bytes: [10, 0, 0, UInt8.random(in: 0...4, using: &random)])!)
        switch [Event.connect, .fail, .fail, .refuseKeys].randomElement(using: &random)! {
        case .connect:
          #expect(
            table.connect(source, at: now) == models[source, default: NaiveSource(limits: limits)].connect(at: now))
        case .fail:
          let expected = models[source, default: NaiveSource(limits: limits)].fail(source, at: now)
          #expect(table.fail(source, at: now) == expected)
        case .refuseKeys:
          let expected = models[source, default: NaiveSource(limits: limits)].fail(source, byKeys: true, at: now)
          #expect(table.refuseKeys(source, at: now) == expected)
        }
        for (source, model) in models {
          #expect(table.ban(of: source, at: now) == model.ban(at: now))
          #expect((0..<limits.failures).contains(table.failures(of: source, at: now)))
        }
      }
    }
  }

  @Test func `the table never exceeds its capacity and no ban ends early for a source that did not fail`() {
    for seed in UInt64(1)...20 {
      var random = SplitMix(seed: seed)
      let limits = limits(&random)
      var table = SourceTable(limits: limits, capacity: 16)
      var bans: [ClientSource: Int64] = [:]
      var now: Int64 = 0
      for _ in 0..<2000 {
        now += Int64.random(in: 0...20, using: &random)
        let source = ClientSource(IPAddress(bytes: [10, 0, 0, UInt8.random(in: 0...255, using: &random)])!)
        let isBanned = (bans[source] ?? .min) > now
        switch Int.random(in: 0...9, using: &random) {
        case 0...6:
          if case .banned = table.connect(source, at: now) { #expect(isBanned) } else { #expect(!isBanned) }
        case 7: table.forgive(source, times: Int.random(in: -1...3, using: &random), at: now)
        // At most half of the records are bans, so that none has to be replaced.
        case 8 where isBanned || bans.values.count(where: { $0 > now }) < 8:
          if let ban = table.fail(source, times: Int.random(in: 1...8, using: &random), at: now) {
            bans[source] = ban.end
          }
        default: _ = table.endBan(of: source, at: now)
        }
        #expect(table.count <= 16)
        #expect(table.failures(of: source, at: now) >= 0)
      }
    }
  }
}
