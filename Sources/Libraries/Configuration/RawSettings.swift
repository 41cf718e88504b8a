/// A value of a key as it is written in a file, a variable or an option.
struct RawSetting: Equatable, Sendable {
  var node: Node
  var source: Source

  /// The precedence of the source: a higher rank overrides a lower one. A default has 0.
  var rank: Int {
    switch source {
    case .file: 1
    case .environment: 2
    case .option: 3
    }
  }
}

/// Collects the values of the keys from the file, the environment and the command line; the highest rank wins.
struct RawSettings {
  private(set) var values: [String: RawSetting] = [:]
  private(set) var problems: [Diagnostic] = []
  /// Additional names beside the sections, for suggestions.
  private let others: [String]
  /// The results of ``names(in:)``, because a file can contain thousands of unknown keys.
  private var foundNames: [String: [String]] = [:]

  init(others: [String] = []) { self.others = others }

  /// The rank of the value of `path`; 0 for the default.
  func rank(_ path: String) -> Int { values[path]?.rank ?? 0 }

  /// Adds the values of a file.
  mutating func add(file: String, root: Node) { add(root, section: "", source: .file(file)) }

  /// Variables of bssh's client and its tools, which may be in the environment of the user who starts the server.
  static let variablesOfClient: Set = [
    "BSSH_CACHE_ENABLED", "BSSH_CACHE_SIZE", "BSSH_CACHE_TTL", "BSSH_CERT_AUTHORITY_POLICY", "BSSH_CLUSTER_GROUPS",
    "BSSH_CONFIG", "BSSH_CONNECT_TIMEOUT", "BSSH_CURRENT_CLUSTER", "BSSH_ENV_CACHE_ENABLED", "BSSH_ENV_CACHE_SIZE",
    "BSSH_ENV_CACHE_TTL", "BSSH_FORWARD_BUFFER", "BSSH_FORWARD_RETRIES", "BSSH_FORWARD_TIMEOUT",
    "BSSH_MAX_JUMP_HOSTS", "BSSH_PARALLEL", "BSSH_PASSWORD", "BSSH_PDSH_COMPAT", "BSSH_SUDO_PASSWORD",
    "BSSH_TUI_LOG_MAX_ENTRIES",
  ]

  /// Adds the variables that begin with `BSSH_`, except those of bssh's client.
  mutating func add(environment: [(name: String, value: String)]) {
    var taken: [String: String] = [:]
    for (name, value) in environment.sorted(by: { $0.name < $1.name })
    where name.hasPrefix("BSSH_") && !Self.variablesOfClient.contains(name) {
      let source = Source.environment(name)
      guard let key = KeyTable.keys.first(where: { $0.variables.contains(name) }) else {
        let known = KeyTable.keys.flatMap(\.variables)
        problems.append(
          Diagnostic(source: source, key: "", reason: "unknown variable" + suggestion(for: name, among: known)))
        continue
      }
      if let other = taken[key.path] {
        problems.append(Diagnostic(source: source, key: key.path, reason: "also set by \(other); unset one of them"))
      }
      taken[key.path] = name
      let texts = key.isList ? value.split(separator: ",").map(trimmed) : [value]
      add(key, texts: texts, source: source)
    }
  }

  /// Adds an option of the command line with its values, in order.
  mutating func add(option: String, values: [String]) {
    guard let key = KeyTable.keys.first(where: { $0.option == option }) else { return }
    add(key, texts: values, source: .option(option))
  }

  private mutating func add(_ key: Key, texts: [String], source: Source) {
    let nodes = texts.map { Node(.scalar($0, plain: true)) }
    let node = key.isList ? Node(.sequence(nodes)) : nodes.last
    if let node { values[key.path] = RawSetting(node: node, source: source) }
  }

  private mutating func add(_ node: Node, section: String, source: Source) {
    guard case .mapping(let entries) = node.content else {
      if node.isNull { return }
      let what = section.isEmpty ? "the sections \(names(in: "").joined(separator: ", "))" : "a section with keys"
      problems.append(
        Diagnostic(
          source: source, position: node.position, key: section, reason: "expected \(what), found \(node.found)"))
      return
    }
    var seen: [String: Node.Position?] = [:]
    for entry in entries {
      let path = section.isEmpty ? entry.key : "\(section).\(entry.key)"
      if let first = seen[entry.key] {
        let place = first.map { "; first in line \($0.line)" } ?? ""
        problems.append(
          Diagnostic(source: source, position: entry.position, key: shown(path), reason: "given twice" + place))
        continue
      }
      seen[entry.key] = .some(entry.position)
      if KeyTable.key(path) != nil {
        values[path] = RawSetting(node: entry.value, source: source)
      } else if KeyTable.keys.contains(where: { $0.path.hasPrefix(path + ".") }) {
        add(entry.value, section: path, source: source)
      } else {
        let reason = "unknown key" + hint(for: entry.key, in: section)
        problems.append(Diagnostic(source: source, position: entry.position, key: shown(path), reason: reason))
      }
    }
  }

  /// Suggests a similar name in this section, a key of this name deeper in the section, including entries of lists, or a
  /// key of this name in another section.
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

/// A path with names from a file, with control characters escaped.
private func shown(_ path: String) -> String { String(quoted(path).dropFirst().dropLast()) }

private func trimmed(_ text: Substring) -> String {
  let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
  var text = text.drop(while: isSpace)
  while let last = text.last, isSpace(last) { text.removeLast() }
  return String(text)
}
