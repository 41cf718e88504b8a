import Testing

@testable import Authentication

@Suite struct AuthorizedPrincipalsTests {
  private func find(_ text: String, _ names: String...) -> (AuthorizedPrincipals.Outcome, [String]) {
    var warnings: [String] = []
    let finding = AuthorizedPrincipals.find(names.map { Array($0.utf8) }, in: Array(text.utf8)[...]) {
      warnings.append("\($0): \($1)")
    }
    return (finding, warnings)
  }

  @Test func `the first line that names a principal provides the options`() throws {
    var options = KeyOptions()
    options.permissions.terminal = false
    #expect(find("a\nno-pty b\nb\n", "b", "c") == (.listed(options), []))
    #expect(find("a\nb\nno-pty b\n", "b") == (.listed(KeyOptions()), []))
    #expect(find("a\nno-pty\t b \r\n", "b") == (.listed(options), []))
    #expect(find("command=\"x y\" b", "b").0 != .notListed)
  }

  @Test func `only complete names match`() {
    for text in ["", "\n", "# b", "bb", "b b b", "no-pty", "b#", "\\b", "\"b\""] where text != "b#" {
      #expect(find(text, "b").0 == .notListed, "\(text)")
    }
    #expect(find("b#comment", "b").0 == .listed(KeyOptions()))
  }

  @Test func `lines that are not understood are reported and skipped`() {
    let long = String(repeating: "x", count: TextLines.limit) + " b"
    let (finding, warnings) = find("nosuch b\ncert-authority b\n\(long)\nno-pty a b\nb\0\nb", "b")
    #expect(finding == .listed(KeyOptions()))
    #expect(find("b # \(long)", "b").0 == .listed(KeyOptions()))
    #expect(
      warnings == [
        "1: option 1 of the line is unknown", "2: cert-authority is not allowed here",
        "3: the line is longer than 8192 bytes",
        "4: more than options and one principal", "5: the line contains a NUL byte",
      ])
  }
}
