import Testing

@testable import AccessControl

@Suite struct SourceTableTests {
  static let limits = SourceTable.Limits(
    rate: nil, failures: 5, keyFailures: 20, window: 300_000, banTime: 300_000, banFactor: 2, maxBanTime: 86_400_000)

  private func source(_ number: Int) -> ClientSource {
    ClientSource(IPAddress(bytes: [10, UInt8(number >> 16), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)])!)
  }

  private func fail(_ table: inout SourceTable, _ source: ClientSource, _ times: Int, at now: Int64) -> Ban? {
    var ban: Ban?
    for _ in 0..<times { ban = table.fail(source, at: now) ?? ban }
    return ban
  }

  @Test(arguments: [1, 2, 5, 37]) func `a ban begins with exactly the configured number of failures`(limit: Int) {
    var limits = Self.limits
    limits.failures = limit
    var table = SourceTable(limits: limits)
    #expect(fail(&table, source(1), limit - 1, at: 0) == nil)
    #expect(table.connect(source(1), at: 0) == nil)
    #expect(table.fail(source(1), at: 1000) == Ban(source: source(1), end: 301_000, count: 1))
    #expect(table.connect(source(1), at: 1000) == .banned(milliseconds: 300_000))
    #expect(table.connect(source(1), at: 300_999) == .banned(milliseconds: 1))
    #expect(table.connect(source(1), at: 301_000) == nil)
    #expect(table.connect(source(2), at: 1000) == nil)
  }

  @Test func `refused keys are counted separately from other failures and lead to the same bans`() {
    var table = SourceTable(limits: Self.limits)
    // The two counts do not add up.
    for _ in 0..<19 { #expect(table.refuseKeys(source(1), at: 0) == nil) }
    #expect(fail(&table, source(1), 4, at: 0) == nil)
    #expect(table.failures(of: source(1), at: 0) == 4)
    #expect(table.refuseKeys(source(1), at: 1) == Ban(source: source(1), end: 300_001, count: 1))
    // The ban cleared both counts, and the next one is longer, whichever count leads to it.
    #expect(fail(&table, source(1), 4, at: 300_001) == nil)
    for _ in 0..<19 { #expect(table.refuseKeys(source(1), at: 300_001) == nil) }
    #expect(table.fail(source(1), at: 300_002) == Ban(source: source(1), end: 900_002, count: 2))
    #expect(table.refuseKeys(source(1), at: 900_002) == nil)
    // In a sliding window: never twenty within it.
    for number in 0..<100 { #expect(table.refuseKeys(source(2), at: Int64(number) * 16_000) == nil) }
  }

  @Test(arguments: [(5, 0), (0, 20)])
  func `a limit of 0 for keys disables bans for keys and a limit of 0 for failures disables all bans`(
    failures: Int, keyFailures: Int
  ) {
    var limits = Self.limits
    (limits.failures, limits.keyFailures) = (failures, keyFailures)
    var table = SourceTable(limits: limits)
    for _ in 0..<100 { #expect(table.refuseKeys(source(1), at: 0) == nil) }
    #expect((fail(&table, source(1), 5, at: 0) == nil) == (failures == 0))
  }

  @Test func `a source with refused keys is remembered and forgotten like one that failed`() {
    var table = SourceTable(limits: Self.limits, capacity: 1)
    _ = table.refuseKeys(source(1), at: 0)
    #expect(table.count == 1)
    _ = table.connect(source(2), at: 400_000)
    #expect(table.count == 0)
  }

  @Test func `failures count in a sliding window`() {
    var table = SourceTable(limits: Self.limits)
    // Four failures, then one more each time the oldest expires: never five at once.
    for number in 0..<4 { #expect(table.fail(source(1), at: Int64(number) * 75_000) == nil) }
    for number in 4..<40 {
      #expect(table.failures(of: source(1), at: Int64(number) * 75_000) == 3)
      #expect(table.fail(source(1), at: Int64(number) * 75_000) == nil)
    }
    #expect(table.fail(source(1), at: 39 * 75_000) != nil)
  }

  @Test func `bans grow up to the maximum and are forgotten after that time without failures`() {
    var limits = Self.limits
    limits.maxBanTime = 1_000_000
    var table = SourceTable(limits: limits)
    var now: Int64 = 0
    for (number, length) in [300_000, 600_000, 1_000_000, 1_000_000].enumerated() {
      #expect(
        fail(&table, source(1), 5, at: now) == Ban(source: source(1), end: now + Int64(length), count: number + 1))
      now += Int64(length)
    }
    now += 999_999
    #expect(fail(&table, source(1), 5, at: now)?.count == 5)
    now += 1_000_000 + 1_000_000
    #expect(fail(&table, source(1), 5, at: now) == Ban(source: source(1), end: now + 300_000, count: 1))
  }

  @Test func `a failure prolongs the memory of earlier bans`() {
    var limits = Self.limits
    limits.maxBanTime = 1_000_000
    var table = SourceTable(limits: limits)
    #expect(fail(&table, source(1), 5, at: 0)?.end == 300_000)
    #expect(table.fail(source(1), at: 1_200_000) == nil)
    #expect(fail(&table, source(1), 5, at: 2_100_000)?.count == 2)
  }

  @Test func `a large factor is bounded and a factor of 1 does not grow`() {
    var limits = Self.limits
    limits.banFactor = .max
    #expect(limits.banTime(count: 1_000_000_000) == limits.maxBanTime)
    limits.banFactor = 1
    #expect(limits.banTime(count: 1_000_000_000) == limits.banTime)
    limits.banTime = .max
    #expect(limits.banTime(count: 3) == limits.maxBanTime)
  }

  @Test func `several failures at once are all counted`() {
    var table = SourceTable(limits: Self.limits)
    #expect(table.fail(source(1), times: 10, at: 0)?.count == 1)
    #expect(table.fail(source(2), times: 4, at: 0) == nil)
    #expect(table.fail(source(2), times: 1, at: 0) != nil)
    #expect(table.fail(source(3), times: .max, at: 0)?.count == 1)
    #expect(table.fail(source(4), times: 0, at: 0) == nil)
    #expect(table.fail(source(4), times: -5, at: 0) == nil)
    #expect(table.failures(of: source(4), at: 0) == 0)
  }

  @Test func `forgiven failures do not count and a ban is not forgiven`() {
    var table = SourceTable(limits: Self.limits)
    #expect(fail(&table, source(1), 4, at: 0) == nil)
    table.forgive(source(1), times: 3, at: 10)
    #expect(table.failures(of: source(1), at: 10) == 1)
    table.forgive(source(1), times: 99, at: 10)
    table.forgive(source(1), times: -1, at: 10)
    table.forgive(source(2), times: 1, at: 10)
    #expect(table.failures(of: source(1), at: 10) == 0)
    #expect(fail(&table, source(1), 4, at: 20) == nil)
    #expect(table.fail(source(1), at: 20) != nil)
    table.forgive(source(1), times: 5, at: 30)
    #expect(table.connect(source(1), at: 30) == .banned(milliseconds: 299_990))
  }

  @Test func `failures during a ban are not counted`() {
    var table = SourceTable(limits: Self.limits)
    #expect(fail(&table, source(1), 5, at: 0)?.end == 300_000)
    #expect(fail(&table, source(1), 50, at: 100_000) == nil)
    #expect(table.connect(source(1), at: 300_000) == nil)
    #expect(fail(&table, source(1), 4, at: 300_000) == nil)
    #expect(table.fail(source(1), at: 300_000)?.count == 2)
  }

  @Test func `a limit of 0 disables bans`() {
    var limits = Self.limits
    limits.failures = 0
    var table = SourceTable(limits: limits)
    #expect(fail(&table, source(1), 1000, at: 0) == nil)
    #expect(table.connect(source(1), at: 0) == nil)
  }

  @Test func `the connection rate of a source is limited`() {
    var limits = Self.limits
    limits.rate = TokenBucket.Rate(perSecond: 10, burst: 100)
    var table = SourceTable(limits: limits)
    for _ in 0..<100 { #expect(table.connect(source(1), at: 0) == nil) }
    #expect(table.connect(source(1), at: 0) == .rateLimited)
    #expect(table.connect(source(2), at: 0) == nil)
    #expect(table.connect(source(1), at: 100) == nil)
    #expect(table.connect(source(1), at: 100) == .rateLimited)
  }

  @Test func `an IPv6 source is a /64 network`() throws {
    let one = ClientSource(try #require(IPAddress("2001:db8:1:2::1")))
    #expect(one == ClientSource(try #require(IPAddress("2001:db8:1:2:ffff:ffff:ffff:ffff"))))
    #expect(one != ClientSource(try #require(IPAddress("2001:db8:1:3::1"))))
    #expect(one.description == "2001:db8:1:2::/64")
    #expect(ClientSource(try #require(IPAddress("::ffff:192.0.2.1"))).description == "192.0.2.1")
    #expect(source(1) != source(2))
  }

  @Test func `the end of a ban is reported once`() {
    var table = SourceTable(limits: Self.limits)
    #expect(fail(&table, source(1), 5, at: 0) != nil)
    #expect(table.endBan(of: source(1), at: 299_999) == nil)
    #expect(table.endBan(of: source(2), at: 300_000) == nil)
    // A connection attempt at exactly that time does not hide the end.
    _ = table.connect(source(1), at: 300_000)
    #expect(table.endBan(of: source(1), at: 300_000) == Ban(source: source(1), end: 300_000, count: 1))
    #expect(table.endBan(of: source(1), at: 300_000) == nil)
  }

  // MARK: Restored bans

  @Test func `restored bans are in effect, and expired ones lengthen the next ban`() {
    var old = SourceTable(limits: Self.limits)
    _ = fail(&old, source(1), 5, at: 0)
    _ = fail(&old, source(2), 5, at: 100_000)
    #expect(old.connect(source(3), at: 100_000) == nil)
    let bans = old.bans(at: 300_000)
    #expect(Set(bans.map(\.source)) == [source(1), source(2)])
    var table = SourceTable(limits: Self.limits)
    table.restore(bans, at: 300_000)
    #expect(table.connect(source(1), at: 300_000) == nil)
    #expect(table.connect(source(2), at: 300_000) == .banned(milliseconds: 100_000))
    #expect(fail(&table, source(1), 5, at: 300_000) == Ban(source: source(1), end: 900_000, count: 2))
  }

  @Test func `a restored ban is not longer than the maximum and does not shorten a ban in effect`() {
    var table = SourceTable(limits: Self.limits)
    table.restore([Ban(source: source(1), end: .max, count: .max)], at: 0)
    #expect(table.connect(source(1), at: 0) == .banned(milliseconds: Self.limits.maxBanTime))
    table.restore([Ban(source: source(1), end: 5, count: 1)], at: 0)
    #expect(table.connect(source(1), at: 0) == .banned(milliseconds: Self.limits.maxBanTime))
    table.restore([Ban(source: source(2), end: 1000, count: 0), Ban(source: source(3), end: .min, count: 1)], at: 0)
    #expect(table.connect(source(2), at: 0) == nil)
    #expect(table.bans(at: 0).count == 1)
  }

  @Test func `a restored ban ends at its time and at most the maximum length from now`() {
    let longest = Self.limits.maxBanTime
    let now: Int64 = 1_000_000
    for (end, restored) in [
      (now + 1, now + 1), (now + longest - 1, now + longest - 1), (now + longest, now + longest),
      (now + longest + 1, now + longest), (now + 2 * longest, now + longest),
    ] {
      var table = SourceTable(limits: Self.limits)
      table.restore([Ban(source: source(1), end: end, count: 3)], at: now)
      #expect(table.ban(of: source(1), at: now) == Ban(source: source(1), end: restored, count: 3))
      #expect(table.ban(of: source(1), at: restored) == nil)
      #expect(table.endBan(of: source(1), at: restored - 1) == nil)
      #expect(table.endBan(of: source(1), at: restored)?.count == 3)
    }
  }

  @Test func `an expired ban is restored while it still counts and its end is not reported again`() {
    let longest = Self.limits.maxBanTime
    for (age, counts) in [(0, true), (longest - 1, true), (longest, false), (longest + 1, false)] as [(Int64, Bool)] {
      var table = SourceTable(limits: Self.limits)
      table.restore([Ban(source: source(1), end: 5000, count: 3)], at: 5000 + age)
      #expect(table.count == (counts ? 1 : 0), "\(age)")
      #expect(table.endBan(of: source(1), at: 5000 + age) == nil)
      #expect(table.bans(at: 5000 + age).count == (counts ? 1 : 0))
      #expect(fail(&table, source(1), 5, at: 5000 + age)?.count == (counts ? 4 : 1))
    }
  }

  // MARK: Memory

  @Test func `the least dangerous sources are replaced first and banned ones last`() {
    var limits = Self.limits
    limits.rate = TokenBucket.Rate(perSecond: 1, burst: 10)
    var table = SourceTable(limits: limits, capacity: 8)
    _ = fail(&table, source(1), 5, at: 0)  // banned
    limits.banTime = 10
    table.limits = limits
    _ = fail(&table, source(2), 5, at: 0)  // banned, until 10
    _ = table.fail(source(3), at: 0)  // failed
    for number in 4...8 { #expect(table.connect(source(number), at: 20) == nil) }  // quiet
    #expect(table.endBan(of: source(2), at: 20) != nil)
    for number in 9..<1000 { #expect(table.connect(source(number), at: 20) == nil) }
    #expect(table.count == 8)
    #expect(table.failures(of: source(3), at: 20) == 1)
    // More failing sources replace the quiet ones, then those that failed before them.
    for number in 1000..<2000 { _ = table.fail(source(number), at: 30) }
    #expect(table.count == 8)
    #expect(table.failures(of: source(3), at: 30) == 0)
    #expect(Set(table.bans(at: 30).map(\.source)) == [source(1), source(2)])
    // More banned sources replace all the others, and finally the ban that was refused least recently.
    for number in 2000..<2007 { _ = fail(&table, source(number), 5, at: 31) }
    #expect(table.connect(source(1), at: 31) == .banned(milliseconds: 299_969))
    _ = fail(&table, source(2008), 5, at: 32)
    #expect(table.connect(source(1), at: 32) == .banned(milliseconds: 299_968))
    #expect(table.connect(source(2000), at: 32) == nil)
    #expect(table.count == 8)
  }

  @Test func `a source that only connects never replaces a ban`() {
    var limits = Self.limits
    limits.rate = TokenBucket.Rate(perSecond: 1, burst: 1)
    var table = SourceTable(limits: limits, capacity: 4)
    for number in 0..<4 { _ = fail(&table, source(number), 5, at: 0) }
    for number in 10..<100 { #expect(table.connect(source(number), at: 0) == nil) }
    for number in 0..<4 { #expect(table.connect(source(number), at: 0) == .banned(milliseconds: 300_000)) }
  }

  @Test func `sources that no longer matter are removed`() {
    var limits = Self.limits
    limits.rate = TokenBucket.Rate(perSecond: 10, burst: 100)
    limits.maxBanTime = 600_000
    var table = SourceTable(limits: limits)
    for number in 0..<1000 { #expect(table.connect(source(number), at: 0) == nil) }
    for number in 0..<200 { _ = table.fail(source(number), at: 0) }
    for number in 0..<50 { _ = fail(&table, source(number), 4, at: 0) }
    #expect(table.count == 1000)
    for number in 5000..<5600 { #expect(table.connect(source(number), at: 10_000) == nil) }
    #expect(table.count == 800)
    for number in 6000..<6600 { #expect(table.connect(source(number), at: 2_000_000) == nil) }
    #expect(table.count == 600)
  }

  @Test func `the table is bounded by its capacity`() {
    var limits = Self.limits
    limits.rate = TokenBucket.Rate(perSecond: 1, burst: 1)
    var table = SourceTable(limits: limits)
    for number in 0..<SourceTable.capacity + 10_000 {
      let source = ClientSource(
        IPAddress(bytes: [UInt8(number >> 16), UInt8(number >> 8 & 0xff), UInt8(number & 0xff), 1])!)
      _ = table.connect(source, at: 0)
      if number % 3 == 0 { _ = table.fail(source, times: 4, at: 0) }
      if number % 30 == 0 { _ = table.fail(source, at: 0) }
    }
    #expect(table.count == 65_536)
  }
}
