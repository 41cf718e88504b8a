import Filter

/// A key of an entry of `filter.rules`.
public struct RuleKey: Sendable {
  /// The key.
  public let name: String
  /// The form of values, for the manual.
  public let form: String
  /// The description, for the template and the manual.
  public let meaning: String
  /// The schema of values. null is the same as no key.
  let schema: JSONSchema
  fileprivate let parse: @Sendable (Node, inout FilterRule, inout ValueDiagnostics, _ depth: Int) -> Void
  /// The value as YAML; nil: the rule does not have the key.
  fileprivate let render: @Sendable (FilterRule) -> Rendering?
  /// True for a key that can also be in a nested matcher.
  fileprivate let isMatcher: Bool

  private init<Value: Sendable & Equatable>(
    _ name: String, _ type: @escaping @Sendable (_ depth: Int) -> ValueType<Value>,
    _ target: WritableKeyPath<FilterRule, Value> & Sendable, unless absent: Value? = nil, isMatcher: Bool,
    _ meaning: String
  ) {
    self.name = name
    self.meaning = meaning
    self.isMatcher = isMatcher
    form = type(0).description
    schema = (name == "action" ? type(0).schema : .anyOf(type(0).schema, .null)).described(meaning)
    parse = { node, rule, faults, depth in
      if let value = type(depth).parse(node, &faults) { rule[keyPath: target] = value }
    }
    render = { $0[keyPath: target] == absent ? nil : type(0).render($0[keyPath: target]) }
  }

  private init<Value: Sendable & Equatable>(
    _ name: String, _ type: ValueType<Value>, _ target: WritableKeyPath<FilterRule, Value> & Sendable,
    unless absent: Value? = nil, isMatcher: Bool = false, _ meaning: String
  ) {
    self.init(name, { _ in type }, target, unless: absent, isMatcher: isMatcher, meaning)
  }

  private init<Value: Sendable & Equatable>(
    _ name: String, _ type: ValueType<Value>, given target: WritableKeyPath<FilterRule, Value?> & Sendable,
    isMatcher: Bool = false, _ meaning: String
  ) {
    self.init(name, type.present, target, unless: .some(nil), isMatcher: isMatcher, meaning)
  }

  /// All keys of a rule.
  public static let all: [RuleKey] = [
    RuleKey("name", .ruleName, given: \.name, "The name of the rule in records; default: \"rule\" and its number."),
    RuleKey("action", .choice(), \.action, "The action for what matches; required."),
    RuleKey(
      "pattern", .glob, given: \.matcher.pattern, isMatcher: true,
      "A pattern for the name, or with a / for the whole path: *, ?, [a-z], [!a-z], {a,b}, **."),
    RuleKey(
      "path_prefix", .directoryPrefix, given: \.matcher.pathPrefix, isMatcher: true,
      "A directory: matches it and everything below it."),
    RuleKey(
      "extensions", .list(.fileExtension, of: "a list of extensions"), \.matcher.extensions, unless: [],
      isMatcher: true, "Ends of names after a dot, in upper or lower case."),
    RuleKey(
      "directory", .pathPart, given: \.matcher.directory, isMatcher: true, "A name that is a component of the path."),
    RuleKey(
      "min_size", .size(0...1 << 50, clamped: .long), given: \.matcher.minSize, isMatcher: true,
      "Minimum size of a file."),
    RuleKey(
      "max_size", .size(0...1 << 50, clamped: .long), given: \.matcher.maxSize, isMatcher: true,
      "Maximum size of a file."),
    RuleKey(
      "not", { .negated(depth: $0) }, \.matcher.not, unless: [], isMatcher: true,
      "Keys from pattern to composite, which must not all match."),
    RuleKey(
      "composite", { ValueType.composite(depth: $0).present }, \.matcher.composite, unless: .some(nil),
      isMatcher: true, "type: and, or with matchers: a list of such keys; type: not with matcher: such keys."),
    RuleKey(
      "operations", .list(.operation, of: "a list of operations"), \.operations, unless: [],
      "upload, download, delete, rename, createdir, listdir, stat, setstat, symlink, readlink; default: all."),
    RuleKey(
      "users", .list(.accountName, of: "a list of users"), \.users, unless: [],
      "The users to whom the rule applies; default: all."),
    RuleKey(
      "groups", .list(.accountName, of: "a list of groups"), \.groups, unless: [],
      "The groups to whose members the rule applies; default: all."),
  ]

