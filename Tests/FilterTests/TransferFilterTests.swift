import Filter
import Testing
import Wire

private func matcher(_ change: (inout FilterMatcher) throws -> Void) rethrows -> FilterMatcher {
  var matcher = FilterMatcher()
  try change(&matcher)
  return matcher
}

private func rule(
  _ name: String?, _ action: FilterAction, operations: [FilterOperation] = [], users: [String] = [],
  groups: [String] = [], _ change: (inout FilterMatcher) throws -> Void
) rethrows -> FilterRule {
  var rule = FilterRule(name: name, action: action)
  rule.operations = operations
  rule.users = users
  rule.groups = groups
  rule.matcher = try matcher(change)
  return rule
}

private func rule(_ name: String?, _ action: FilterAction) -> FilterRule { FilterRule(name: name, action: action) }

private func request(
  _ path: String, _ operation: FilterOperation = .download, size: UInt64? = 10, user: String = "alice",
  groups: [String] = ["staff", "users"]
) -> FilterRequest {
  FilterRequest(operation: operation, path: Array(path.utf8), size: size, user: user, groups: groups)
}

private func filter(default action: FilterAction = .allow, _ rules: FilterRule...) -> TransferFilter {
  var filter = TransferFilter()
  filter.isEnabled = true
  filter.defaultAction = action
  filter.rules = rules
  return filter
}

@Suite struct TransferFilterTests {
  @Test func `the first rule that matches decides`() throws {
    let filter = filter(
      try rule("keep", .allow) { $0.pattern = try Glob("a*") }, try rule(nil, .deny) { $0.pattern = try Glob("*b") },
      rule("all", .log))
    #expect(filter.verdict(on: request("/ab")) == .init(action: .allow, rule: "keep"))
    #expect(filter.verdict(on: request("/xb")) == .init(action: .deny, rule: "rule 2"))
    #expect(filter.verdict(on: request("/x")) == .init(action: .log, rule: "all"))
  }

  @Test(arguments: FilterAction.allCases)
  func `without a matching rule the default decides`(action: FilterAction) {
    #expect(filter(default: action).verdict(on: request("/x")) == .init(action: action, rule: nil))
  }

  @Test func `a filter that is off allows everything`() {
    var off = filter(default: .deny, rule("all", .deny))
    off.isEnabled = false
    #expect(off.verdict(on: request("/x")) == .init(action: .allow, rule: nil))
    #expect(!off.asksForSize(.upload))
  }

  @Test(arguments: [
    ("/tmp", "/tmp", true), ("/tmp/", "/tmp/a/b", true), ("/tmp", "/tmpfile", false), ("/tmp", "/a/tmp", false),
    ("tmp", "/tmp/a", true), ("/", "/a", true), ("/", "/", true), ("/a//b", "/a/b/c", true), ("/a/b", "/a", false),
  ])
  func `path_prefix matches a directory and everything below it`(prefix: String, path: String, expected: Bool) {
    #expect(matcher { $0.pathPrefix = prefix }.matches(path: Array(path.utf8), size: nil) == expected)
  }

  @Test(arguments: [
    ("/a.exe", true), ("/a.EXE", true), ("/d.x/a.eXe", true), ("/a.tar.gz", true), ("/.exe", false), ("/exe", false),
    ("/a.exe/b", false), ("/a.exe.txt", false), ("/a.xexe", false), ("/", false), ("/.tar.gz", false),
    ("/a.gz", false), ("/a..exe", true),
  ])
  func `extensions match what follows a dot, in either case`(path: String, expected: Bool) {
    let matcher = matcher { $0.extensions = ["exe", "tar.gz"] }
    #expect(matcher.matches(path: Array(path.utf8), size: nil) == expected)
  }

  @Test(arguments: [
    ("/.git", true), ("/a/.git/config", true), ("/a.git/x", false), ("/.gitx", false), ("/.GIT/x", false), ("/", false),
  ])
  func `directory matches a whole component anywhere in the path`(path: String, expected: Bool) {
    #expect(matcher { $0.directory = ".git" }.matches(path: Array(path.utf8), size: nil) == expected)
  }

  @Test(
    arguments: [
      (nil, false), (0, false), (9, false), (10, true), (11, true), (20, true), (21, false), (UInt64.max, false),
    ] as [(UInt64?, Bool)])
  func `size limits are inclusive`(size: UInt64?, expected: Bool) {
    let matcher = matcher {
      $0.minSize = 10
      $0.maxSize = 20
    }
    #expect(matcher.matches(path: [0x2f], size: size) == expected)
    #expect(matcher.asksForSize)
  }

