import Configuration
import Testing

@Suite struct SuggestionTests {
  private let words = ["port", "timeout", "ban_time", "max_connections"]

  @Test(arguments: [
    ("prot", "port"), ("por", "port"), ("ports", "port"), ("bort", "port"), ("ban_tiem", "ban_time"),
    ("max_conections", "max_connections"), ("maxconnections", "max_connections"),
  ])
  func `a slip is recognised`(word: String, meant: String) {
    #expect(closest(to: word, among: words) == meant)
  }

  @Test(arguments: ["", "x", "zzzz", "banner", String(repeating: "p", count: 100_000)])
  func `what is like nothing gets no suggestion`(word: String) {
    #expect(closest(to: word, among: words) == nil)
  }

  @Test func `the closest wins`() {
    #expect(closest(to: "macs", among: ["max", "mac", "kex"]) == "mac")
  }
}