  fileprivate static let matchers = all.filter(\.isMatcher)

  /// The schema of a nested matcher: at least one key.
  static var matcherSchema: JSONSchema {
    guard case .object(let members) = JSONSchema.mapping(matchers.map { ($0.name, $0.schema) }) else { return .null }
    return .object(members + [("minProperties", .literal("1"))])
  }

  /// The schema of a rule: an action, and at least one condition.
  fileprivate static var ruleSchema: JSONSchema {
    let rule = JSONSchema.mapping(all.map { ($0.name, $0.schema) }, required: ["action"])
    guard case .object(let members) = rule else { return .null }
    let names = all.map(\.name).filter { !["name", "action"].contains($0) }
    return .object(
      members + [("anyOf", .array(names.map { .object([("required", .array([.text($0)]))]) }))])
  }
}

extension ValueType {
  /// A value that is optional in the rule; `null` is not accepted.
  fileprivate var present: ValueType<Value?> {
    ValueType<Value?>(
      description: description, schema: schema, parse: { node, faults in parse(node, &faults).map { .some($0) } },
      render: { $0.map(render) ?? .scalar("null") })
  }
}

extension ValueType where Value == String {
  fileprivate static let ruleName = text("a name") { text in
    let isName = !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    return isName && (1...256).contains(text.utf8.count)
      ? nil : "\(quoted(text)) is not a valid name of a rule: 1 to 256 bytes without control characters"
  }

  /// The path of a directory, as clients see it.
  fileprivate static let directoryPrefix = text("the path of a directory") { text in
    if text.isEmpty || text.utf8.count > 4095 || text.utf8.contains(0) {
      return "expected the path of a directory of 1 to 4095 bytes, found \(quoted(text))"
    }
    return text.split(separator: "/").contains { $0 == ".." || $0 == "." }
      ? "the path \(quoted(text)) must not contain '.' or '..': it is compared with paths without these" : nil
  }

  fileprivate static let fileExtension = ValueType(
    description: "an extension", schema: .scalar,
    parse: { node, faults in
      guard let text = extensionText.parse(node, &faults) else { return nil }
      return text.hasPrefix(".") ? String(text.dropFirst()) : text
    }, render: { .scalar(yamlText($0)) })

  private static let extensionText = text("an extension, such as exe or tar.gz") { text in
    let name = text.hasPrefix(".") ? text.dropFirst() : text[...]
    return name.isEmpty || name.utf8.count > 255 || name.utf8.contains { $0 == 0x2f || $0 == 0 }
      ? "\(quoted(text)) is not an extension: expected 1 to 255 bytes without '/', such as exe or tar.gz" : nil
  }

  fileprivate static let pathPart = text("a name without /") { text in
    text.isEmpty || text.utf8.count > 255 || text == "." || text == ".."
      || text.utf8.contains { $0 == 0x2f || $0 == 0 }
      ? "\(quoted(text)) is not a component of a path: expected 1 to 255 bytes without '/'; use path_prefix for paths"
      : nil
  }
}

extension ValueType where Value == Glob {
  fileprivate static let glob = ValueType(
    description: "a pattern", schema: .scalar,
    parse: { node, faults in
      guard case .scalar(let text, _) = node.content, !node.isNull else {
        faults.add(node, "expected a pattern, found \(node.found)")
        return nil
      }
      do throws(GlobError) { return try Glob(text) } catch {
        faults.add(node, "\(quoted(text)) is not a pattern: \(error.description)")
        return nil
      }
    }, render: { .scalar(yamlText($0.pattern)) })
}

