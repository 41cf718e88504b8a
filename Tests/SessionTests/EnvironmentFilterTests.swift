import Model
import Testing

@testable import Session

@Suite struct EnvironmentFilterTests {
  private static func accepts(_ name: String, _ patterns: [String]) -> Bool {
    EnvironmentFilter(patterns: patterns).accept(name: Array(name.utf8), value: []) != nil
  }

  @Test(arguments: [
    ("LANG", "LANG", true), ("LANG", "LC_*", false), ("LC_ALL", "LC_*", true), ("LC_", "LC_*", true),
    ("XLC_ALL", "LC_*", false), ("LANGUAGE", "LANG", false), ("LAN", "LANG", false), ("LANG", "L?NG", true),
    ("LNG", "L?NG", false), ("LANG", "*", true), ("LANG", "**", true), ("LANG", "", false), ("A_B_C", "A*C", true),
    ("A_B_C_D", "A*C", false), ("AABAB", "*AB", true), ("AABAB", "*A?", true), ("lang", "LANG", false),
  ])
  func `patterns select names`(name: String, glob: String, isAccepted: Bool) {
    #expect(EnvironmentFilterTests.accepts(name, [glob]) == isAccepted)
  }

  @Test(arguments: ["", "1A", "A-B", "A B", "A=B", "A\n", "Ä", "A.B", "[", "`", "@", "{"])
  func `an invalid name is refused whatever the patterns`(name: String) {
    #expect(!EnvironmentFilterTests.accepts(name, ["*", name]))
  }

  @Test(arguments: ["_", "a", "Z", "A1", "__z_9"]) func `letters, digits and underscores make names`(name: String) {
    #expect(EnvironmentFilterTests.accepts(name, ["*"]))
  }

  @Test(arguments: ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_", "SSH_TTY", "SSH_AUTH_SOCK"])
  func `variables of the dynamic linker and of the server are refused whatever the patterns`(name: String) {
    #expect(!EnvironmentFilterTests.accepts(name, ["*", name]))
  }

  @Test func `without patterns nothing is accepted`() { #expect(!EnvironmentFilterTests.accepts("LANG", [])) }

  @Test func `a value may contain any byte but zero`() {
    let filter = EnvironmentFilter(patterns: ["A"])
    #expect(
      filter.accept(name: [0x41], value: [0xff, 10, 61]) == EnvironmentVariable(name: "A", value: [0xff, 10, 61]))
    #expect(filter.accept(name: [0x41], value: [1, 0]) == nil)
    #expect(filter.accept(name: [0x41, 0], value: []) == nil)
  }

  private static func acceptsWhenRestricted(_ name: String, _ patterns: [String]) -> Bool {
    EnvironmentFilter(patterns: patterns, isRestricted: true).accept(name: Array(name.utf8), value: []) != nil
  }

  @Test(arguments: ["LANG", "LC_ALL", "LC_TIME", "COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "NO_COLOR"])
  func `variables of language and looks are accepted even if restricted`(name: String) {
    #expect(Self.acceptsWhenRestricted(name, ["*"]))
    #expect(!Self.acceptsWhenRestricted(name, ["X*"]))
  }

  @Test(arguments: [
    "GIT_PROTOCOL", "PYTHONSTARTUP", "GIT_SSH_COMMAND", "NODE_OPTIONS", "PERL5OPT", "LESSOPEN", "EDITOR",
  ])
  func `if restricted, variables that programs interpret must be named exactly`(name: String) {
    for pattern in ["*", String(name.prefix(3)) + "*", String(name.dropLast()) + "?"] {
      #expect(!Self.acceptsWhenRestricted(name, [pattern]))
      #expect(Self.accepts(name, [pattern]))
    }
    #expect(Self.acceptsWhenRestricted(name, [name]))
  }

  @Test(arguments: ["BASH_ENV", "ENV", "ZDOTDIR", "SHELLOPTS", "BASHOPTS", "PS4", "IFS", "PATH", "XDG_CONFIG_HOME"])
  func `if restricted, variables that shells run or search by are refused even if named`(name: String) {
    #expect(!Self.acceptsWhenRestricted(name, ["*", name]))
  }
}