  /// One request that fulfils all conditions, and for each condition one that fails it alone.
  @Test func `all matchers of a rule must hold`() throws {
    let all = try rule("all", .deny, operations: [.upload, .delete], users: ["alice"], groups: ["staff"]) {
      $0.pattern = try Glob("*.log")
      $0.pathPrefix = "/var"
      $0.extensions = ["log"]
      $0.directory = "d"
      $0.minSize = 1
      $0.maxSize = 100
      $0.not = [matcher { $0.directory = "keep" }]
      $0.composite = .init(kind: .and, matchers: [matcher { $0.directory = "e" }])
    }
    let denies = { filter(all).verdict(on: $0).action == .deny }
    let fitting = request("/var/d/e/a.log", .upload)
    #expect(denies(fitting))
    let others = [
      request("/var/d/e/a.log", .download), request("/var/d/e/a.log", .upload, user: "bob"),
      request("/var/d/e/a.log", .upload, groups: ["users"]), request("/var/d/e/a.txt", .upload),
      request("/opt/d/e/a.log", .upload), request("/var/e/a.log", .upload), request("/var/d/a.log", .upload),
      request("/var/d/e/a.log", .upload, size: 0), request("/var/d/e/a.log", .upload, size: 101),
      request("/var/d/e/keep/a.log", .upload), request("/var/d/e/a.log", .upload, size: nil),
    ]
    for other in others { #expect(!denies(other)) }
  }

  @Test func `composites combine matchers by and, or and not`() {
    let a = matcher { $0.directory = "a" }
    let b = matcher { $0.directory = "b" }
    func holds(_ kind: FilterMatcher.Composite.Kind, _ matchers: [FilterMatcher], _ path: String) -> Bool {
      matcher { $0.composite = .init(kind: kind, matchers: matchers) }.matches(path: Array(path.utf8), size: nil)
    }
    #expect(holds(.and, [a, b], "/a/b"))
    #expect(!holds(.and, [a, b], "/a"))
    #expect(holds(.or, [a, b], "/b"))
    #expect(!holds(.or, [a, b], "/c"))
    #expect(holds(.not, [a], "/b"))
    #expect(!holds(.not, [a], "/a"))
    let nested = matcher { $0.composite = .init(kind: .or, matchers: [a, b]) }
    #expect(!holds(.not, [nested], "/b"))
    #expect(matcher { $0.not = [matcher { $0.not = [a] }] }.matches(path: Array("/a".utf8), size: nil))
  }

  @Test(arguments: FilterAction.allCases, FilterAction.allCases)
  func `the stricter verdict on two paths counts`(first: FilterAction, second: FilterAction) {
    let filter = filter(
      rule("first", first) { $0.directory = "a" }, rule("second", second) { $0.directory = "b" })
    let verdict = filter.verdict(on: request("/a", .rename), and: request("/b", .rename))
    let order: [FilterAction] = [.allow, .log, .deny]
    #expect(verdict.action == order[max(order.firstIndex(of: first)!, order.firstIndex(of: second)!)])
    #expect(verdict.rule == (verdict.action == first ? "first" : "second"))
  }

  @Test func `asksForSize tells for each operation whether a size matters`() throws {
    let filter = filter(
      rule(nil, .deny, operations: [.upload]) {
        $0.composite = .init(kind: .not, matchers: [matcher { $0.maxSize = 5 }])
      },
      rule(nil, .deny, operations: [.download]) { $0.directory = "x" })
    #expect(filter.asksForSize(.upload))
    #expect(!filter.asksForSize(.download))
  }

  @Test(
    arguments: [
      ("upload", .upload), ("Download", .download), ("mkdir", .createDirectory), ("createdir", .createDirectory),
      ("readdir", .listDirectory), ("LISTDIR", .listDirectory), ("setstat", .setStat), ("readlink", .readLink),
      ("write", nil), ("", nil), ("createDirectory", nil),
    ] as [(String, FilterOperation?)])
  func `operations are parsed by their names and aliases`(name: String, operation: FilterOperation?) {
    #expect(FilterOperation(name: name) == operation)
  }
}

@Suite struct TransferFilterWireTests {
  static func everything() throws -> TransferFilter {
    filter(
      default: .deny,
      try rule("all", .log, operations: FilterOperation.allCases, users: ["a", "b"], groups: ["g"]) {
        $0.pattern = try Glob("/a/**/{b,c}")
        $0.pathPrefix = "/p"
        $0.extensions = ["x", "tar.gz"]
        $0.directory = "d"
        $0.minSize = 1
        $0.maxSize = .max
        $0.not = [matcher { $0.directory = "n" }]
        $0.composite = .init(kind: .or, matchers: [matcher { $0.directory = "o" }, FilterMatcher()])
      }, rule(nil, .deny))
  }

  @Test func `a decoded filter equals the encoded one`() throws {
    for filter in [TransferFilter(), try Self.everything()] {
      #expect(try TransferFilter(wireBytes: filter.wireBytes[...]) == filter)
    }
  }

  @Test func `a filter truncated anywhere is rejected`() throws {
    let bytes = try Self.everything().wireBytes
    for length in bytes.indices {
      #expect(throws: WireError.self) { try TransferFilter(wireBytes: bytes[..<length]) }
    }
  }

  @Test func `matchers that are nested too deep are rejected`() throws {
    func nested(_ depth: Int) -> TransferFilter {
      let inner = (0..<depth).reduce(FilterMatcher()) { inner, _ in matcher { $0.not = [inner] } }
      return filter(rule(nil, .deny) { $0 = inner })
    }
    let deepest = nested(FilterMatcher.deepest)
    #expect(try TransferFilter(wireBytes: deepest.wireBytes[...]) == deepest)
    #expect(throws: WireError.tooLong) {
      try TransferFilter(wireBytes: nested(FilterMatcher.deepest + 1).wireBytes[...])
    }
  }

  @Test func `an invalid pattern is rejected`() {
    var writer = WireWriter()
    writer.boolean(true)
    writer.byte(0)
    writer.uint32(1)
    writer.boolean(false)
    writer.boolean(true)
    writer.text("[")
    writer.raw([UInt8](repeating: 0, count: 64))
    #expect(throws: WireError.malformed) { try TransferFilter(wireBytes: writer.bytes[...]) }
  }
}
