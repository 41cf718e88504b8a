import AccessControl
import Testing

@testable import Authentication

@Suite struct SourcePatternsTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
    ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
    ("2001:db8::/32", "2001:db8:1::1", true), ("2001:db8::/32", "2001:db9::1", false),
    ("2001:DB8::1", "2001:db8::1", true), ("2001:db8:0:0:0::1", "2001:db8::1", true),
    ("192.0.2.*", "192.0.2.77", true), ("192.0.2.?", "192.0.2.7", true), ("192.0.2.?", "192.0.2.77", false),
    ("2001:db8:*", "2001:db8::9", true), ("2001:DB8:*", "2001:db8::9", true), ("*", "2001:db8::9", true),
    ("::ffff:192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "::ffff:192.0.2.1", true),
    ("10.0.0.0/8,192.0.2.1", "192.0.2.1", true), ("10.0.0.0/8,192.0.2.1", "10.9.9.9", true),
    // A negated pattern wins in any position, and alone matches nothing.
    ("!192.0.2.1,192.0.2.0/24", "192.0.2.1", false), ("192.0.2.0/24,!192.0.2.1", "192.0.2.1", false),
    ("192.0.2.0/24,!192.0.2.1", "192.0.2.2", true), ("!192.0.2.1", "192.0.2.2", false),
    ("!192.0.2.*,*", "192.0.2.9", false), ("*,!10.0.0.0/8", "192.0.2.9", true), ("!*,192.0.2.9", "192.0.2.9", false),
    // Addresses are not resolved to names.
    ("*.example.com", "192.0.2.1", false), ("localhost", "127.0.0.1", false), ("!*.example.com,*", "192.0.2.1", true),
    ("*.example.com,127.0.0.1", "127.0.0.1", true),
    // As in sshd, a range of one family does not match addresses of the other.
    ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "192.0.2.1", false),
  ])
  func `patterns match addresses`(patterns: String, address: String, isMatch: Bool) throws {
    let sources = try SourcePatterns(Array(patterns.utf8))
    #expect(sources.contains(try #require(IPAddress(address))) == isMatch)
  }

  @Test(arguments: [
    "", ",", "192.0.2.1,", ",192.0.2.1", "192.0.2.1,,192.0.2.2", "!", "*,!", "192.0.2.1/24", "10.0.0.0/33",
    "2001:db8::1/32", "::/129", "192.0.2.0/", "192.0.2.0/x", "host/24", "!192.0.2.1/24,*", "192.0.2.0/024",
  ])
  func `a malformed pattern is refused`(patterns: String) {
    #expect(throws: KeyOptionError.self) { try SourcePatterns(Array(patterns.utf8)) }
  }

  @Test func `bytes that are not text match nothing and never trap`() throws {
    let sources = try SourcePatterns([0xff, 0xfe, 0x2c, 0x80])
    #expect(!sources.contains(try #require(IPAddress("192.0.2.1"))))
  }
}
