import Testing

@testable import Supervisor

@Suite struct SessionCountsTests {
  @Test func `the number of logins of a user is limited, and each end allows another one`() {
    var counts = SessionCounts()
    var entered = (0..<3).map { _ in counts.enter("bob", limit: 2) }
    #expect(entered == [true, true, false] && counts.count(of: "bob") == 2)
    counts.leave("bob")
    entered = (0..<2).map { _ in counts.enter("bob", limit: 2) }
    #expect(entered == [true, false])
  }

  @Test func `logins of users are counted separately`() {
    var counts = SessionCounts()
    // The same letter in two encodings.
    let names = ["bob", "Bob", "bob ", "b\u{f6}b", "bo\u{308}b", "bob"]
    let entered = names.map { counts.enter($0, limit: 1) }
    #expect(entered == [true, true, true, true, true, false])
  }

  @Test func `a lowered limit applies to the next login`() {
    var counts = SessionCounts()
    for _ in 0..<3 { _ = counts.enter("bob", limit: 3) }
    counts.leave("bob")
    let entered = [counts.enter("bob", limit: 2), counts.enter("bob", limit: 3)]
    #expect(entered == [false, true])
  }

  @Test func `users without logins have no entry, and counts are never negative`() {
    var counts = SessionCounts()
    for number in 0..<1000 {
      _ = counts.enter("user\(number)", limit: 1)
      counts.leave("user\(number)")
    }
    counts.leave("user0")
    counts.leave("stranger")
    #expect(counts == SessionCounts())
  }
}
