import Testing

@testable import Authentication

@Suite struct TrustedAuthoritiesTests {
  @Test func `CA keys are read between comments`() throws {
    let text = "# CAs\n\n\(Keys.ed25519.text) one\n  \(Keys.rsa.text)\n"
    #expect(try TrustedAuthorities(Array(text.utf8)).keys == [Keys.ed25519, Keys.rsa])
    #expect(try TrustedAuthorities([]).keys.isEmpty)
  }

  @Test(arguments: [
    ("nonsense", "option 1 of the line is unknown"), ("ssh-dss AAAA", "keys of type ssh-dss are not accepted"),
    (Keys.rsa(bits: 1024).text, "the RSA key has 1024 bits; at least 2048 are required"),
    (
      "cert-authority \(Keys.rsa.text)",
      "options are not allowed here: certificates contain their permissions"
    ),
  ])
  func `one faulty line invalidates the file`(line: String, reason: String) {
    #expect(throws: TrustedAuthorities.ParseError(line: 2, reason: reason)) {
      try TrustedAuthorities(Array("\(Keys.ed25519.text)\n\(line)\n\(Keys.ed25519.text)\n".utf8))
    }
  }
}
