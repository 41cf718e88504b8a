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

  @Test func `keys of every type are found, between blank lines and comments`() {
    let text = "\n# a comment\n   \n\t# another\n" + Keys.all.map { "\($0.text) me@host\n" }.joined()
    #expect(entries(text) == Keys.all.enumerated().map { .key($1, line: 5 + $0) })
  }

  @Test(arguments: ["", "\n", "\r\n", " comment with spaces", " \t ", "\tcomment\n", " from=\"x\" no option here\n"])
  func `a key may end with a comment, blanks or nothing, and need not end its line`(ending: String) {
    #expect(entries(Keys.ed25519.text + ending) == [.key(Keys.ed25519, line: 1)])
    #expect(entries("  \t" + Keys.ed25519.text + ending) == [.key(Keys.ed25519, line: 1)])
  }

  @Test(arguments: [
    "no-pty", "restrict,command=\"/bin/true\"", "from=\"10.0.0.1 , a b\"", "command=\"echo \\\"ssh-rsa AAAA\\\" x\"",
    "unknown-option", "command=\"a\\\\\"", "cert-authority", "command=\"x\" ,no-pty",
  ])
  func `a key with options is not used`(options: String) {
    let reasons = reasons("\(options) \(Keys.ed25519.text)\n")
    #expect(reasons.count == 1)
    #expect(!entries("\(options) \(Keys.ed25519.text)\n").contains(.key(Keys.ed25519, line: 1)))
  }

  @Test func `the reason says that options are not enforced yet`() {
    #expect(
      reasons("no-pty \(Keys.ed25519.text)")
        == ["1: the key has options, and options are not enforced yet: the line is not used"])
  }

  @Test func `a key inside an option's value is no key`() {
    for text in [
      "command=\"\(Keys.ed25519.text)\"", "command=\" \(Keys.ed25519.text)", "x=\"\\\" \(Keys.ed25519.text)",
    ] {
      #expect(entries(text).count == 1)
      #expect(reasons(text).count == 1)
    }
  }

  @Test func `each bad line is refused by its number, and the next one still counts`() {
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
        "1: neither a key nor options followed by a key", "2: not a key in the form 'type base64 comment'",
        "3: the key is cut short", "4: the type before the key is not the type inside it",
        "5: keys of type ssh-dss are not accepted", "6: the RSA key has 1024 bits; 2048 are the least",
        "7: a quotation mark is not closed",
      ])
    #expect(entries(text).last == .key(Keys.ed25519, line: 8))
  }

  @Test func `a line of 8 KiB is read, one byte more is refused whole`() {
    let key = Keys.ed25519.text
    let fits = key + " " + String(repeating: "c", count: AuthorizedKeys.lineLimit - key.utf8.count - 1)
    #expect(entries(fits + "\n") == [.key(Keys.ed25519, line: 1)])
    #expect(reasons(fits + "c\n") == ["1: the line is longer than 8192 bytes"])
  }

  @Test func `the tail of a line that is too long is not read as a line`() {
    let text = String(repeating: "x", count: AuthorizedKeys.lineLimit) + " " + Keys.ed25519.text + "\n"
    #expect(reasons(text).count == 1)
    #expect(entries(text).count == 1)
    #expect(entries(text + Keys.ed25519.text).last == .key(Keys.ed25519, line: 2))
  }

  @Test func `a NUL byte spoils its line only`() {
    let text = Keys.ed25519.text + " a\0b\n" + Keys.rsa.text
    #expect(reasons(text) == ["1: the line holds a NUL byte"])
    #expect(entries(text).last == .key(Keys.rsa, line: 2))
  }

  @Test func `the search finds a key in any line, and tells the refused ones it passed`() {
    let content = Array("bad\n\(Keys.rsa.text)\nworse\n\(Keys.ed25519.text)\nworst\n".utf8)
    var warnings: [String] = []
    #expect(AuthorizedKeys.contains(Keys.ed25519.blob, in: content[...], path: "/k") { warnings.append($0) })
    #expect(warnings.map { $0.prefix(5) } == ["/k:1:", "/k:3:"])
    warnings = []
    #expect(!AuthorizedKeys.contains(Keys.all[3].blob, in: content[...], path: "/k") { warnings.append($0) })
    #expect(warnings.count == 3)
    #expect(!AuthorizedKeys.contains([], in: content[...], path: "/k") { _ in })
  }

  @Test func `content cut anywhere never gives a key that is not in it`() {
    let content = Array("no-pty \(Keys.rsa.text)\n\(Keys.ed25519.text) c\n".utf8)
    for length in 0...content.count {
      for entry in AuthorizedKeys(content[..<length]) {
        if case .key(let key, let line) = entry { #expect(key == Keys.ed25519 && line == 2) }
      }
    }
  }
}
