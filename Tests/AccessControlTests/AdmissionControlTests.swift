import AccessControl
import Testing

@Suite struct AdmissionControlTests {
  private static func address(_ text: String) -> IPAddress { IPAddress(text)! }

  private func control(_ change: (inout AdmissionControl.Rules) -> Void = { _ in }) throws -> AdmissionControl {
    var rules = AdmissionControl.Rules(
      gate: ConnectionGate(), whitelist: RangeTrie([try AddressRange("10.9.0.0/16")]),
      sources: SourceTable.Limits(
        rate: TokenBucket.Rate(perSecond: 1, burst: 1000), failures: 3, keyFailures: 4, window: 1000, banTime: 1000,
        banFactor: 2, longestBan: 10_000),
      starts: StartLimiter.Limits(total: 20, perSource: 5), connections: 50)
    change(&rules)
    return AdmissionControl(rules: rules)
  }

  /// What becomes of a connection that has this number; `.start` unless it is said.
  private func verdict(
    _ control: inout AdmissionControl, _ address: String, number: UInt64 = 0, connections: Int = 0,
    random: Double = 0.999, at now: Int64 = 0
  ) -> StartLimiter.Verdict {
    control.admit(
      Self.address(address), number: number > 0 ? number : UInt64.random(in: 1_000_000...(.max)),
      connections: connections, random: random, at: now)
  }

  /// Why a connection is refused.
  private func admit(_ control: inout AdmissionControl, _ address: String, connections: Int = 0) -> Refusal? {
    if case .refuse(let refusal) = verdict(&control, address, connections: connections) { refusal } else { nil }
  }

  private func ban(_ control: inout AdmissionControl, _ address: String) -> Ban? {
    var ban: Ban?
    for _ in 0..<3 { ban = control.note(.failed, of: Self.address(address), at: 0) ?? ban }
    return ban
  }

  @Test func `refused keys have a count of their own, and the whitelist none`() throws {
    var control = try control()
    for address in ["10.0.0.1", "10.9.0.1"] {
      for number in 1...4 {
        let ban = control.note(.keysRefused, of: Self.address(address), at: 0)
        #expect((ban != nil) == (number == 4 && address == "10.0.0.1"))
      }
    }
  }

  @Test func `the gate comes before everything, and holds for the whitelist`() throws {
    var control = try control {
      $0.gate = ConnectionGate(
        allowed: [AddressRange(around: Self.address("10.0.0.0"), prefixLength: 8)],
        blocked: [AddressRange(Self.address("10.9.0.1")), AddressRange(Self.address("10.0.0.1"))])
    }
    let blocked = AddressRange(Self.address("10.9.0.1"))
    #expect(admit(&control, "10.9.0.1") == .blocked(blocked))
    #expect(admit(&control, "::ffff:10.9.0.1", connections: 99) == .blocked(blocked))
    #expect(admit(&control, "11.0.0.1", connections: 99) == .notAllowed)
    #expect(admit(&control, "10.9.0.2") == nil)
    #expect(ban(&control, "10.0.0.1") != nil)
    #expect(admit(&control, "10.0.0.1") == .blocked(AddressRange(Self.address("10.0.0.1"))))
    #expect(control.startCount == 1)
  }

