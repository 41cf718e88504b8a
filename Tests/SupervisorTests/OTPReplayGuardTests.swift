import Audit
import IPC
import Testing

@testable import Supervisor

@Suite struct OTPReplayGuardTests {
  private static func rejected(_ reason: Reason) -> Verdict { Verdict(outcome: .rejected, reason: reason) }
  private static let accepted = Verdict(outcome: .accepted)

  @Test func `a code is accepted once`() {
    var replays = OTPReplayGuard()
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 0) == Self.accepted)
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 1) == Self.rejected("code_used_before"))
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 1 << 40) == Self.rejected("code_used_before"))
  }

  @Test func `an accepted code invalidates earlier codes but no later ones`() {
    var replays = OTPReplayGuard()
    _ = replays.verdict(on: .right(step: 7), of: "anna", at: 0)
    #expect(replays.verdict(on: .right(step: 6), of: "anna", at: 0) == Self.rejected("code_used_before"))
    #expect(replays.verdict(on: .right(step: 8), of: "anna", at: 0) == Self.accepted)
    #expect(replays.verdict(on: .right(step: .max), of: "anna", at: 0) == Self.accepted)
  }

  @Test func `user names are compared by bytes`() {
    var replays = OTPReplayGuard()
    for name in ["anna", "Anna", "ren\u{e9}", "rene\u{301}", ""] {
      #expect(replays.verdict(on: .right(step: 7), of: name, at: 0) == Self.accepted)
    }
    #expect(replays.count == 5)
  }

  @Test func `after ten wrong codes the right one is refused until time has passed`() {
    var replays = OTPReplayGuard()
    for _ in 0..<10 { #expect(replays.verdict(on: .wrong, of: "anna", at: 0) == Self.rejected("wrong_code")) }
    #expect(replays.verdict(on: .wrong, of: "anna", at: 0) == Self.rejected("wrong_code"))
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 119_999) == Self.rejected("too_many_wrong_codes"))
    // Other users are not affected.
    #expect(replays.verdict(on: .right(step: 7), of: "bert", at: 119_999) == Self.accepted)
    // A refused code is not used up.
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 120_000) == Self.accepted)
  }

  @Test func `right codes do not reset the count of wrong ones and are not counted`() {
    var replays = OTPReplayGuard()
    for step in 0..<20 { #expect(replays.verdict(on: .right(step: UInt64(step)), of: "anna", at: 0) == Self.accepted) }
    for _ in 0..<9 { _ = replays.verdict(on: .wrong, of: "anna", at: 0) }
    #expect(replays.verdict(on: .right(step: 100), of: "anna", at: 0) == Self.accepted)
    _ = replays.verdict(on: .wrong, of: "anna", at: 0)
    #expect(replays.verdict(on: .right(step: 101), of: "anna", at: 0) == Self.rejected("too_many_wrong_codes"))
  }

  @Test func `further guesses do not extend the refusal`() {
    var replays = OTPReplayGuard()
    for now in 0..<100 { _ = replays.verdict(on: .wrong, of: "anna", at: Int64(now)) }
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 110_000) == Self.rejected("too_many_wrong_codes"))
    #expect(replays.verdict(on: .right(step: 7), of: "anna", at: 120_009) == Self.accepted)
    // On average, one guess per interval.
    var guesses = 0
    for minute in 0..<1000 {
      let now = 200_000 + Int64(minute) * 60_000
      if replays.verdict(on: .right(step: UInt64(100 + minute)), of: "anna", at: now) == Self.accepted { guesses += 1 }
      _ = replays.verdict(on: .wrong, of: "anna", at: now)
    }
    #expect((495...515).contains(guesses))
  }

  @Test func `names without a secret are refused and have no entry`() {
    var replays = OTPReplayGuard()
    for number in 0..<1000 {
      #expect(replays.verdict(on: .noSecret, of: "u\(number)", at: 0) == Self.rejected("no_totp_secret"))
    }
    #expect(replays.count == 0)
  }

  @Test func `memory is bounded, and the entry with the oldest code is removed first`() {
    var replays = OTPReplayGuard()
    for number in 0..<OTPReplayGuard.userLimit {
      _ = replays.verdict(on: .right(step: UInt64(number + 1)), of: "u\(number)", at: 0)
    }
    _ = replays.verdict(on: .right(step: 1_000_000), of: "one more", at: 0)
    #expect(replays.count == OTPReplayGuard.userLimit)
    #expect(replays.verdict(on: .right(step: 2), of: "u1", at: 0) == Self.rejected("code_used_before"))
    #expect(replays.verdict(on: .right(step: 1), of: "u0", at: 0) == Self.accepted)
  }

  @Test func `no time step of a user is accepted twice or after a later one`() {
    var random = SystemRandomNumberGenerator()
    var replays = OTPReplayGuard()
    var last: [String: UInt64] = [:]
    var now: Int64 = 0
    for _ in 0..<20_000 {
      now += Int64.random(in: 0...60_000, using: &random)
      let name = ["a", "b", "c"].randomElement(using: &random) ?? "a"
      let step = UInt64(now / 30_000) + UInt64.random(in: 0...2, using: &random)
      let answers: [CodeVerdict] = [.right(step: step), .right(step: step), .wrong, .noSecret]
      let answer = answers.randomElement(using: &random) ?? .wrong
      guard replays.verdict(on: answer, of: name, at: now).outcome == .accepted else { continue }
      #expect(answer == .right(step: step))
      #expect(last[name].map { $0 < step } ?? true)
      last[name] = step
    }
    #expect(last.count == 3)
  }
}
