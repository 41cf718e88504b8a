import Configuration
import Filter
import Testing

private func rules(_ entries: KeyValuePairs<String, Node>...) -> Node {
  Node(.sequence(entries.map(mapping)))
}

private let operationNames = "upload, download, delete, rename, createdir, listdir, stat, setstat, symlink, readlink"

/// Rules and the only error that they cause, after `f.yaml: filter.`.
private let faults: [(Node, String)] = [
  (plain("x"), "rules: expected a list of rules, found 'x'"),
  (list(plain("x")), "rules[0]: expected a rule with an action, found 'x'"),
  (rules(["directory": plain("a")]), "rules[0]: the rule has no action: one of allow, deny, log"),
  (
    rules(["action": plain("deny"), "name": plain("a")]),
    "rules[0]: the rule has no conditions; filter.default_action applies to everything else"
  ),
  (
    rules(["action": plain("block"), "directory": plain("a")]),
    "rules[0].action: expected one of allow, deny, log, found 'block'"
  ),
  (
    rules(["action": plain("deny"), "patern": plain("a"), "directory": plain("a")]),
    "rules[0].patern: unknown key; did you mean 'pattern'?"
  ),
  (
    rules(["action": plain("deny"), "directory": plain("a"), "directory": plain("b")]),
    "rules[0].directory: given twice"
  ),
  (
    rules(["action": plain("deny"), "pattern": plain("[a")]),
    "rules[0].pattern: '[a' is not a pattern: '[' without ']'"
  ),
  (
    rules(["action": plain("deny"), "pattern": plain("")]),
    "rules[0]: the rule has no conditions; filter.default_action applies to everything else"
  ),
  (
    rules(["action": plain("deny"), "path_prefix": plain("/a/../b")]),
    "rules[0].path_prefix: the path '/a/../b' must not contain '.' or '..': it is compared with paths without these"
  ),
  (
    rules(["action": plain("deny"), "extensions": list(plain("a/b"))]),
    "rules[0].extensions[0]: 'a/b' is not an extension: expected 1 to 255 bytes without '/', such as exe or tar.gz"
  ),
  (
    rules(["action": plain("deny"), "extensions": list()]),
    "rules[0].extensions: expected a list of extensions, found an empty one"
  ),
  (
    rules(["action": plain("deny"), "directory": plain("a/b")]),
    "rules[0].directory: 'a/b' is not a component of a path: expected 1 to 255 bytes without '/'; use path_prefix for paths"
  ),
  (
    rules(["action": plain("deny"), "min_size": plain("1MB")]),
    "rules[0].min_size: expected a size from 0 to 1024TiB, found '1MB'; did you mean '1MiB'?"
  ),
  (
    rules(["action": plain("deny"), "operations": list(plain("uplaod"))]),
    "rules[0].operations[0]: unknown operation 'uplaod'; did you mean 'upload'?; known: " + operationNames
  ),
  (
    rules(["action": plain("deny"), "operations": list(plain("mkdir"), plain("createdir"))]),
    "rules[0].operations[1]: 'createdir' is a duplicate"
  ),
  (
    rules(["action": plain("deny"), "users": list(plain("a b"))]),
    "rules[0].users[0]: 'a b' is not a valid user name: 1 to 256 bytes without spaces, '/', ':' and '\\', "
      + "no '-' first"
  ),
  (rules(["action": plain("deny"), "not": plain("x")]), "rules[0].not: expected a matcher, found 'x'"),
  (
    rules(["action": plain("deny"), "not": mapping([:])]),
    "rules[0].not: the matcher is empty; expected at least one of pattern, path_prefix, extensions, directory, "
      + "min_size, max_size, not, composite"
  ),
  (
    rules(["action": plain("deny"), "not": mapping(["users": list(plain("a"))])]),
    "rules[0].not.users: unknown key"
  ),
  (
    rules(["action": plain("deny"), "composite": mapping(["matchers": list(mapping(["directory": plain("a")]))])]),
    "rules[0].composite: the composite has no type: one of and, or, not"
  ),
  (
    rules(["action": plain("deny"), "composite": mapping(["type": plain("xor")])]),
    "rules[0].composite.type: expected one of and, or, not, found 'xor'; did you mean 'or'?"
  ),
  (
    rules(["action": plain("deny"), "composite": mapping(["type": plain("and"), "matchers": list()])]),
    "rules[0].composite: 'and' takes a list of matchers, found 0"
  ),
  (
    rules([
      "action": plain("deny"),
      "composite": mapping([
        "type": plain("not"),
        "matchers": list(mapping(["directory": plain("a")]), mapping(["directory": plain("b")])),
      ]),
    ]),
    "rules[0].composite: 'not' takes one matcher, found 2"
  ),
  (
    rules(["action": plain("deny"), "composite": mapping(["type": plain("or"), "macher": plain("a")])]),
    "rules[0].composite.macher: unknown key; did you mean 'matcher'?"
  ),
]

