import Configuration
import Testing

@Suite struct SuggestionTests {
  private let words = ["port", "timeout", "ban_time", "max_connections"]

  @Test(arguments: [
    ("prot", "port"), ("por", "port"), ("ports", "port"), ("bort", "port"), ("ban_tiem", "ban_time"),
    ("max_conections", "max_connections"), ("maxconnections", "max_connections"),
  ])
  func `a misspelled name gets a suggestion`(word: String, meant: String) {
    #expect(closest(to: word, among: words) == meant)
  }

  @Test(arguments: ["", "x", "zzzz", "banner", String(repeating: "p", count: 100_000)])
  func `a name that resembles none gets no suggestion`(word: String) {
    #expect(closest(to: word, among: words) == nil)
  }

  @Test func `the closest name is suggested`() {
    #expect(closest(to: "macs", among: ["max", "mac", "kex"]) == "mac")
  }
}
