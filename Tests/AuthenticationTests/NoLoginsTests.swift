import Authentication
import Testing

@Suite struct NoLoginsTests {
  @Test func `while there is no file everyone is let in, and with one only root`() {
    for kind in AuthenticationMachine.AccountKind.allCases {
      #expect(NoLogins.notice(nil, for: kind) == nil)
      #expect((NoLogins.notice("Maintenance\n", for: kind) == nil) == (kind == .root))
    }
  }

  @Test(arguments: [
    ("", "Nobody but root may log in now"), ("\u{1b}\u{7}\r", "Nobody but root may log in now"),
    ("Back at\n12:00\u{1b}[2J\r\n", "Back at\n12:00[2J\n"),
    (String(repeating: "x", count: 1200), String(repeating: "x", count: 1000)),
    (String(repeating: "x", count: 999) + "é", String(repeating: "x", count: 999) + "\u{fffd}"),
  ])
  func `the notice is the file's text without what could act on a terminal, as long as a goodbye takes`(
    text: String, notice: String
  ) {
    #expect(NoLogins.notice(text, for: .ordinary) == notice)
  }
}
