/// Where the values of a configuration are set, for explanations: `server.yaml:12:5`, `BSSH_AUTH_METHODS`.
public struct SourceMap: Equatable, Sendable {
  private let values: [String: RawSetting]

  init(_ values: [String: RawSetting] = [:]) { self.values = values }

  /// Where the key or an entry of its list is set; nil: it has its default.
  public func location(of path: String, entry: Int? = nil) -> String? {
    values[path].map { location($0.node, entry, in: $0.source) }
  }

  /// Where a `match` block, by index, sets the key or an entry of its list; nil: it does not.
  public func location(of path: String, entry: Int? = nil, inBlock block: Int) -> String? {
    guard let match = values["match"],
      let value = path.split(separator: ".").reduce(match.node.item(block), { $0?.entry(String($1)) })
    else { return nil }
    return location(value, entry, in: match.source)
  }

  /// Where the entry of a user in `auth.password.users` sets a key or an entry of its list; nil: it does not, or the user
  /// is in `auth.password.users_file`.
  public func location(ofUserKey key: String, entry: Int? = nil, user name: String) -> String? {
    guard let users = values["auth.password.users"], case .sequence(let items) = users.node.content else { return nil }
    let user = items.first { item in
      guard case .scalar(let text, _)? = item.entry("name")?.content else { return false }
      return text.utf8.elementsEqual(name.utf8)
    }
    return user?.entry(key).map { location($0, entry, in: users.source) }
  }

  /// A problem with the place of a key, of an entry of its list, or of a part of it.
  ///
  /// - Parameter block: the index of the `match` block that sets the key; nil: none.
  public func problem(
    of path: String, entry: Int? = nil, part: String? = nil, inBlock block: Int? = nil, _ reason: String
  ) -> Diagnostic {
    let key =
      (block.map { "match[\($0)]." } ?? "") + path + (entry.map { "[\($0)]" } ?? "") + (part.map { "." + $0 } ?? "")
    guard let value = values[block == nil ? path : "match"] else {
      return Diagnostic(source: nil, key: path, reason: reason)
    }
    var node = value.node
    if let block {
      let keys = path.split(separator: ".").map(String.init)
      node = keys.reduce(node.item(block)) { $0?.entry($1) } ?? node.item(block) ?? node
    }
    if let entry, let item = node.item(entry) { node = item }
    if let part, let below = node.entry(part) { node = below }
    return Diagnostic(source: value.source, position: node.position, key: key, reason: reason)
  }

  private func location(_ node: Node, _ entry: Int?, in source: Source) -> String {
    let position = (entry.flatMap(node.item) ?? node).position
    return source.name + (position.map { ":\($0.line):\($0.column)" } ?? "")
  }
}

extension Settings {
  /// The one of these `match` blocks (``matching(_:)``) whose value of a key applies; nil: none sets it.
  public func origin(of path: String, in blocks: [Int]) -> Int? {
    blocks.last { matches.indices.contains($0) && matches[$0].paths.contains(path) }
  }
}
