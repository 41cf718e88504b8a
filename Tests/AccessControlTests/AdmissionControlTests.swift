import AccessControl
import Testing

@Suite struct AdmissionControlTests {
  private static func address(_ text: String) -> IPAddress { IPAddress(text)! }

  private func control(_ change: (inout AdmissionControl.Rules) -> Void = { _ in }) throws -> AdmissionControl {
    var rules = AdmissionControl.Rules(
      gate: ConnectionGate(), whitelist: RangeTrie([try AddressRange("10.9.0.0/16")]),
      sources: SourceTable.Limits(
        rate: TokenBucket.Rate(perSecond: 1, burst: 1000), failures: 3, keyFailures: 4, window: 1000, banTime: 1000,
        banFactor: 2, maxBanTime: 10_000),
      starts: StartLimiter.Limits(total: 20, perSource: 5), connections: 50)
    change(&rules)
    return AdmissionControl(rules: rules)
  }

  /// The decision about a connection with this number; the caller expects no random drop unless `random` is given.
  private func verdict(
    _ control: inout AdmissionControl, _ address: String, number: UInt64 = 0, connections: Int = 0,
    random: Double = 0.999, at now: Int64 = 0
  ) -> StartLimiter.Verdict {
    control.admit(
      Self.address(address), number: number > 0 ? number : UInt64.random(in: 1_000_000...(.max)),
      connections: connections, random: random, at: now)
  }

  /// Why a connection is refused; nil if it is admitted.
  private func admit(_ control: inout AdmissionControl, _ address: String, connections: Int = 0) -> Refusal? {
    if case .refuse(let refusal) = verdict(&control, address, connections: connections) { refusal } else { nil }
  }

  private func ban(_ control: inout AdmissionControl, _ address: String) -> Ban? {
    var ban: Ban?
    for _ in 0..<3 { ban = control.handle(.failed, of: Self.address(address), at: 0) ?? ban }
    return ban
  }

  @Test func `refused keys are counted separately and never for the whitelist`() throws {
    var control = try control()
    for address in ["10.0.0.1", "10.9.0.1"] {
      for number in 1...4 {
        let ban = control.handle(.keysRefused, of: Self.address(address), at: 0)
        #expect((ban != nil) == (number == 4 && address == "10.0.0.1"))
      }
    }
  }

  @Test func `the gate is checked first and applies to the whitelist too`() throws {
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

  @Test func `a ban is checked before limits and a refused connection is not counted`() throws {
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

  @Test func `the whitelist is neither limited nor banned but its connections count`() throws {
    var control = try control { $0.sources.rate = TokenBucket.Rate(perSecond: 1, burst: 1) }
    for _ in 0..<40 { #expect(admit(&control, "10.9.1.1") == nil) }
    #expect(ban(&control, "10.9.1.1") == nil)
    #expect(control.handle(.crashed, of: Self.address("10.9.1.1"), at: 0) == nil)
    #expect(control.sourceCount == 0)
    #expect(admit(&control, "10.9.1.1", connections: 50) == .maxConnections)
    // There are 40 of at most 20 connections without a login, and none of them can be displaced.
    #expect(admit(&control, "192.0.2.1") == .tooManyUnauthenticated)
  }

  @Test func `whitelisted connections displace others and are never displaced`() throws {
    var control = try control { $0.connections = 4 }
    for number in 1...2 { #expect(verdict(&control, "10.9.1.1", number: UInt64(number)) == .start) }
    for number in 3...4 { #expect(verdict(&control, "192.0.2.\(number)", number: UInt64(number)) == .start) }
    #expect(verdict(&control, "10.9.1.1", number: 5, connections: 4) == .startInPlace(of: 3))
    // One connection is being closed.
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

  @Test func `a source displaces others five times, then once a minute, and again after a login`() throws {
    var control = try control { $0.starts = .init(total: 4, perSource: 2) }
    for number in 1...4 { #expect(verdict(&control, "192.0.\(number).1", number: UInt64(number)) == .start) }
    var number = UInt64(4)
    /// A connection arrives and displaces the oldest other one, which reconnects after both have ended.
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
    // Other sources are not affected.
    #expect(verdict(&control, "203.0.113.9", number: 1000, at: 60_001) != .refuse(.tooManyUnauthenticated))
    _ = control.handle(.loggedIn(failures: 0), of: Self.address("198.51.100.1"), at: 60_001)
    #expect((0..<9).count { _ in comeAndGo(at: 60_001) } == 5)
  }

  @Test func `a displaced source cannot displace others immediately`() throws {
    var control = try control { $0.starts = .init(total: 4, perSource: 2) }
    for number in 1...4 { #expect(verdict(&control, "192.0.\(number).1", number: UInt64(number)) == .start) }
    #expect(verdict(&control, "198.51.100.1", number: 5, at: 1000) == .startInPlace(of: 1))
    #expect(verdict(&control, "192.0.1.1", number: 6, at: 1000) == .refuse(.tooManyUnauthenticated))
    #expect(verdict(&control, "192.0.1.1", number: 6, at: 10_999) == .refuse(.tooManyUnauthenticated))
    // Nor if another source displaces one; but a free place is available to it.
    #expect(verdict(&control, "198.51.101.1", number: 7, at: 10_999) == .startInPlace(of: 2))
    #expect(verdict(&control, "192.0.1.1", number: 8, at: 11_000) == .startInPlace(of: 3))
    control.finishStart(4)
    #expect(verdict(&control, "192.0.2.1", number: 9, at: 11_000) == .start)
  }

  @Test func `a whitelisted address in a banned network is admitted`() throws {
    var control = try control { $0.whitelist = RangeTrie([AddressRange(Self.address("2001:db8::1"))]) }
    #expect(ban(&control, "2001:db8::2")?.source.description == "2001:db8::/64")
    #expect(admit(&control, "2001:db8::3") == .banned(milliseconds: 1000))
    #expect(admit(&control, "2001:db8::1") == nil)
    #expect(control.ban(of: Self.address("2001:db8::3"), at: 0) != nil)
    #expect(control.ban(of: Self.address("2001:db8::1"), at: 0) == nil)
  }

  @Test func `a crash counts as several failures`() throws {
    var control = try control { $0.sources.failures = 10 }
    #expect(control.handle(.crashed, of: Self.address("192.0.2.1"), at: 0)?.count == 1)
    control = try self.control { $0.sources.failures = 11 }
    #expect(control.handle(.crashed, of: Self.address("192.0.2.1"), at: 0) == nil)
    #expect(control.handle(.failed, of: Self.address("192.0.2.1"), at: 0)?.count == 1)
  }

  @Test func `a login cancels the stated number of failures and no ban`() throws {
    var control = try control()
    let client = Self.address("192.0.2.1")
    for _ in 0..<10 {
      for _ in 0..<2 { #expect(control.handle(.failed, of: client, at: 0) == nil) }
      #expect(control.handle(.loggedIn(failures: 2), of: client, at: 0) == nil)
    }
    #expect(ban(&control, "192.0.2.1") != nil)
    _ = control.handle(.loggedIn(failures: 9), of: client, at: 0)
    #expect(admit(&control, "192.0.2.1") == .banned(milliseconds: 1000))
  }

  @Test func `new rules apply at once and bans continue`() throws {
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
