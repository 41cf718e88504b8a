import System
import Testing

@testable import Supervisor

@Suite struct TerminalBookTests {
  @Test(arguments: [
    (TerminalOwner.user(1000), TerminalBook.Decision.record), (.user(1001), .refuse), (.user(0), .refuse),
    (.notTerminal, .refuse), (.nobody, .leaveOut(why: "is gone already")),
  ])
  func `only a terminal of the login's user is recorded, and its end once`(
    owner: TerminalOwner, decision: TerminalBook.Decision
  ) {
    var book = TerminalBook()
    #expect(book.begins("pts/3", uid: 1000, owner: owner, isTaken: false, at: 0) == decision)
    #expect(book.ends("pts/3") == (decision == .record))
    #expect(book.ends("pts/3") == false)
    #expect(book.ends("pts/4") == false)
  }

  @Test func `a loop of logins is left out, and so are their ends, until it pauses`() {
    var book = TerminalBook()
    for number in 0..<200 {
      #expect(book.begins("pts/\(number)", uid: 1, owner: .user(1), isTaken: false, at: 0) == .record)
      #expect(book.ends("pts/\(number)") == true)
    }
    let late = TerminalBook.Decision.leaveOut(why: "comes after too many others")
    #expect(book.begins("pts/1", uid: 1, owner: .user(1), isTaken: false, at: 49) == late)
    #expect(book.ends("pts/1") == false)
    // Whoever lies is not let off for that.
    #expect(book.begins("pts/1", uid: 1, owner: .user(2), isTaken: false, at: 49) == .refuse)
    #expect(book.begins("pts/1", uid: 1, owner: .user(1), isTaken: false, at: 50) == .record)
    #expect(book.begins("pts/2", uid: 1, owner: .user(1), isTaken: false, at: 50) == late)
    #expect(book.ends("pts/1") == true)
  }

  @Test func `a terminal that another connection has is left out, and stays that one's`() {
    var book = TerminalBook()
    let taken = TerminalBook.Decision.leaveOut(why: "is another login's")
    #expect(book.begins("pts/3", uid: 1, owner: .user(1), isTaken: true, at: 0) == taken)
    #expect(!book.has("pts/3"))
    #expect(book.ends("pts/3") == false)
    // Whoever names another user's is not let off for that.
    #expect(book.begins("pts/3", uid: 1, owner: .user(2), isTaken: true, at: 0) == .refuse)
    #expect(book.begins("pts/3", uid: 1, owner: .user(1), isTaken: false, at: 0) == .record)
    #expect(book.has("pts/3"))
  }
}