extension ValueType where Value == FilterOperation {
  fileprivate static let operation = ValueType(
    description: "an operation", schema: operationSchema,
    parse: { node, faults in
      let known = FilterOperation.allCases.map(\.rawValue)
      guard case .scalar(let text, _) = node.content, !node.isNull else {
        faults.add(node, "expected one of \(known.joined(separator: ", ")), found \(node.found)")
        return nil
      }
      if let operation = FilterOperation(name: text) { return operation }
      faults.add(
        node,
        "unknown operation \(quoted(text))\(suggestion(for: text, among: known)); known: "
          + known.joined(separator: ", "))
      return nil
    }, render: { .scalar($0.rawValue) })
}

/// The names of operations in upper or lower case, and the two other names that ``FilterOperation/init(name:)`` accepts.
private let operationSchema: JSONSchema = .pattern(
  (FilterOperation.allCases.map(\.rawValue) + ["mkdir", "readdir"]).map { name in
    name.map { "[\($0)\($0.uppercased())]" }.joined()
  }.joined(separator: "|"))

extension ValueType where Value == [FilterMatcher] {
  /// A matcher that must not match, as an array of one.
  fileprivate static func negated(depth: Int) -> ValueType {
    ValueType(
      description: "a matcher", isFileOnly: true, schema: .reference("matcher"),
      parse: { node, faults in matcher(node, &faults, depth: depth + 1).map { [$0] } },
      render: { .nested($0.flatMap(entries(of:))) })
  }
}

extension ValueType where Value == FilterMatcher.Composite {
  fileprivate static func composite(depth: Int) -> ValueType {
    ValueType(
      description: "type and matchers", isFileOnly: true, schema: compositeSchema,
      parse: { node, faults in parseComposite(node, &faults, depth: depth + 1) },
      render: { composite in
        .nested([
          ("type", .scalar(composite.kind.rawValue)), ("matchers", .block(composite.matchers.map(entries(of:)))),
        ])
      })
  }
}

extension ValueType where Value == [FilterRule] {
  /// Rules: each is a mapping with the keys ``RuleKey/all``.
  static let filterRules = ValueType(
    description: "a list of rules", isFileOnly: true,
    schema: .list(of: RuleKey.ruleSchema, atMost: TransferFilter.ruleLimit),
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of rules, found \(node.found)")
        return nil
      }
      guard items.count <= TransferFilter.ruleLimit else {
        faults.add(node, "expected at most \(TransferFilter.ruleLimit) rules, found \(items.count)")
        return nil
      }
      var rules: [FilterRule] = []
      for (index, item) in items.enumerated() {
        if let rule = faults.within("[\(index)]", { rule(item, &$0) }) { rules.append(rule) }
      }
      return rules
    },
    render: { rules in
      .block(rules.map { rule in RuleKey.all.compactMap { key in key.render(rule).map { (key.name, $0) } } })
    })
}

/// The type `not` has one matcher; the others have a list, whose key may be `matcher` too.
private let compositeSchema: JSONSchema = .mapping(
  [
    ("type", ValueType<FilterMatcher.Composite.Kind>.choice().schema),
    ("matchers", .list(of: .reference("matcher"))), ("matcher", .anyOf(.reference("matcher"), .null)),
  ], required: ["type"])

private func rule(_ node: Node, _ faults: inout ValueDiagnostics) -> FilterRule? {
  var rule = FilterRule(action: .deny)
  guard let seen = read(node, RuleKey.all, into: &rule, "a rule with an action", &faults, depth: 0) else { return nil }
  if !seen.contains("action") {
    faults.add(node, "the rule has no action: one of " + FilterAction.allCases.map(\.rawValue).joined(separator: ", "))
  }
  if seen.isSubset(of: ["action", "name"]) {
    faults.add(node, "the rule has no conditions; filter.default_action applies to everything else")
  }
  return rule
}

