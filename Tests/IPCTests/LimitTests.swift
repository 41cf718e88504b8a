import Audit
import System
import Testing
import Wire

@testable import IPC

@Suite struct LimitTests {
  @Test(arguments: Samples.limits) func `the limit of each field is exact`(
    _ limit: LimitSample
  ) {
    #expect(limit.error() == limit.expected)
  }

  @Test func `a field without a limit of its own is limited by the message`() {
    #expect(messageSize == MessageSocket.limit)
  }

  @Test func `a message has at most 16 host keys and 16 sockets`() {
    for count: UInt32 in [0, 16, 17, .max] {
      let wanted: WireError? = count > 16 ? .malformed : nil
      #expect(readingError(AuthorityStart(hostKeyCount: count, singleUser: nil)) == wanted)
      for (keys, sockets) in [(count, 0), (0, count)] {
        let loaded = LoadedConfiguration(
          warnings: [], hostKeyCount: keys, listenerCount: sockets, serviceAccounts: nil)
        #expect(readingError(loaded) == wanted)
      }
    }
  }

  @Test func `an unknown reason is malformed`() {
    #expect(readingError(Verdict(outcome: .rejected, reason: "no_such_reason")) == .malformed)
    for reason in ProofRefusal.allCases { #expect(readingError(Verdict.rejected(reason)) == nil) }
  }

  @Test func `no service account is root`() {
    #expect(readingError(ServiceAccount(uid: 1, gid: 1)) == nil)
    #expect(readingError(ServiceAccount(uid: 0, gid: 1)) == .malformed)
    #expect(readingError(ServiceAccount(uid: 1, gid: 0)) == .malformed)
  }

  @Test func `a false count is refused before memory is allocated`() {
    for count: UInt32 in [1000, 16_384, 0x7fff_ffff, .max] {
      var writer = WireWriter()
      writer.byte(1)
      writer.uint32(count)
      for bytes in [writer.bytes, writer.bytes + [UInt8](repeating: 97, count: 64)] {
        #expect(readingError(SessionToSupervisor.self, bytes[...]) == .tooLong)
        #expect(readingError(AuthorityToSupervisor.self, bytes[...]) == .tooLong)
        #expect(readingError(ZygoteToSupervisor.self, bytes[...]) == .tooLong)
        #expect(readingError(SupervisorToSession.self, bytes[...]) == .tooLong)
      }
    }
  }
}