  @Test func `a ban comes before limits, and what is refused takes no place`() throws {
    var control = try control()
    #expect(ban(&control, "192.0.2.1")?.source == ClientSource(Self.address("192.0.2.1")))
    #expect(admit(&control, "192.0.2.1", connections: 99) == .banned(milliseconds: 1000))
    #expect(admit(&control, "192.0.2.2", connections: 50) == .maxConnections)
    #expect(control.startCount == 0)
    for number in 1..<6 { #expect(verdict(&control, "192.0.2.2", number: UInt64(number)) == .start) }
    #expect(admit(&control, "192.0.2.2") == .tooManyFromSource)
    #expect(control.startCount == 5)
    control.finishStart(1)
    #expect(admit(&control, "192.0.2.2") == nil)
  }

  @Test func `the whitelist is not limited and not banned, but counts`() throws {
    var control = try control { $0.sources.rate = TokenBucket.Rate(perSecond: 1, burst: 1) }
    for _ in 0..<40 { #expect(admit(&control, "10.9.1.1") == nil) }
    #expect(ban(&control, "10.9.1.1") == nil)
    #expect(control.note(.crashed, of: Self.address("10.9.1.1"), at: 0) == nil)
    #expect(control.sourceCount == 0)
    #expect(admit(&control, "10.9.1.1", connections: 50) == .maxConnections)
    // They are 40 of 20, and none of them makes room.
    #expect(admit(&control, "192.0.2.1") == .tooManyUnauthenticated)
  }

  @Test func `nobody of the whitelist makes room, and room is made for them`() throws {
    var control = try control { $0.connections = 4 }
    for number in 1...2 { #expect(verdict(&control, "10.9.1.1", number: UInt64(number)) == .start) }
    for number in 3...4 { #expect(verdict(&control, "192.0.2.\(number)", number: UInt64(number)) == .start) }
    #expect(verdict(&control, "10.9.1.1", number: 5, connections: 4) == .startInPlace(of: 3))
    // One is leaving.
    #expect(verdict(&control, "192.0.2.9", number: 6, connections: 5) == .startInPlace(of: 4))
    #expect(control.startCount == 4)
    control.advance(6, to: .settled)
    #expect(verdict(&control, "192.0.2.10", number: 7, connections: 6) == .refuse(.maxConnections))
    #expect(verdict(&control, "10.9.1.1", number: 7, connections: 6) == .refuse(.maxConnections))
    control.finishStart(3)
    control.finishStart(4)
    #expect(verdict(&control, "192.0.2.10", number: 7, connections: 4) == .refuse(.maxConnections))
    #expect(verdict(&control, "192.0.2.10", number: 7, connections: 3) == .start)
  }

  @Test func `room is made five times for a source, then once a minute, and anew after a login`() throws {
    var control = try control { $0.starts = .init(total: 4, perSource: 2) }
    for number in 1...4 { #expect(verdict(&control, "192.0.\(number).1", number: UInt64(number)) == .start) }
    var number = UInt64(4)
    /// It comes; the oldest of the others goes, comes again, and takes the place that is free when it leaves.
    func comeAndGo(at now: Int64) -> Bool {
      number += 1
      let verdict = verdict(&control, "198.51.100.1", number: number, at: now)
      guard case .startInPlace(let other) = verdict else {
        #expect(verdict == .refuse(.tooManyUnauthenticated))
        return false
      }
      control.finishStart(other)
      control.finishStart(number)
      number += 1
      let next = self.verdict(&control, "192.1.\(number).1", number: number, at: now)
      #expect(next == .start)
      return true
    }
    #expect((0..<9).count { _ in comeAndGo(at: 0) } == 5)
    #expect(!comeAndGo(at: 59_999))
    #expect(comeAndGo(at: 60_000))
    #expect(!comeAndGo(at: 60_001))
    // Others are not concerned.
    #expect(verdict(&control, "203.0.113.9", number: 1000, at: 60_001) != .refuse(.tooManyUnauthenticated))
    _ = control.note(.loggedIn(failures: 0), of: Self.address("198.51.100.1"), at: 60_001)
    #expect((0..<9).count { _ in comeAndGo(at: 60_001) } == 5)
  }

  @Test func `a source that made room does not take its place back at once`() throws {
    var control = try control { $0.starts = .init(total: 4, perSource: 2) }
    for number in 1...4 { #expect(verdict(&control, "192.0.\(number).1", number: UInt64(number)) == .start) }
    #expect(verdict(&control, "198.51.100.1", number: 5, at: 1000) == .startInPlace(of: 1))
    #expect(verdict(&control, "192.0.1.1", number: 6, at: 1000) == .refuse(.tooManyUnauthenticated))
    #expect(verdict(&control, "192.0.1.1", number: 6, at: 10_999) == .refuse(.tooManyUnauthenticated))
    // Not even where another source comes; and a place that is free is for it as well.
    #expect(verdict(&control, "198.51.101.1", number: 7, at: 10_999) == .startInPlace(of: 2))
    #expect(verdict(&control, "192.0.1.1", number: 8, at: 11_000) == .startInPlace(of: 3))
    control.finishStart(4)
    #expect(verdict(&control, "192.0.2.1", number: 9, at: 11_000) == .start)
  }

  @Test func `an address of a banned network that is whitelisted is let in`() throws {
    var control = try control { $0.whitelist = RangeTrie([AddressRange(Self.address("2001:db8::1"))]) }
    #expect(ban(&control, "2001:db8::2")?.source.description == "2001:db8::/64")
    #expect(admit(&control, "2001:db8::3") == .banned(milliseconds: 1000))
    #expect(admit(&control, "2001:db8::1") == nil)
    #expect(control.ban(of: Self.address("2001:db8::3"), at: 0) != nil)
    #expect(control.ban(of: Self.address("2001:db8::1"), at: 0) == nil)
  }

  @Test func `a crash counts like many failures`() throws {
    var control = try control { $0.sources.failures = 10 }
    #expect(control.note(.crashed, of: Self.address("192.0.2.1"), at: 0)?.count == 1)
    control = try self.control { $0.sources.failures = 11 }
    #expect(control.note(.crashed, of: Self.address("192.0.2.1"), at: 0) == nil)
    #expect(control.note(.failed, of: Self.address("192.0.2.1"), at: 0)?.count == 1)
  }

  @Test func `a login takes back what it is told, and no ban`() throws {
    var control = try control()
    let client = Self.address("192.0.2.1")
    for _ in 0..<10 {
      for _ in 0..<2 { #expect(control.note(.failed, of: client, at: 0) == nil) }
      #expect(control.note(.loggedIn(failures: 2), of: client, at: 0) == nil)
    }
    #expect(ban(&control, "192.0.2.1") != nil)
    _ = control.note(.loggedIn(failures: 9), of: client, at: 0)
    #expect(admit(&control, "192.0.2.1") == .banned(milliseconds: 1000))
  }

  @Test func `new rules hold at once, and bans go on`() throws {
    var control = try control()
    #expect(ban(&control, "192.0.2.1") != nil)
    control.apply(
      try self.control { $0.gate = ConnectionGate(blocked: [AddressRange(Self.address("192.0.2.3"))]) }.rules)
    #expect(admit(&control, "192.0.2.3") == .blocked(AddressRange(Self.address("192.0.2.3"))))
    #expect(admit(&control, "192.0.2.1") == .banned(milliseconds: 1000))
    control.apply(try self.control { $0.whitelist = RangeTrie([AddressRange(Self.address("192.0.2.1"))]) }.rules)
    #expect(admit(&control, "192.0.2.1") == nil)
  }

  @Test(
    arguments: [
      (.blocked(AddressRange(address("::1"))), "blocked_ip"), (.notAllowed, "not_allowed_ip"),
      (.banned(milliseconds: 1), "banned"), (.rateLimited, "rate_limited"),
      (.tooManyFromSource, "too_many_from_source"),
      (.tooManyUnauthenticated, "too_many_unauthenticated"), (.maxConnections, "max_connections"),
    ] as [(Refusal, String)])
  func `a refusal has a stable code`(refusal: Refusal, code: String) {
    #expect(refusal.reason.rawValue == code)
  }
}
