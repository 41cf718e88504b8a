import Filter
import Testing

@Suite struct CommandPatternTests {
  private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test(arguments: [
    ("uptime", "uptime", true), ("uptime", "uptime ", false), ("uptime", " uptime", false), ("uptime", "uptim", false),
    ("uptime", "", false), ("uptime", "UPTIME", false), ("git-*-pack *", "git-upload-pack /srv/a.git", true),
    ("git-*-pack '*'", "git-upload-pack '/srv/a.git'", true), ("rsync --server *", "rsync --server", false),
    ("rsync --server *", "rsync --server ", true), ("*", "", true), ("*", "any thing /at=all", true),
    ("a**b", "ab", true), ("a*b*c", "axxbxbc", true), ("a*b*c", "axxbxb", false), ("a?c", "abc", true),
    ("a?c", "ac", false), ("a?c", "abbc", false), ("a\\*c", "a*c", true), ("a\\*c", "abc", false),
    ("a\\\\c", "a\\c", true), ("a\\bc", "abc", true), ("[ab]", "[ab]", true), ("[ab]", "a", false),
    ("cat /v/*", "cat /v/ä ö", true), ("x;*", "x;id", true), ("echo $HOME*", "echo $HOME/a", true),
  ])
  func `a pattern matches whole lines`(pattern: String, line: String, fits: Bool) throws {
    let pattern = try CommandPattern(pattern)
    #expect(pattern.allows(Self.bytes(line)) == fits)
    #expect(pattern.forbids(Self.bytes(line)) == fits)
  }

  /// Every byte that a shell may interpret.
  static let special: [UInt8] =
    Array(";&|<>()$`\\\"'{}[]*?!#^\u{7f}".utf8) + Array(0..<0x20)

  @Test(arguments: special) func `wildcards of an allowing pattern match no byte that a shell interprets`(
    byte: UInt8
  ) throws {
    for (pattern, line) in [
      ("a*", [0x61, byte]), ("a*", [0x61, byte, 0x62]), ("a?", [0x61, byte]), ("a*b", [0x61, 0x20, byte, 0x20, 0x62]),
      ("*", [byte]), ("a **", [0x61, 0x20, byte]),
    ] as [(String, [UInt8])] {
      #expect(try !CommandPattern(pattern).allows(line))
      // Wildcards of a forbidding pattern match every byte.
      #expect(try CommandPattern(pattern).forbids(line))
    }
  }

  @Test func `a literal byte that a shell interprets is allowed`() throws {
    for byte in Self.special where byte != 0 {
      let letter = Character(UnicodeScalar(byte))
      let pattern = try CommandPattern("a \("\\*?".contains(letter) ? "\\" : "")\(letter) *")
      #expect(pattern.allows([0x61, 0x20, byte, 0x20, 0x62]))
    }
  }

  @Test(arguments: ["", "a\\", "\0", String(repeating: "a", count: 1025)])
  func `an invalid pattern is rejected`(text: String) {
    #expect(throws: GlobError.self) { try CommandPattern(text) }
  }

  @Test(arguments: [("*", true), ("?x", true), ("x*", false), ("\\*x", false)])
  func `a pattern that begins with a wildcard allows any program`(pattern: String, isSo: Bool) throws {
    #expect(try CommandPattern(pattern).isForAnyProgram == isSo)
  }

  /// The definition, slow and simple.
  private static func fits(_ pattern: ArraySlice<Character>, _ line: ArraySlice<Character>) -> Bool {
    guard let first = pattern.first else { return line.isEmpty }
    let rest = pattern.dropFirst()
    switch first {
    case "*":
      return (0...line.count).contains { count in
        line.prefix(count).allSatisfy { $0 != ";" } && fits(rest, line.dropFirst(count))
      }
    case "?": return line.first.map { $0 != ";" && fits(rest, line.dropFirst()) } ?? false
    default: return line.first == first && fits(rest, line.dropFirst())
    }
  }

  /// All words of at most `length` of these letters.
  private static func words(_ letters: String, upTo length: Int) -> [String] {
    var all = [""]
    var last = [""]
    for _ in 0..<length {
      last = last.flatMap { word in letters.map { word + String($0) } }
      all += last
    }
    return all
  }

  @Test func `matching agrees with the definition for all short patterns and lines`() throws {
    let lines = Self.words("ab;", upTo: 4)
    for text in Self.words("ab*?;", upTo: 4) where !text.isEmpty {
      let pattern = try CommandPattern(text)
      for line in lines {
        let expected = Self.fits(Array(text)[...], Array(line)[...])
        if pattern.allows(Self.bytes(line)) != expected { Issue.record("\(text) \(line)") }
      }
    }
  }
}
