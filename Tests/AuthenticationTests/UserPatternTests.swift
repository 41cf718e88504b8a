import AccessControl
import Authentication
import Testing

@Suite struct UserPatternTests {
  @Test(arguments: [
    ("anna", "anna", "192.0.2.7", true), ("anna", "Anna", "192.0.2.7", false), ("an*", "anna", "192.0.2.7", true),
    ("*", "a/b", "192.0.2.7", true), ("anna@192.0.2.0/24", "anna", "192.0.2.7", true),
    ("anna@192.0.2.0/24", "anna", "198.51.100.7", false), ("anna@192.0.2.0/24", "bert", "192.0.2.7", false),
    ("anna@192.0.2.7", "anna", "192.0.2.7", true), ("*@2001:db8::/32", "anna", "2001:db8::1", true),
    ("*@2001:db8::/32", "anna", "192.0.2.7", false), ("anna@example.org", "anna@example.org", "192.0.2.7", true),
    ("anna@example.org", "anna", "192.0.2.7", false), ("*@example.org", "anna@example.org", "192.0.2.7", true),
    ("anna@example.org@192.0.2.7", "anna@example.org", "192.0.2.7", true),
    ("anna@example.org@192.0.2.7", "anna@example.org", "192.0.2.8", false), ("EX\\anna", "EX\\anna", "::1", true),
  ])
  func `a pattern matches users and their addresses`(
    text: String, user: String, address: String, matches: Bool
  ) throws {
    let pattern = try UserPattern(text)
    #expect(pattern.matches(user, from: try #require(IPAddress(address))) == matches)
    #expect(pattern.description == text)
  }

  @Test(arguments: [
    ("anna@192.0.2.0/33", UserPatternError.address(.badPrefixLength(limit: 32))),
    ("anna@192.0.2", .address(.notAnAddress)), ("anna@", .address(.notAnAddress)),
    ("anna@192.0.2.*", .address(.notAnAddress)), ("anna@*.example.org", .address(.notAnAddress)),
    ("anna@host/24", .address(.notAnAddress)), ("anna@fe80::1%eth0", .address(.notAnAddress)),
    ("@192.0.2.7", .name), ("", .name), ("a\nb", .name), (String(repeating: "a", count: 257), .name),
    ("!anna", .negated),
  ])
  func `ambiguous patterns are refused`(text: String, error: UserPatternError) {
    #expect(throws: error) { try UserPattern(text) }
  }
}
