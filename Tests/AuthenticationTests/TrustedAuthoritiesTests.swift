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
    (Keys.rsa(bits: 1024).text, "the RSA key has 1024 bits; 2048 are the least"),
    (
      "cert-authority \(Keys.rsa.text)",
      "options have no place here: a certificate says what it allows"
    ),
  ])
  func `one faulty line invalidates the file`(line: String, reason: String) {
    #expect(throws: TrustedAuthorities.Fault(line: 2, reason: reason)) {
      try TrustedAuthorities(Array("\(Keys.ed25519.text)\n\(line)\n\(Keys.ed25519.text)\n".utf8))
    }
  }
}
