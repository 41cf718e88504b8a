import IPC
import Model
import Testing
import Wire

/// For setresuid(2), 4294967295 means "unchanged", so no account may have this number.
@Suite struct AccountNumberTests {
  private static let none = UInt32.max

  private func account(uid: UInt32 = 1, gid: UInt32 = 1, groups: [UInt32] = []) -> Account {
    Account(name: "anna", uid: uid, gid: gid, groups: groups, home: "/", shell: "/bin/sh")
  }

  private func isRefused<Message: WireCodable>(_ message: Message) -> Bool {
    readingError(message) == .malformed
  }

  @Test func `no account has the number 4294967295`() {
    #expect(isRefused(account(uid: Self.none)))
    #expect(isRefused(account(gid: Self.none)))
    #expect(isRefused(account(groups: [1, Self.none])))
    #expect(!isRefused(account(uid: Self.none - 1, gid: Self.none - 1, groups: [Self.none - 1])))
  }

  @Test func `no process is created with it`() {
    #expect(isRefused(ForkIdentity(uid: Self.none, gid: 1, groups: [])))
    #expect(isRefused(ForkIdentity(uid: 1, gid: Self.none, groups: [])))
    #expect(isRefused(ForkIdentity(uid: 1, gid: 1, groups: [Self.none])))
    #expect(!isRefused(ForkIdentity(uid: 1, gid: 1, groups: [2])))
    #expect(isRefused(AuthorityStart(hostKeyCount: 0, singleUser: Self.none)))
  }

  @Test func `no service account has it`() {
    #expect(isRefused(ServiceAccount(uid: Self.none, gid: 1)))
    #expect(isRefused(ServiceAccount(uid: 1, gid: Self.none)))
    let service = ServiceAccount(uid: 1, gid: 2)
    var accounts = ServiceAccounts(transport: service, authority: service, audit: service)
    accounts.loginRecords = Self.none
    #expect(isRefused(accounts))
    #expect(isRefused(LoginEntry(.began, user: "", uid: Self.none, terminal: "", process: 1, address: "")))
  }
}
