/// The configuration as a JSON Schema, for editors and for checks without bssh-server.
///
/// It accepts every file that loads, read as YAML 1.2, and refuses unknown keys and values of a wrong type. Only the
/// loader checks files, accounts, combinations of keys, and the syntax of patterns and hashes.
public enum Schema {
  /// The whole document, which ends with a newline.
  public static var text: String {
    let head: [(String, JSONSchema)] = [
      ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
      ("title", .text("The configuration of bssh-server")),
      ("description", .text("Made by bssh-server gen-config --schema. The manual is bssh-server.yaml(5).")),
    ]
    guard case .object(let root) = sections(KeyTable.keys, depth: 0) else { return "" }
    let definitions: [(String, JSONSchema)] = [("block", matchSchema), ("matcher", RuleKey.matcherSchema)]
    return JSONSchema.object(head + root + [("$defs", .object(definitions))]).lines() + "\n"
  }

  /// A mapping of `keys` in their sections, without the first `depth` components of their paths. A section may be empty.
  static func sections(_ keys: [Key], depth: Int) -> JSONSchema {
    .mapping(properties(keys, depth: depth), orNull: true)
  }

  static func properties(_ keys: [Key], depth: Int) -> [(String, JSONSchema)] {
    var names: [Substring] = []
    let parts = keys.map { (key: $0, path: $0.path.split(separator: ".")) }
    for part in parts where !names.contains(part.path[depth]) { names.append(part.path[depth]) }
    return names.map { name in
      let inside = parts.filter { $0.path[depth] == name }
      if let first = inside.first, first.path.count == depth + 1 { return (String(name), first.key.schema) }
      return (String(name), sections(inside.map(\.key), depth: depth + 1))
    }
  }

  /// The paths of all keys, and after them of the keys in values, such as `audit.exporters[].path`.
  static let paths =
    KeyTable.keys.map(\.path) + KeyTable.keys.flatMap { key in key.valueSchema.paths.map { key.path + $0 } }
}
