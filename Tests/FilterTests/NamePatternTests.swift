import Filter
import Testing

@Suite struct NamePatternTests {
  @Test(arguments: [
    ("anna", "anna", true), ("anna", "Anna", false), ("anna", "ann", false), ("anna", "annaa", false),
    ("anna", "a*", true), ("anna", "*a", true), ("anna", "*", true), ("anna", "**", true), ("anna", "", false),
    ("", "", true), ("", "*", true), ("", "?", false), ("anna", "a??a", true), ("anna", "????", true),
    ("anna", "???", false), ("anna", "?????", false), ("aabab", "*ab", true), ("aabab", "*a?", true),
    ("a/b", "a*", true), ("EXAMPLE\\anna", "EXAMPLE\\anna", true), ("EXAMPLE\\anna", "*\\anna", true),
    ("[a]", "[a]", true), ("a", "[a]", false), ("a", "{a,b}", false), ("ren\u{e9}", "rene\u{301}", false),
  ])
  func `a pattern matches names byte by byte`(name: String, pattern: String, matches: Bool) {
    #expect(NamePattern(pattern).matches(name) == matches)
  }

  @Test func `matching agrees with the definition for all short names and patterns`() {
    /// The definition, slow and simple.
    func naive(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
      guard let first = pattern.first else { return name.isEmpty }
      if first == UInt8(ascii: "*") {
        return naive(pattern.dropFirst(), name) || (!name.isEmpty && naive(pattern, name.dropFirst()))
      }
      guard let byte = name.first, first == UInt8(ascii: "?") || first == byte else { return false }
      return naive(pattern.dropFirst(), name.dropFirst())
    }
    func words(_ letters: [String], upTo length: Int) -> [String] {
      var all = [""]
      var last = [""]
      for _ in 0..<length {
        last = last.flatMap { word in letters.map { word + $0 } }
        all += last
      }
      return all
    }
    for pattern in words(["a", "b", "*", "?"], upTo: 4) {
      for name in words(["a", "b"], upTo: 5) {
        let expected = naive(Array(pattern.utf8)[...], Array(name.utf8)[...])
        if NamePattern(pattern).matches(name) != expected { Issue.record("'\(pattern)' and '\(name)'") }
      }
    }
  }

  @Test func `only a pattern without wildcards is a name`() {
    #expect(NamePattern("anna").isName)
    #expect(!NamePattern("ann?").isName)
    #expect(!NamePattern("ann*").isName)
  }

  @Test(.timeLimit(.minutes(5))) func `a pattern with many stars is matched in time`() {
    let pattern = NamePattern(String(repeating: "a*", count: 500) + "b")
    #expect(!pattern.matches([UInt8](repeating: 0x61, count: 10_000)))
  }
}
