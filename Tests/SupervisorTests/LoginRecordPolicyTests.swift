import System
import Testing

@testable import Supervisor

@Suite struct LoginRecordPolicyTests {
  @Test(arguments: [
    (TerminalOwner.user(1000), LoginRecordPolicy.Decision.record), (.user(1001), .refuse), (.user(0), .refuse),
    (.notTerminal, .refuse), (.nobody, .leaveOut(why: "is gone already")),
  ])
  func `only a terminal of the login's user is entered, and its end once`(
    owner: TerminalOwner, decision: LoginRecordPolicy.Decision
  ) {
    var policy = LoginRecordPolicy()
    #expect(policy.begins("pts/3", uid: 1000, owner: owner, isTaken: false, at: 0) == decision)
    #expect(policy.ends("pts/3") == (decision == .record))
    #expect(policy.ends("pts/3") == false)
    #expect(policy.ends("pts/4") == false)
  }

  @Test func `logins above the rate are not entered, and neither are their ends`() {
    var policy = LoginRecordPolicy()
    for number in 0..<200 {
      #expect(policy.begins("pts/\(number)", uid: 1, owner: .user(1), isTaken: false, at: 0) == .record)
      #expect(policy.ends("pts/\(number)") == true)
    }
    let late = LoginRecordPolicy.Decision.leaveOut(why: "comes after too many others")
    #expect(policy.begins("pts/1", uid: 1, owner: .user(1), isTaken: false, at: 49) == late)
    #expect(policy.ends("pts/1") == false)
    // A violation is refused nevertheless.
    #expect(policy.begins("pts/1", uid: 1, owner: .user(2), isTaken: false, at: 49) == .refuse)
    #expect(policy.begins("pts/1", uid: 1, owner: .user(1), isTaken: false, at: 50) == .record)
    #expect(policy.begins("pts/2", uid: 1, owner: .user(1), isTaken: false, at: 50) == late)
    #expect(policy.ends("pts/1") == true)
  }

  @Test func `a terminal of another connection is not entered and remains that connection's`() {
    var policy = LoginRecordPolicy()
    let taken = LoginRecordPolicy.Decision.leaveOut(why: "is another login's")
    #expect(policy.begins("pts/3", uid: 1, owner: .user(1), isTaken: true, at: 0) == taken)
    #expect(!policy.has("pts/3"))
    #expect(policy.ends("pts/3") == false)
    // A terminal of another user is refused nevertheless.
    #expect(policy.begins("pts/3", uid: 1, owner: .user(2), isTaken: true, at: 0) == .refuse)
    #expect(policy.begins("pts/3", uid: 1, owner: .user(1), isTaken: false, at: 0) == .record)
    #expect(policy.has("pts/3"))
  }
}
