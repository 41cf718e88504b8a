import Filter
import Foundation
import Testing

@testable import FileTransfer

private func gate(
  _ rules: FilterRule..., log: @escaping FilterGate.Record = { _, _, _ in }
) -> FilterGate {
  var filter = TransferFilter()
  filter.isEnabled = true
  filter.rules = rules
  return FilterGate(filter, user: "alice", groups: ["staff"], record: log)
}

private func rule(_ action: FilterAction, _ change: (inout FilterRule) throws -> Void) rethrows -> FilterRule {
  var rule = FilterRule(name: "the rule", action: action)
  try change(&rule)
  return rule
}

@Suite struct FilterGateTests {
  @Test func `a denial names its rule or the default action`() throws {
    let path = Array("/x".utf8)
    let denying = gate(rule(.deny) { $0.operations = [.download] })
    #expect(denying.check(.download, [path], size: 1) == .denied(rule: "the rule"))
    #expect(denying.check(.upload, [path], size: 1) == .allowed)
    var filter = TransferFilter()
    filter.isEnabled = true
    filter.defaultAction = .deny
    let byDefault = FilterGate(filter, user: "a", groups: [], record: { _, _, _ in })
    #expect(byDefault.check(.status, [path], size: nil) == .denied(rule: "filter.default_action"))
  }

  @Test(arguments: FileOperation.allCases)
  func `every operation is matched by one name in rules`(operation: FileOperation) {
    let names: [FileOperation: FilterOperation] = [
      .download: .download, .upload: .upload, .delete: .delete, .rename: .rename, .makeDirectory: .createDirectory,
      .list: .listDirectory, .status: .stat, .setStatus: .setStat, .makeLink: .symlink, .readLink: .readLink,
    ]
    for name in FilterOperation.allCases {
      let verdict = gate(rule(.deny) { $0.operations = [name] }).check(operation, [[0x2f]], size: nil)
      #expect((verdict != .allowed) == (names[operation] == name))
    }
  }

  @Test func `each of two paths can be denied, and a hard link counts as a rename`() throws {
    let denying = gate(try rule(.deny) { $0.matcher.pattern = try Glob("*.key") })
    let (key, other) = (Array("/a.key".utf8), Array("/b".utf8))
    #expect(denying.check(.rename, [key, other], size: nil) == .denied(rule: "the rule"))
    #expect(denying.check(.rename, [other, key], size: nil) == .denied(rule: "the rule"))
    #expect(denying.check(.rename, [other, other], size: nil) == .allowed)
    let renames = gate(rule(.deny) { $0.operations = [.rename] })
    #expect(renames.check(.makeLink, [key, other], size: nil) == .denied(rule: "the rule"))
    #expect(renames.check(.makeLink, [key], size: nil) == .allowed)
  }

  @Test func `rules match the user and the groups of the login`() {
    for (change, expected) in [
      ({ $0.users = ["alice"] }, false), ({ $0.users = ["bob"] }, true), ({ $0.groups = ["staff"] }, false),
      ({ $0.groups = ["wheel"] }, true),
    ] as [((inout FilterRule) -> Void, Bool)] {
      #expect((gate(rule(.deny, change)).check(.download, [[0x2f]], size: nil) == .allowed) == expected)
    }
  }

  @Test func `users and groups are compared as bytes`() {
    var filter = TransferFilter()
    filter.isEnabled = true
    for change in [{ $0.users = ["caf\u{e9}"] }, { $0.groups = ["caf\u{e9}"] }] as [(inout FilterRule) -> Void] {
      filter.rules = [rule(.deny, change)]
      for (name, isAllowed) in [("caf\u{e9}", false), ("cafe\u{301}", true)] {
        let gate = FilterGate(filter, user: name, groups: [name], record: { _, _, _ in })
        #expect((gate.check(.download, [[0x2f]], size: nil) == .allowed) == isAllowed)
      }
    }
  }

