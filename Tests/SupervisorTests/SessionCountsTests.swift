import Testing

@testable import Supervisor

@Suite struct SessionCountsTests {
  @Test func `a user has as many logins as the limit says, and then one more for each that ends`() {
    var counts = SessionCounts()
    var entered = (0..<3).map { _ in counts.enter("bob", limit: 2) }
    #expect(entered == [true, true, false] && counts.count(of: "bob") == 2)
    counts.leave("bob")
    entered = (0..<2).map { _ in counts.enter("bob", limit: 2) }
    #expect(entered == [true, false])
  }

  @Test func `nobody's logins count against another's`() {
    var counts = SessionCounts()
    // One letter, in two ways of writing it.
    let names = ["bob", "Bob", "bob ", "b\u{f6}b", "bo\u{308}b", "bob"]
    let entered = names.map { counts.enter($0, limit: 1) }
    #expect(entered == [true, true, true, true, true, false])
  }

  @Test func `a limit that was lowered holds for the next login`() {
    var counts = SessionCounts()
    for _ in 0..<3 { _ = counts.enter("bob", limit: 3) }
    counts.leave("bob")
    let entered = [counts.enter("bob", limit: 2), counts.enter("bob", limit: 3)]
    #expect(entered == [false, true])
  }

  @Test func `nothing is kept of a user whose logins have ended, and no count goes below zero`() {
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
