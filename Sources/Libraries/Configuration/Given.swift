/// A value that someone gave to a key.
struct GivenValue: Equatable, Sendable {
  var node: Node
  var source: Source

  /// Sources that override others have higher numbers; a default has 0.
  var rank: Int {
    switch source {
    case .file: 1
    case .environment: 2
    case .option: 3
    }
  }
}

/// Collects what file, environment and command line give to the keys: the highest source wins.
struct GivenValues {
  private(set) var values: [String: GivenValue] = [:]
  private(set) var problems: [Problem] = []
  /// Names that may stand beside the sections, for suggestions.
  private let others: [String]
  /// What ``names(in:)`` found before: a file can hold thousands of unknown keys.
  private var foundNames: [String: [String]] = [:]

  init(others: [String] = []) { self.others = others }

  /// The rank of the source of `path`'s value; 0 when it has its default.
  func rank(_ path: String) -> Int { values[path]?.rank ?? 0 }

  /// Takes what a file says.
  mutating func take(file: String, root: Node) { take(root, section: "", source: .file(file)) }

  /// Variables of bssh's client and of what comes with it: they may be in the environment of whoever starts the server.
  static let variablesOfClient: Set = [
    "BSSH_CACHE_ENABLED", "BSSH_CACHE_SIZE", "BSSH_CACHE_TTL", "BSSH_CERT_AUTHORITY_POLICY", "BSSH_CLUSTER_GROUPS",
    "BSSH_CONFIG", "BSSH_CONNECT_TIMEOUT", "BSSH_CURRENT_CLUSTER", "BSSH_ENV_CACHE_ENABLED", "BSSH_ENV_CACHE_SIZE",
    "BSSH_ENV_CACHE_TTL", "BSSH_FORWARD_BUFFER", "BSSH_FORWARD_RETRIES", "BSSH_FORWARD_TIMEOUT",
    "BSSH_MAX_JUMP_HOSTS", "BSSH_PARALLEL", "BSSH_PASSWORD", "BSSH_PDSH_COMPAT", "BSSH_SUDO_PASSWORD",
    "BSSH_TUI_LOG_MAX_ENTRIES",
  ]

  /// Takes the variables that begin with `BSSH_`; others are not ours, and neither are those of bssh's client.
  mutating func take(environment: [(name: String, value: String)]) {
    var taken: [String: String] = [:]
    for (name, value) in environment.sorted(by: { $0.name < $1.name })
    where name.hasPrefix("BSSH_") && !Self.variablesOfClient.contains(name) {
      let source = Source.environment(name)
      guard let key = KeyTable.keys.first(where: { $0.variables.contains(name) }) else {
        let known = KeyTable.keys.flatMap(\.variables)
        problems.append(
          Problem(source: source, key: "", reason: "unknown variable" + suggestion(for: name, among: known)))
        continue
      }
      if let other = taken[key.path] {
        problems.append(Problem(source: source, key: key.path, reason: "set by \(other) as well; unset one of them"))
      }
      taken[key.path] = name
      let texts = key.isList ? value.split(separator: ",").map(trimmed) : [value]
      take(key, texts: texts, source: source)
    }
  }

  /// Takes an option of the command line and its values, in order.
  mutating func take(option: String, values: [String]) {
    guard let key = KeyTable.keys.first(where: { $0.option == option }) else { return }
    take(key, texts: values, source: .option(option))
  }

  private mutating func take(_ key: Key, texts: [String], source: Source) {
    let nodes = texts.map { Node(.scalar($0, plain: true)) }
    let node = key.isList ? Node(.sequence(nodes)) : nodes.last
    if let node { values[key.path] = GivenValue(node: node, source: source) }
  }

  private mutating func take(_ node: Node, section: String, source: Source) {
    guard case .mapping(let entries) = node.content else {
      if node.isNull { return }
      let what = section.isEmpty ? "the sections \(names(in: "").joined(separator: ", "))" : "a section with keys"
      problems.append(
        Problem(source: source, position: node.position, key: section, reason: "expected \(what), found \(node.found)"))
      return
    }
    var seen: [String: Node.Position?] = [:]
    for entry in entries {
      let path = section.isEmpty ? entry.key : "\(section).\(entry.key)"
      if let first = seen[entry.key] {
        let place = first.map { "; first in line \($0.line)" } ?? ""
        problems.append(
          Problem(source: source, position: entry.position, key: shown(path), reason: "given twice" + place))
        continue
      }
      seen[entry.key] = .some(entry.position)
      if KeyTable.key(path) != nil {
        values[path] = GivenValue(node: entry.value, source: source)
      } else if KeyTable.keys.contains(where: { $0.path.hasPrefix(path + ".") }) {
        take(entry.value, section: path, source: source)
      } else {
        let reason = "unknown key" + hint(for: entry.key, in: section)
        problems.append(Problem(source: source, position: entry.position, key: shown(path), reason: reason))
      }
    }
  }

  /// Suggests a similar name in this section; or a key of this name deeper in the section, also in entries of lists; or one in
  /// another section.
  private mutating func hint(for name: String, in section: String) -> String {
    let near = suggestion(for: name, among: names(in: section))
    if !near.isEmpty { return near }
    let inside = Schema.paths.first { $0.hasPrefix(section + ".") && $0.hasSuffix("." + name) }
    let best = inside ?? KeyTable.keys.first { $0.name == name }?.path
    return best.map { "; did you mean '\($0)'?" } ?? ""
  }

  /// The keys and sections directly in `section`.
  private mutating func names(in section: String) -> [String] {
    if let found = foundNames[section] { return found }
    let depth = section.split(separator: ".").count
    var names = section.isEmpty ? others : []
    for key in KeyTable.keys where section.isEmpty || key.path.hasPrefix(section + ".") {
      let name = String(key.path.split(separator: ".")[depth])
      if !names.contains(name) { names.append(name) }
    }
    foundNames[section] = names
    return names
  }
}

/// A path made of a file's own words, fit to be shown.
private func shown(_ path: String) -> String { String(quoted(path).dropFirst().dropLast()) }

private func trimmed(_ text: Substring) -> String {
  let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
  var text = text.drop(while: isSpace)
  while let last = text.last, isSpace(last) { text.removeLast() }
  return String(text)
}