  @Test func `attributes that a rule denies are not revealed by handles and listings`() throws {
    let scratch = try TemporaryDirectory()
    try scratch.make("d")
    try scratch.write("d/secret", "12345")
    try scratch.write("d/plain", "12345")
    let hiding = gate(
      rule(.deny) {
        $0.operations = [.stat]
        $0.matcher.composite = .init(
          kind: .or,
          matchers: ["secret", "d"].map { name in
            var matcher = FilterMatcher()
            matcher.pattern = try? Glob(name)
            return matcher
          })
      })
    let events = EventList()
    var client = try Client(in: scratch, gate: hiding, observer: events)
    #expect(try client.ask(17, "d/secret").status == .permissionDenied)
    let file = try client.opened("d/secret", 1)
    #expect(try client.ask(8) { $0.string(file) }.status == .permissionDenied)
    #expect(try client.extended("fstatvfs@openssh.com") { $0.string(file) }.status == .permissionDenied)
    let directory = try client.ask(11, "d").string
    #expect(try client.ask(8) { $0.string(directory) }.status == .permissionDenied)
    #expect(try client.extended("fstatvfs@openssh.com") { $0.string(directory) }.status == .permissionDenied)
    events.events = []
    let names = try client.ask(12) { $0.string(directory) }.names
    let hidden = SFTPAttributes()
    #expect(names.count == 4 && events.events == [])
    for (name, isHidden) in [("secret", true), ("plain", false), (".", true), ("..", false)] {
      let entry = names.first { $0.name == name }
      #expect((entry?.attributes == hidden) == isHidden && (entry?.line == name) == isHidden, "\(name)")
    }
    let above = try client.ask(11, "/").string
    #expect(try client.ask(12) { $0.string(above) }.names.first { $0.name == "d" }?.attributes == hidden)
  }

  @Test func `sizes are judged if a rule has a size condition`() {
    #expect(!gate(rule(.deny) { $0.matcher.directory = "a" }).checksSizes)
    #expect(gate(rule(.deny) { $0.matcher.minSize = 1 }).checksSizes)
  }

  @Test func `the action log allows and records`() throws {
    final class Records: @unchecked Sendable { var all: [String] = [] }
    let records = Records()
    let logging = gate(rule(.log) { $0.operations = [.delete] }) { operation, paths, rule in
      records.all.append("\(operation) \(paths.count) \(rule)")
    }
    #expect(logging.check(.delete, [[0x2f]], size: nil) == .allowed)
    #expect(logging.check(.upload, [[0x2f]], size: nil) == .allowed)
    #expect(records.all == ["delete 1 the rule"])
  }

  @Test func `scp obeys the rules for the files that links resolve to`() throws {
    let scratch = try ScratchDirectory()
    try scratch.write("secret.key", "k")
    try scratch.write("plain", "p")
    try scratch.link("innocent", to: "secret.key")
    let denying = gate(
      try rule(.deny) { $0.matcher.pattern = try Glob("*.key") },
      rule(.deny) {
        $0.operations = [.upload]
        $0.matcher.minSize = 10
      })
    let source = try SCPConversation("scp -f innocent", root: scratch.path, gate: denying)
    try source.send("\0")
    try source.expectProblem("innocent: Permission denied")
    #expect(try source.finish() == 1)
    let sink = try SCPConversation("scp -t /", root: scratch.path, gate: denying)
    try sink.expect("\0")
    try sink.send("C0644 1 innocent\n")
    try sink.expectProblem("/innocent: Permission denied")
    try sink.send("C0644 10 large\n")
    try sink.expectProblem("/large: Permission denied")
    try sink.send("C0644 9 small\n")
    try sink.expect("\0")
    try sink.send("123456789\0")
    try sink.expect("\0")
    #expect(try sink.finish() == 1)
    #expect(scratch.text("secret.key") == "k")
    #expect(scratch.names() == ["innocent", "plain", "secret.key", "small"])
  }
}
