import Filter
import TestSupport
import Testing

/// Renaming a directory, which moves everything below it.
@Suite struct FilterReachTests {
  private static func move(_ path: String, _ operation: FilterOperation = .rename) -> FilterRequest {
    FilterRequest(operation: operation, path: Array(path.utf8), size: nil, user: "alice", groups: [])
  }

  private static func rule(
    _ action: FilterAction, _ change: (inout FilterMatcher) throws -> Void
  ) rethrows -> FilterRule {
    var rule = FilterRule(name: "the rule", action: action)
    try change(&rule.matcher)
    return rule
  }

  private static func verdict(
    _ from: String, _ to: String, default action: FilterAction = .allow, _ rules: FilterRule...
  ) -> FilterAction {
    var filter = TransferFilter()
    filter.isEnabled = true
    filter.defaultAction = action
    filter.rules = rules
    return filter.verdict(onMove: move(from), to: move(to)).action
  }

  @Test func `a directory may move between two places that one rule allows entirely`() throws {
    let rule = try FilterReachTests.rule(.allow) { $0.pattern = try Glob("{/a/**,/b/**}") }
    #expect(Self.verdict("/a/x", "/b/y", default: .deny, rule) == .allow)
    #expect(Self.verdict("/a/x", "/c/y", default: .deny, rule) == .deny)
    #expect(Self.verdict("/c/x", "/b/y", default: .deny, rule) == .deny)
  }

  @Test(arguments: [
    ("/secret/**", "/secret", "/open", true), ("/secret/**", "/open", "/secret", true),
    ("/a/secret/**", "/a", "/b", true), ("/a/*/key", "/a", "/b", true), ("/a/*/key", "/a/x", "/a/y", false),
    ("/a/*/key", "/a/x", "/b/x", true), ("/a/key", "/b", "/c", false), ("/a/key", "/abc", "/abd", false),
    ("**/*.key", "/a", "/b/c", false), ("*.key", "/a", "/b", false), ("**/private/**", "/a", "/b", false),
    ("**/private/**", "/private", "/public", true), ("/a/**/key", "/a/x", "/a/y/z", false),
    ("/{a,b}/key", "/a", "/b", false), ("/{a,b}/key", "/a", "/c", true), ("/[!a]/key", "/b", "/c", false),
    ("/[!a]/key", "/a", "/c", true), ("/**", "/a", "/b", true),
  ])
  func `a rule for paths below a directory prevents renaming that directory`(
    pattern: String, from: String, to: String, isDenied: Bool
  ) throws {
    let rule = try FilterReachTests.rule(.deny) { $0.pattern = try Glob(pattern) }
    #expect((FilterReachTests.verdict(from, to, rule) == .deny) == isDenied)
    #expect((FilterReachTests.verdict(to, from, rule) == .deny) == isDenied)
  }

  @Test(arguments: [
    ("/a", "/b", true), ("/c", "/a", true), ("/a/x", "/a/y", false), ("/c", "/d", false), ("/a/secret", "/a/b", true),
  ])
  func `a path_prefix rule prevents renaming directories above the prefix`(from: String, to: String, isDenied: Bool) {
    let rule = FilterReachTests.rule(.deny) { $0.pathPrefix = "/a/secret" }
    #expect((FilterReachTests.verdict(from, to, rule) == .deny) == isDenied)
  }

  @Test func `conditions on names do not prevent renaming other directories`() {
    let rule = FilterReachTests.rule(.deny) {
      $0.composite = .init(
        kind: .or,
        matchers: ["exe", "com"].map {
          var matcher = FilterMatcher()
          matcher.extensions = [$0]
          return matcher
        })
    }
    #expect(FilterReachTests.verdict("/a", "/b", rule) == .allow)
    let named = FilterReachTests.rule(.deny) { $0.directory = ".git" }
    #expect(FilterReachTests.verdict("/a", "/b", named) == .allow)
    #expect(FilterReachTests.verdict("/.git", "/b", named) == .deny)
  }

  @Test func `moving a directory out of a logged place is logged`() throws {
    let rule = try FilterReachTests.rule(.log) { $0.pattern = try Glob("/watched/**") }
    #expect(FilterReachTests.verdict("/watched", "/b", rule) == .log)
    #expect(FilterReachTests.verdict("/a", "/b", rule) == .allow)
  }

  @Test func `a directory cannot leave the only place that is allowed`() {
    let home = FilterReachTests.rule(.allow) { $0.pathPrefix = "/home/alice" }
    #expect(FilterReachTests.verdict("/home/alice/a", "/home/alice/b", default: .deny, home) == .allow)
    #expect(FilterReachTests.verdict("/home/alice/a", "/home/bob/a", default: .deny, home) == .deny)
    var renames = FilterRule(action: .allow)
    renames.operations = [.rename]
    #expect(FilterReachTests.verdict("/a", "/home/alice/a", default: .deny, renames, home) == .allow)
  }

  /// A move that is allowed changes for no path below the directory whether it is denied.
  @Test(arguments: 1...40 as ClosedRange<UInt64>) func `no allowed move takes a path out of the reach of a rule`(
    seed: UInt64
  ) throws {
    var random = SplitMix(seed: seed)
    func name() -> String { ["a", "b", "a.k"].randomElement(using: &random)! }
    func path(_ count: ClosedRange<Int>) -> String {
      (0..<Int.random(in: count, using: &random)).map { _ in "/" + name() }.joined()
    }
    func condition(_ depth: Int) throws -> FilterMatcher {
      var matcher = FilterMatcher()
      switch Int.random(in: 0..<(depth > 1 ? 4 : 6), using: &random) {
      case 0: matcher.pathPrefix = path(1...3)
      case 1:
        let parts = (0..<Int.random(in: 1...4, using: &random)).map { _ in
          ["a", "b", "*", "**", "a*", "?", "[ab]", "{a,b/a}", "*.k"].randomElement(using: &random)!
        }
        matcher.pattern = try Glob(parts.joined(separator: "/"))
      case 2: matcher.extensions = ["k"]
      case 3: matcher.directory = name()
      case 4: matcher.not = [try condition(depth + 1)]
      default:
        let kind = FilterMatcher.Composite.Kind.allCases.randomElement(using: &random)!
        matcher.composite = .init(
          kind: kind, matchers: [try condition(depth + 1), try condition(depth + 1)])
        if kind == .not { matcher.composite?.matchers.removeLast() }
      }
      return matcher
    }
    for _ in 0..<200 {
      var filter = TransferFilter()
      filter.isEnabled = true
      filter.defaultAction = Bool.random(using: &random) ? .allow : .deny
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        var rule = FilterRule(action: Bool.random(using: &random) ? .allow : .deny)
        rule.matcher = try condition(0)
        filter.rules.append(rule)
      }
      let (from, to) = (path(1...2), path(1...2))
      guard filter.verdict(onMove: FilterReachTests.move(from), to: FilterReachTests.move(to)).action != .deny else {
        continue
      }
      for _ in 0..<30 {
        let below = path(1...3)
        let (before, after) = (FilterReachTests.move(from + below), FilterReachTests.move(to + below))
        #expect(
          filter.verdict(on: before).action == filter.verdict(on: after).action,
          "\(from + below) to \(to + below) with \(filter)")
      }
    }
  }
}
