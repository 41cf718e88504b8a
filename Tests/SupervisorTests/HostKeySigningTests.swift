import Configuration
import IPC
import Testing

@testable import Supervisor

@Suite struct HostKeySigningTests {
  private static let context = Scenario.context(Settings())
  private static let hash = [UInt8](repeating: 7, count: 32)

  private func sign(
    _ signing: inout HostKeySigning, _ hash: [UInt8] = hash, algorithm: String = "ssh-ed25519", isFirst: Bool = false,
    at now: Int64 = 0
  ) throws(ProtocolViolation) -> [ConnectionMachine.Action] {
    try signing.sign(
      hostKey: Scenario.hostKey, algorithm: algorithm, hash: hash, isFirst: isFirst, Self.context, at: now)
  }

  @Test func `the session identifier and the algorithm are those of the first request`()
    throws
  {
    var signing = HostKeySigning()
    #expect(signing.sessionID == nil)
    _ = try sign(&signing, isFirst: true)
    #expect(signing.sessionID == Self.hash && !signing.isSigned)
    #expect(signing.signed([4]) == [.send(.signature([4]))])
    #expect(signing.isSigned)
    _ = try sign(&signing, .init(repeating: 9, count: 64), algorithm: "rsa-sha2-512")
    #expect(signing.sessionID == Self.hash && signing.algorithm == "ssh-ed25519")
  }

  @Test func `a refused request sets no session identifier`() {
    var signing = HostKeySigning()
    #expect(throws: ProtocolViolation("asked to sign 31 bytes")) {
      try sign(&signing, .init(repeating: 1, count: 31), isFirst: true)
    }
    #expect(throws: ProtocolViolation("asked for a signature with an algorithm that is not configured")) {
      try sign(&signing, algorithm: "ssh-rsa", isFirst: true)
    }
    #expect(signing.sessionID == nil)
  }

  @Test func `the first key exchange has one signature even if it failed`() throws {
    var signing = HostKeySigning()
    _ = try sign(&signing, isFirst: true)
    #expect(signing.signed(nil) == [.log(.error, "no authority signed the key exchange"), .send(.signature(nil))])
    #expect(!signing.isSigned)
    #expect(throws: ProtocolViolation("asked for a second signature")) { try sign(&signing, isFirst: true) }
  }

  @Test func `a delayed request is sent once by the timer, and another one before is a violation`() throws {
    var signing = HostKeySigning()
    for _ in 0..<100 {
      _ = try sign(&signing)
      _ = signing.signed([4])
    }
    #expect(try sign(&signing) == [.setTimer(.signature, milliseconds: 100)])
    #expect(signing.signed([4]) == [])
    #expect(throws: ProtocolViolation("asked for a signature before the answer to the last")) { try sign(&signing) }
    // The timer may be early.
    #expect(signing.delayExpired(at: 40) == [.setTimer(.signature, milliseconds: 60)])
    #expect(
      signing.delayExpired(at: 100) == [
        .ask(.sign(hostKey: Scenario.hostKey, algorithm: "ssh-ed25519", hash: Self.hash))
      ])
    #expect(signing.delayExpired(at: 200) == [])
    #expect(signing.signed([4]) == [.send(.signature([4]))])
  }

  @Test func `unexpected replies are ignored`() {
    var signing = HostKeySigning()
    #expect(signing.signed([4]) == [] && signing.proved([5]) == [] && signing.delayExpired(at: 0) == [])
    #expect(!signing.isSigned)
  }

  @Test func `there are no proofs without a session identifier`() throws {
    var signing = HostKeySigning()
    #expect(try signing.prove([0, 0, 0, 1, 1], of: [[1]]) == [.send(.hostKeyProofs(nil))])
  }
}