private func matcher(_ node: Node, _ faults: inout ValueDiagnostics, depth: Int) -> FilterMatcher? {
  guard depth <= FilterMatcher.deepest else {
    faults.add(node, "matchers are nested more than \(FilterMatcher.deepest) deep")
    return nil
  }
  var rule = FilterRule(action: .deny)
  let faultsBefore = faults.all.count
  guard let seen = read(node, RuleKey.matchers, into: &rule, "a matcher", &faults, depth: depth) else { return nil }
  if seen.isEmpty, faults.all.count == faultsBefore {
    let names = RuleKey.matchers.map(\.name).joined(separator: ", ")
    faults.add(node, "the matcher is empty; expected at least one of \(names)")
  }
  return rule.matcher
}

/// Reads the keys of a mapping, and returns those that are present; nil if it is not a mapping.
///
/// A value of `null` is the same as no key, because bssh writes it for keys that a rule does not use; `action` is
/// required.
private func read(
  _ node: Node, _ keys: [RuleKey], into rule: inout FilterRule, _ expected: String, _ faults: inout ValueDiagnostics,
  depth: Int
) -> Set<String>? {
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected \(expected), found \(node.found)")
    return nil
  }
  var seen: Set<String> = []
  var given: Set<String> = []
  for entry in entries {
    faults.within(".\(entry.key)") { faults in
      if !given.insert(entry.key).inserted { faults.add(at: entry.position, "given twice") }
      guard let key = keys.first(where: { $0.name == entry.key }) else {
        faults.add(at: entry.position, "unknown key" + suggestion(for: entry.key, among: keys.map(\.name)))
        return
      }
      if entry.value.isNull, key.name != "action" { return }
      seen.insert(entry.key)
      key.parse(entry.value, &rule, &faults, depth)
    }
  }
  return seen
}

private func parseComposite(_ node: Node, _ faults: inout ValueDiagnostics, depth: Int) -> FilterMatcher.Composite? {
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected type and matchers, found \(node.found)")
    return nil
  }
  var kind: FilterMatcher.Composite.Kind?
  var matchers: [FilterMatcher] = []
  var seen: Set<String> = []
  let complaints = faults.all.count
  for entry in entries {
    faults.within(".\(entry.key)") { faults in
      if !seen.insert(entry.key).inserted { faults.add(at: entry.position, "given twice") }
      switch entry.key {
      case "type": kind = ValueType<FilterMatcher.Composite.Kind>.choice().parse(entry.value, &faults)
      case "matcher" where entry.value.isNull: break
      case "matcher":
        if let matcher = matcher(entry.value, &faults, depth: depth) { matchers.append(matcher) }
      case "matchers":
        guard case .sequence(let items) = entry.value.content else {
          faults.add(entry.value, "expected a list of matchers, found \(entry.value.found)")
          return
        }
        for (index, item) in items.enumerated() {
          if let matcher = faults.within("[\(index)]", { matcher(item, &$0, depth: depth) }) {
            matchers.append(matcher)
          }
        }
      case let name:
        let known = ["type", "matchers", "matcher"]
        faults.add(at: entry.position, "unknown key" + suggestion(for: name, among: known))
      }
    }
  }
  if faults.all.count > complaints { return nil }
  guard let kind else {
    faults.add(node, "the composite has no type: one of and, or, not")
    return nil
  }
  guard kind == .not ? matchers.count == 1 : !matchers.isEmpty else {
    let wanted = kind == .not ? "one matcher" : "a list of matchers"
    faults.add(node, "'\(kind.rawValue)' takes \(wanted), found \(matchers.count)")
    return nil
  }
  return .init(kind: kind, matchers: matchers)
}

private func entries(of matcher: FilterMatcher) -> [(String, Rendering)] {
  var rule = FilterRule(action: .deny)
  rule.matcher = matcher
  return RuleKey.matchers.compactMap { key in key.render(rule).map { (key.name, $0) } }
}
