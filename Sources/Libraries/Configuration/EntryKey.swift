/// A key of a mapping inside a value, as of an entry of `audit.exporters`; `Entry` is what the mapping says.
public struct EntryKey<Entry: Sendable>: Sendable {
  public let name: String
  /// What a value looks like.
  public let form: String
  public let meaning: String
  let parse: @Sendable (Node, inout Entry, inout Faults) -> Void
  /// nil: it has its default.
  let render: @Sendable (Entry) -> Rendering?

  init<Value: Sendable & Equatable>(
    _ name: String, _ type: ValueType<Value>, _ target: WritableKeyPath<Entry, Value> & Sendable,
    unless absent: Value? = nil, _ meaning: String
  ) {
    self.name = name
    self.meaning = meaning
    form = type.description
    parse = { node, entry, faults in
      if let value = type.parse(node, &faults) { entry[keyPath: target] = value }
    }
    render = { $0[keyPath: target] == absent ? nil : type.render($0[keyPath: target]) }
  }

  /// Reads the keys of a mapping into `entry`; those in `passing` are somebody else's. Returns the names that were there.
  static func read(
    _ entries: [Node.Entry], _ keys: [EntryKey], into entry: inout Entry, passing others: [String] = [],
    _ faults: inout Faults
  ) -> Set<String> {
    var seen: Set<String> = []
    for item in entries {
      faults.within(".\(item.key)") { faults in
        if !seen.insert(item.key).inserted { faults.add(at: item.position, "given twice") }
        if others.contains(item.key) { return }
        guard let key = keys.first(where: { $0.name == item.key }) else {
          let known = keys.map(\.name) + others
          let hint = suggestion(for: item.key, among: known)
          faults.add(
            at: item.position,
            "unknown key" + (hint.isEmpty ? "; expected one of \(known.joined(separator: ", "))" : hint))
          return
        }
        key.parse(item.value, &entry, &faults)
      }
    }
    return seen
  }

  /// The keys that do not have their defaults.
  static func render(_ entry: Entry, _ keys: [EntryKey]) -> [(String, Rendering)] {
    keys.compactMap { key in key.render(entry).map { (key.name, $0) } }
  }
}

extension ValueType {
  /// A mapping of `keys`, each of which may be left out.
  static func entry(_ description: String, _ keys: [EntryKey<Value>], empty: Value) -> ValueType {
    ValueType(
      description: description, isFileOnly: true,
      parse: { node, faults in
        guard case .mapping(let entries) = node.content else {
          faults.add(node, "expected \(description), found \(node.found)")
          return nil
        }
        var value = empty
        _ = EntryKey.read(entries, keys, into: &value, &faults)
        return value
      },
      render: { .nested(EntryKey.render($0, keys)) })
  }
}
