import Testing

@testable import Filter

private func fits(_ pattern: String, _ path: String) throws -> Bool {
  try Glob(pattern).matches(path: Array(path.utf8))
}

@Suite struct GlobTests {
  @Test(
    arguments: [
      ("*.key", "/a.key"), ("*.key", "/etc/ssl/private.key"), ("*.key", "/.key"), ("*", "/"), ("*", "/a/b"),
      ("a?c", "/x/abc"), ("[a-c]x", "/bx"), ("[!a-c]x", "/dx"), ("[^a-c]x", "/dx"), ("[]a]", "/]"), ("[!]]", "/a"),
      ("[a-]", "/-"), ("[-a]", "/-"), ("[\\]]", "/]"), ("[a\\-c]", "/-"), ("{a,b}", "/b"), ("{a,b}c", "/ac"),
      ("{a,{b,c}d}e", "/cde"), ("{,a}b", "/b"), ("{a}", "/a"), ("x{a,b*}y", "/xbbby"), ("a}", "/a}"), ("a,b", "/a,b"),
      ("\\*", "/*"), ("\\{a,b\\}", "/{a,b}"), ("\\\\", "/\\"), ("**", "/a/b"), ("**.c", "/x/a.c"),
      ("/a/*", "/a/b"), ("/a/*/c", "/a/b/c"), ("/a/**", "/a/b/c"), ("/a/**/c", "/a/c"), ("/a/**/c", "/a/x/y/c"),
      ("**/c", "/c"), ("**/c", "/a/b/c"), ("/**", "/a"), ("/**/x/**", "/a/x/b"), ("a/b", "/a/b"), ("a/*", "/a/b"),
      ("{/a,b}/c", "/a/c"), ("{/a,b}/c", "/b/c"), ("{**/a,b}", "/x/y/a"), ("{a/,b}c", "/a/c"), ("{a/,b/}**/c", "/b/c"),
      ("/a**b", "/a/x/b"), ("***", "/x"), ("/a/", "/a/"), ("/a***/c", "/ab/x/c"), ("?*", "/a"),
    ] as [(String, String)])
  func `a pattern matches`(pattern: String, path: String) throws {
    #expect(try fits(pattern, path))
  }

  @Test(
    arguments: [
      ("*.key", "/a.keys"), ("*.key", "/a.key/b"), ("*.KEY", "/a.key"), ("a", "/a/b"), ("a", "/ab"), ("?", "/"),
      ("a?c", "/ac"), ("[a-c]x", "/dx"), ("[!a-c]x", "/ax"), ("[!a]x", "/x"), ("[!a]", "/"), ("{a,b}", "/c"),
      ("{a,b}", "/"), ("{a,b}", "/ab"), ("{,a}b", "/c"), ("\\*", "/x"), ("/a/*", "/a/b/c"), ("/a/*/c", "/a/c"),
      ("/a/*/c", "/a/b/d/c"), ("/a/**", "/a"), ("/a/**", "/ab"), ("/a/**/c", "/a/xc"), ("/a/**/c", "/b/a/c"),
      ("**/c", "/xc"), ("a/b", "/x/a/b"), ("/a?b", "/a/b"), ("/a[/]b", "/a/b"), ("/a[!x]b", "/a/b"),
      ("{/a,b}/c", "/c"), ("{a/,b}**/c", "/bxc"), ("/a/", "/a"), ("name", "/"),
    ] as [(String, String)])
  func `a pattern does not match`(pattern: String, path: String) throws {
    #expect(try !fits(pattern, path))
  }

  @Test(
    arguments: [
      ("", "the pattern is empty"), ("[", "'[' without ']'"), ("[a", "'[' without ']'"), ("[]", "'[' without ']'"),
      ("[\\", "'[' without ']'"), ("[a-\\", "'[' without ']'"), ("[!", "'[' without ']'"),
      ("{", "'{' without '}'"), ("{a,b", "'{' without '}'"), ("{{a}", "'{' without '}'"),
      ("a\\", "'\\' at the end quotes no byte; write '\\\\'"),
      ("[z-a]", "a range in '[…]' is reversed; write the lower end first"),
      ("a\0", "the pattern contains a NUL byte"),
      (String(repeating: "a", count: 1025), "the pattern is longer than 1024 bytes"),
      (String(repeating: "{", count: 17), "braces are nested more than 16 deep"),
    ] as [(String, String)])
  func `an invalid pattern is rejected with the reason`(pattern: String, reason: String) {
    #expect(throws: GlobError(description: reason)) { try Glob(pattern) }
  }

  @Test func `patterns at the limits are valid`() throws {
    #expect(try fits(String(repeating: "a", count: 1024), "/" + String(repeating: "a", count: 1024)))
    let deep = String(repeating: "{", count: 16) + "a" + String(repeating: "}", count: 16)
    #expect(try fits(deep, "/a"))
  }

  @Test func `names are compared as bytes, not as characters`() throws {
    #expect(try Glob("a?b*").matches(path: [0x2f, 0x61, 0xff, 0x62, 0xfe, 0x0a]))
    #expect(try Glob("é*").matches(path: [0x2f, 0xc3, 0xa9, 0x80]))
    #expect(try !Glob("é").matches(path: [0x2f, 0x65, 0xcc, 0x81]))
  }

  /// Backtracking would take exponential time.
  @Test(arguments: ["*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}{a,a}*{a,aa}*{a,aa}*b"])
  func `no name makes matching slow`(pattern: String) throws {
    let repeated = String(repeating: pattern, count: 1024 / pattern.utf8.count)
    #expect(try !fits(repeated, "/" + String(repeating: "a", count: 4095)))
  }
}
