import Audit
import Model
import Testing

@Suite struct CommandRulesTests {
  private static func refusal(_ rules: CommandRules, _ line: String) -> CommandDenial? {
    rules.refusal(of: Array(line.utf8))
  }

  @Test func `without rules every command and shell is allowed`() {
    let rules = CommandRules()
    #expect(Self.refusal(rules, "rm -rf / ; id") == nil)
    #expect(rules.refusal(ofShell: "/bin/sh") == nil && !rules.isRestricting)
  }

  @Test func `commands that are not allowed are refused, and so is the shell`() {
    let rules = CommandRules(allowed: ["uptime", "git-upload-pack '*'"])
    #expect(Self.refusal(rules, "uptime") == nil)
    #expect(Self.refusal(rules, "git-upload-pack '/srv/a.git'") == nil)
    for line in ["", "id", "uptime; id", "uptime\nid", "git-upload-pack '/a' 'b'", "internal-sftp", "scp -t /"] {
      #expect(Self.refusal(rules, line) == .notAllowed, "\(line)")
    }
    #expect(rules.refusal(ofShell: "/bin/sh") == .noShell && rules.isRestricting)
  }

  @Test(arguments: ["/bin/sh", "/bin/*", "*"]) func `a shell whose path is an allowed command is allowed`(
    pattern: String
  ) {
    let rules = CommandRules(allowed: ["uptime", pattern])
    #expect(rules.refusal(ofShell: "/bin/sh") == nil)
    #expect(rules.refusal(ofShell: "/bin/bash") == (pattern == "/bin/sh" ? .noShell : nil))
  }

  @Test func `a blocked command is refused even if it is allowed`() {
    let rules = CommandRules(allowed: ["*"], blocked: ["*sudo*", "/bin/sh"])
    #expect(Self.refusal(rules, "sudo id") == .blocked)
    #expect(Self.refusal(rules, "id; sudo -s") == .blocked)
    #expect(Self.refusal(rules, "id") == nil)
    #expect(rules.refusal(ofShell: "/bin/sh") == .noShell)
    #expect(rules.refusal(ofShell: "/bin/bash") == nil)
  }

  @Test func `blocked commands refuse the shell but do not restrict the login`() {
    let rules = CommandRules(blocked: ["*sudo*"])
    #expect(Self.refusal(rules, "sudo") == .blocked && Self.refusal(rules, "id") == nil)
    #expect(rules.refusal(ofShell: "/bin/sh") == .noShell && !rules.isRestricting)
  }

  @Test func `an invalid pattern allows nothing and blocks everything`() {
    #expect(Self.refusal(CommandRules(allowed: ["a\\"]), "a") == .notAllowed)
    #expect(Self.refusal(CommandRules(blocked: ["a\\"]), "b") == .blocked)
  }
}
