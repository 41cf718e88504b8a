import Testing

@testable import Authentication

@Suite struct AuthorizedKeysTests {
  private func entries(_ text: String) -> [AuthorizedKeys.Entry] { Array(AuthorizedKeys(Array(text.utf8)[...])) }

  private func reasons(_ text: String) -> [String] {
    entries(text).compactMap {
      switch $0 {
      case .key: nil
      case .refused(let reason, let line): "\(line): \(reason)"
      }
    }
  }

  @Test func `keys of every type are found between blank lines and comments`() {
    let text = "\n# a comment\n   \n\t# another\n" + Keys.all.map { "\($0.text) me@host\n" }.joined()
    #expect(entries(text) == Keys.all.enumerated().map { .key($1, KeyOptions(), line: 5 + $0) })
  }

  @Test(arguments: ["", "\n", "\r\n", " comment with spaces", " \t ", "\tcomment\n", " from=\"x\" no option here\n"])
  func `a key may be followed by a comment, blanks, a line end or nothing`(ending: String) {
    #expect(entries(Keys.ed25519.text + ending) == [.key(Keys.ed25519, KeyOptions(), line: 1)])
    #expect(entries("  \t" + Keys.ed25519.text + ending) == [.key(Keys.ed25519, KeyOptions(), line: 1)])
  }

  @Test(arguments: [
    "no-pty", "restrict,command=\"/bin/true\"", "from=\"10.0.0.1,*a\"", "command=\"echo \\\"ssh-rsa AAAA\\\" x\"",
    "command=\"a\\\\ \"", "cert-authority", "COMMAND=\"x\",no-pty",
  ])
  func `a key may be preceded by options`(options: String) throws {
    var text = Array(options.utf8)[...]
    let expected = try KeyOptions(reading: &text)
    for blanks in [" ", "\t", "  \t "] {
      #expect(entries("\(options)\(blanks)\(Keys.ed25519.text) me\n") == [.key(Keys.ed25519, expected, line: 1)])
      #expect(entries("\t\(options)\(blanks)\(Keys.ed25519.text)\r\n") == [.key(Keys.ed25519, expected, line: 1)])
    }
  }

  @Test(arguments: [
    ("unknown-option", "option 1 of the line is unknown"),
    ("command=\"x\" ,no-pty", "no key follows the options"), ("no-pty restrict", "no key follows the options"),
    ("restrict,nosuch", "option 2 of the line is unknown"), ("command=\"x", "a quotation mark is not closed"),
  ])
  func `a line with an option that is not understood is refused as a whole`(options: String, reason: String) {
    #expect(reasons("\(options) \(Keys.ed25519.text)\n") == ["1: \(reason)"])
  }

  @Test func `a line with options but no key is refused`() {
    for text in ["no-pty", "no-pty ", "no-pty comment"] { #expect(reasons(text) == ["1: no key follows the options"]) }
  }

  @Test func `a certificate in place of a key is refused and the reason says what belongs there`() {
    #expect(
      reasons("ssh-ed25519-cert-v01@openssh.com AAAA\n")
        == ["1: a certificate; use its CA key with cert-authority instead"])
  }

  @Test func `a key inside an option's value is not taken for the line's key`() {
    for text in [
      "command=\"\(Keys.ed25519.text)\"", "command=\" \(Keys.ed25519.text)", "x=\"\\\" \(Keys.ed25519.text)",
    ] {
      #expect(entries(text).count == 1)
      #expect(reasons(text).count == 1)
    }
  }

  @Test func `each faulty line is refused with its number and later lines are still read`() {
    let rsa = Keys.rsa(bits: 1024)
    let text = """
      nonsense
      ssh-ed25519
      ssh-ed25519 AAAA
      ssh-rsa \(Keys.ed25519.text.split(separator: " ")[1])
      ssh-dss AAAAB3NzaC1kc3M=
      \(rsa.text)
      command="x
      \(Keys.ed25519.text)
      """
    #expect(
      reasons(text) == [
        "1: option 1 of the line is unknown", "2: not a key in the form 'type base64 comment'",
        "3: the key is truncated", "4: the type before the key differs from the type in it",
        "5: keys of type ssh-dss are not accepted", "6: the RSA key has 1024 bits; at least 2048 are required",
        "7: a quotation mark is not closed",
      ])
    #expect(entries(text).last == .key(Keys.ed25519, KeyOptions(), line: 8))
  }

  @Test func `a comment may have any length and the text before it at most 8 KiB`() {
    let key = Keys.ed25519.text
    for count in [AuthorizedKeys.lineLimit - key.utf8.count - 1, AuthorizedKeys.lineLimit, 1_000_000] {
      let text = key + " " + String(repeating: "c", count: count) + "\n" + Keys.rsa.text
      #expect(
        entries(text) == [.key(Keys.ed25519, KeyOptions(), line: 1), .key(Keys.rsa, KeyOptions(), line: 2)])
    }
    #expect(entries("#" + String(repeating: "c", count: 20_000) + "\n").isEmpty)
    let reason = "1: the line is longer than 8192 bytes before its comment"
    func options(_ count: Int) -> String {
      let start = "command=\""
      return start + String(repeating: "x", count: count - start.utf8.count - 1) + "\""
    }
    // The blank after the key is the last byte within the limit.
    let room = AuthorizedKeys.lineLimit - key.utf8.count - 2
    #expect(reasons("\(options(room)) \(key) comment").isEmpty)
    for count in [room + 1, room + 40, 20_000] { #expect(reasons("\(options(count)) \(key) comment") == [reason]) }
    #expect(reasons(String(repeating: " ", count: 8193) + key) == [reason])
  }

  @Test func `the tail of an overlong line is not read as a line`() {
    let text = String(repeating: "x", count: AuthorizedKeys.lineLimit) + " " + Keys.ed25519.text + "\n"
    #expect(reasons(text).count == 1)
    #expect(entries(text).count == 1)
    #expect(entries(text + Keys.ed25519.text).last == .key(Keys.ed25519, KeyOptions(), line: 2))
  }

  @Test func `a NUL byte invalidates only its own line`() {
    let text = Keys.ed25519.text + " a\0b\n" + Keys.rsa.text
    #expect(reasons(text) == ["1: the line contains a NUL byte"])
    #expect(entries(text).last == .key(Keys.rsa, KeyOptions(), line: 2))
  }

  @Test func `content truncated anywhere never yields a key that is not in it`() {
    let content = Array("no-pty \(Keys.rsa.text)\n\(Keys.ed25519.text) c\n".utf8)
    for length in 0...content.count {
      for entry in AuthorizedKeys(content[..<length]) {
        if case .key(let key, let options, let line) = entry {
          #expect(line == 1 || key == Keys.ed25519)
          #expect(options.permissions.terminal == (line == 2))
        }
      }
    }
  }
}
