import AccessControl
import Filter

extension Key {
  /// Why the key is not allowed in a `match` block; nil: it is.
  ///
  /// Blocks apply only once the user name is known, and they must not reveal which names exist.
  var matchProblem: String? {
    switch path {
    case "auth.password.users", "auth.password.users_file": "defines the users, before any block applies"
    case "auth.password.minimum_time": "is the same for all users, because the time of a reply must not reveal them"
    case let path where Self.matchSections.contains(where: path.hasPrefix): nil
    case let path where path.hasPrefix("security.") && path.hasSuffix("timeout"): nil
    default: "is the same for all connections, and in use before the user is known"
    }
  }

  private static let matchSections = ["auth.", "shell.", "sftp.", "scp.", "filter.", "forwarding.", "audit.recording."]
}

extension ValueType where Value == [Match] {
  /// Blocks: each has conditions, and keys in their sections as in the file itself.
  static let matches = ValueType(
    description: "a list of blocks", isFileOnly: true, schema: .list(of: .reference("block"), atMost: Match.countLimit),
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of blocks, found \(node.found)")
        return nil
      }
      guard items.count <= Match.countLimit else {
        faults.add(node, "expected at most \(Match.countLimit) blocks, found \(items.count)")
        return nil
      }
      return items.enumerated().compactMap { index, item in faults.within("[\(index)]") { match(item, &$0) } }
    },
    render: { .block($0.map(entries(of:))) })
}

extension ValueType {
  /// A value of `type`, optionally preceded by `!`.
  fileprivate static func entry<Inner: CustomStringConvertible>(
    _ type: ValueType<Inner>
  ) -> ValueType where Value == Match.Entry<Inner> {
    ValueType(
      description: type.description, schema: type.schema,
      parse: { node, faults in
        guard case .scalar(let text, let plain) = node.content, text.hasPrefix("!") else {
          return type.parse(node, &faults).map { Match.Entry($0) }
        }
        let rest = Node(.scalar(String(text.dropFirst()), plain: plain), at: node.position)
        return type.parse(rest, &faults).map { Match.Entry($0, isNegated: true) }
      },
      render: { .scalar(yamlText(($0.isNegated ? "!" : "") + $0.value.description)) })
  }
}

private typealias Patterns = ValueType<[Match.Entry<NamePattern>]>
private let users = Patterns.list(.entry(.userName), of: "a list of names and patterns of users")
private let groups = Patterns.list(.entry(.groupPattern), of: "a list of names and patterns of groups")
private let addresses = ValueType<[Match.Entry<AddressRange>]>.list(
  .entry(.addressRange), of: "a list of addresses and ranges of them")

/// The schema of a block: at least one condition, and at least one section.
var matchSchema: JSONSchema {
  let sections = Schema.properties(KeyTable.keys.filter { $0.matchProblem == nil }, depth: 0)
  let conditions = [
    ("users", users.schema), ("groups", groups.schema), ("addresses", addresses.schema),
  ]
  guard case .object(let members) = JSONSchema.mapping(conditions + sections) else { return .null }
  let one = { (names: [String]) in
    JSONSchema.object([
      ("anyOf", .array(names.map { .object([("required", .array([.text($0)]))]) }))
    ])
  }
  return .object(members + [("allOf", .array([one(Match.conditions), one(sections.map(\.0))]))])
}

private func match(_ node: Node, _ faults: inout ValueDiagnostics) -> Match? {
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected a block with conditions and keys, found \(node.found)")
    return nil
  }
  var block = Match()
  var keys: [Node.Entry] = []
  var seen: Set<String> = []
  for entry in entries {
    guard Match.conditions.contains(entry.key) else {
      keys.append(entry)
      continue
    }
    faults.within(".\(entry.key)") { faults in
      guard seen.insert(entry.key).inserted else { return faults.add(at: entry.position, "given twice") }
      switch entry.key {
      case "users": block.users = condition(users, entry.value, &faults)
      case "groups": block.groups = condition(groups, entry.value, &faults)
      default: block.addresses = condition(addresses, entry.value, &faults)
      }
    }
  }
  if seen.isEmpty {
    let names = Match.conditions.joined(separator: ", ")
    faults.add(node, "the block has no condition (\(names)); keys for all users are set outside of match")
  }
  if keys.isEmpty { faults.add(node, "the block changes nothing: it has only conditions") }
  readKeys(Node(.mapping(keys), at: node.position), into: &block, &faults)
  return block
}

private func condition<Value>(
  _ type: ValueType<[Match.Entry<Value>]>, _ node: Node, _ faults: inout ValueDiagnostics
) -> [Match.Entry<Value>] {
  guard let entries = type.parse(node, &faults) else { return [] }
  if !entries.isEmpty, entries.allSatisfy(\.isNegated) {
    faults.add(node, "nothing can match: '!' only excludes from other entries, such as '*'")
  }
  return entries
}

private func readKeys(_ node: Node, into block: inout Match, _ faults: inout ValueDiagnostics) {
  var given = RawSettings(others: Match.conditions)
  given.add(file: "", root: node)
  for problem in given.problems {
    faults.within(".\(problem.key)") { $0.add(at: problem.position, problem.reason) }
  }
  var choices = UnresolvedSettings()
  for key in KeyTable.keys {
    guard let value = given.values[key.path] else { continue }
    faults.within(".\(key.path)") { faults in
      guard let problem = key.matchProblem else { return key.parse(value.node, &choices, &faults) }
      faults.add(value.node, "is not allowed in a block: it \(problem)")
    }
    block.paths.append(key.path)
  }
  block.choices = choices
  chooseKeyFiles(&block)
}

/// Of the two keys for authorized_keys, the one that a block sets replaces the other, as in the file.
private func chooseKeyFiles(_ block: inout Match) {
  let places = ["auth.publickey.authorized_keys_dir", "auth.publickey.authorized_keys_pattern"]
  switch places.map(block.paths.contains) {
  case [true, false] where block.values.auth.authorizedKeysDirectory != nil:
    block.values.auth.authorizedKeysPattern = nil
  case [false, true] where block.values.auth.authorizedKeysPattern != nil:
    block.values.auth.authorizedKeysDirectory = nil
  default: return
  }
  let paths = block.paths + places
  block.paths = KeyTable.keys.map(\.path).filter(paths.contains)
}

private func entries(of block: Match) -> [(String, Rendering)] {
  var entries: [(String, Rendering)] = []
  if !block.users.isEmpty { entries.append(("users", users.render(block.users))) }
  if !block.groups.isEmpty { entries.append(("groups", groups.render(block.groups))) }
  if !block.addresses.isEmpty { entries.append(("addresses", addresses.render(block.addresses))) }
  let keys = block.paths.compactMap(KeyTable.key)
  return entries + nested(keys.map { ($0.path.split(separator: ".")[...], $0.render(block.choices)) })
}

/// Values in their sections.
private func nested(_ values: [(path: ArraySlice<Substring>, value: Rendering)]) -> [(String, Rendering)] {
  var names: [Substring] = []
  for (path, _) in values { if let name = path.first, !names.contains(name) { names.append(name) } }
  return names.map { name in
    let inside = values.filter { $0.path.first == name }.map { (path: $0.path.dropFirst(), value: $0.value) }
    if let first = inside.first, first.path.isEmpty { return (String(name), first.value) }
    return (String(name), .nested(nested(inside)))
  }
}