@Suite struct FilterRulesTests {
  @Test(arguments: faults)
  func `a fault of a rule is reported with its place`(node: Node, complaint: String) {
    #expect(complaints(tree("filter.rules", node)) == ["f.yaml: filter." + complaint])
  }

  /// The keys and forms that bssh documents.
  @Test func `rules of bssh are accepted`() throws {
    let node = rules(
      ["name": quotedText("block-exe"), "pattern": quotedText("*.exe"), "action": plain("deny")],
      ["path_prefix": quotedText("/tmp/"), "action": plain("log")],
      ["extensions": list(quotedText("exe"), quotedText("BAT"), quotedText(".sh")), "action": plain("deny")],
      [
        "composite": mapping([
          "type": plain("and"),
          "matchers": list(
            mapping(["pattern": quotedText("*.env")]), mapping(["not": mapping(["path_prefix": quotedText("/home")])])),
        ]), "action": plain("deny"),
      ],
      [
        "composite": mapping(["type": plain("not"), "matcher": mapping(["path_prefix": quotedText("/data")])]),
        "action": plain("deny"),
      ],
      [
        "pattern": quotedText("*.log"), "action": plain("deny"),
        "operations": list(quotedText("upload"), quotedText("delete")), "users": list(quotedText("guest")),
        "max_size": plain("1048576"),
      ])
    var expected = [FilterRule(name: "block-exe", action: .deny)]
    expected[0].matcher.pattern = try Glob("*.exe")
    expected += [.log, .deny, .deny, .deny, .deny].map { FilterRule(action: $0) }
    expected[1].matcher.pathPrefix = "/tmp/"
    expected[2].matcher.extensions = ["exe", "BAT", "sh"]
    var environment = FilterMatcher()
    environment.pattern = try Glob("*.env")
    var home = FilterMatcher()
    home.pathPrefix = "/home"
    var elsewhere = FilterMatcher()
    elsewhere.not = [home]
    expected[3].matcher.composite = .init(kind: .and, matchers: [environment, elsewhere])
    home.pathPrefix = "/data"
    expected[4].matcher.composite = .init(kind: .not, matchers: [home])
    expected[5].matcher.pattern = try Glob("*.log")
    expected[5].matcher.maxSize = 1 << 20
    expected[5].operations = [.upload, .delete]
    expected[5].users = ["guest"]
    #expect(try load(tree("filter.rules", node)).settings.filter.rules == expected)
  }

  @Test func `matchers that are nested too deeply are refused`() {
    func nested(_ depth: Int) -> [String] {
      let inner = (0..<depth).reduce(mapping(["directory": plain("a")])) { inner, _ in mapping(["not": inner]) }
      return complaints(tree("filter.rules", rules(["action": plain("deny"), "not": inner])))
    }
    #expect(nested(FilterMatcher.deepest - 1) == [])
    #expect(nested(FilterMatcher.deepest).first?.hasSuffix("matchers are nested more than 16 deep") == true)
  }

  @Test func `too many rules are refused`() {
    let rule = mapping(["action": plain("deny"), "directory": plain("a")])
    func count(_ count: Int) -> [String] {
      complaints(tree("filter.rules", Node(.sequence(Array(repeating: rule, count: count)))))
    }
    #expect(count(1000) == [])
    #expect(count(1001) == ["f.yaml: filter.rules: expected at most 1000 rules, found 1001"])
  }
}

@Suite struct RootTests {
  @Test(arguments: ["/", "/srv", "%h", "%h/files", "/srv/%u", "/srv/100%%"])
  func `a root is absolute`(root: String) throws {
    #expect(try load(tree("sftp.root", plain(root))).settings.sftp.root == root)
    let user = list(mapping(["name": plain("a"), "root": plain(root)]))
    #expect(try load(tree("auth.password.users", user)).settings.auth.users.first?.root == root)
  }

  @Test(arguments: [
    ("srv", "'srv' is not absolute: it must begin with '/' or '%h/'"),
    ("%u", "'%u' is not absolute: it must begin with '/' or '%h/'"),
    ("/srv/%h", "%h is an absolute path and must be at the beginning"),
    ("/srv/%d", "unknown '%d': expected %h (home), %u (name) or %% (a percent sign)"),
    ("/srv/%", "unknown '%': expected %h (home), %u (name) or %% (a percent sign)"),
    ("/srv/../x", "the path '/srv/../x' must not contain '..'"),
    ("%hx", "'%hx' is not absolute: it must begin with '/' or '%h/'"),
  ])
  func `an invalid root is refused`(root: String, complaint: String) {
    for key in ["sftp.root", "scp.root"] {
      #expect(complaints(tree(key, plain(root))) == ["f.yaml: \(key): \(complaint)"])
    }
    let user = list(mapping(["name": plain("a"), "root": plain(root)]))
    #expect(
      complaints(tree("auth.password.users", user)) == ["f.yaml: auth.password.users[0].root: \(complaint)"])
  }
}
