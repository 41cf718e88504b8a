import Configuration
import IPC
import Testing

@Suite struct TemplateTests {
  private var lines: [Substring] { Template.commented.split(separator: "\n") }

  @Test(arguments: KeyTable.keys.map(\.path))
  func `every key is in the template, with its meaning and other ways to set it`(path: String) throws {
    let key = try #require(KeyTable.keys.first { $0.path == path })
    let name = try #require(path.split(separator: ".").last)
    #expect(lines.contains { $0.drop { $0 == " " }.hasPrefix(name + ":") })
    for sentence in key.meaning { #expect(Template.commented.contains("# " + sentence)) }
    for variable in key.variables { #expect(Template.commented.contains(variable)) }
    #expect(Template.commented.contains("# Value: \(key.form)."))
  }

  @Test func `every key of a user is in the template`() {
    for key in Settings.User.keys { #expect(Template.commented.contains("\(key.name): \(key.meaning)")) }
  }

  @Test func `every key of a rule is in the template`() {
    for key in RuleKey.all { #expect(Template.commented.contains("\(key.name): \(key.meaning)")) }
  }

  @Test func `every key of an exporter is in the template`() {
    func check<Entry>(_ keys: [EntryKey<Entry>]) {
      for key in keys { #expect(Template.commented.contains("\(key.name): \(key.meaning)")) }
    }
    check(Settings.Audit.File.keys)
    check(Settings.Audit.Rotate.keys)
    check(LogstashSettings.keys)
    check(TLSSettings.keys)
    check(OTelSettings.keys)
    check(SyslogSettings.keys)
  }

  @Test func `headers for receivers of events are not in the effective settings`() throws {
    let exporter = mapping([
      "type": plain("otel"), "endpoint": plain("http://c"),
      "headers": mapping(["authorization": plain("Bearer hunter2")]),
    ])
    let text = Template.effective(try load(tree("audit.exporters", list(exporter))))
    #expect(!text.contains("hunter2"))
    #expect(text.contains("# The headers of audit.exporters are omitted.\n"))
    #expect(text.contains("endpoint: \"http://c\""))
  }

  @Test func `password hashes are not in the effective settings`() throws {
    let users = tree(
      "auth.password.users", list(mapping(["name": plain("alice"), "password_hash": quotedText(Sample.hash)])))
    let text = Template.effective(try load(users))
    #expect(!text.contains("argon2id"))
    #expect(text.contains("# The password hashes of auth.password.users are omitted."))
    #expect(text.contains("- name: alice"))
  }

  @Test(arguments: [
    ("word", "word"), ("/a/b_c.d", "/a/b_c.d"), ("", "\"\""), ("no", "\"no\""), ("Yes", "\"Yes\""),
    ("null", "\"null\""),
    ("12", "\"12\""), ("0.0.0.0", "\"0.0.0.0\""), ("a b", "\"a b\""), ("a: b", "\"a: b\""), ("#a", "\"#a\""),
    ("a\"\\\n\t", "\"a\\\"\\\\\\n\\t\""), ("\u{1b}é", "\"\\U0000001b\\U000000e9\""), ("-a", "\"-a\""), ("*", "\"*\""),
  ])
  func `text survives writing as YAML`(text: String, yaml: String) throws {
    let loaded = try load(tree("shell.env", mapping(["A": quotedText(text)])))
    #expect(Template.effective(loaded).contains("\n    A: \(yaml)\n"))
  }
}
