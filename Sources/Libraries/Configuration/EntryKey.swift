import Wire

/// A mapping inside a value, such as an entry of `audit.exporters`. ``init()`` sets the default of every key.
protocol KeyedEntry: Sendable {
  init()
  static var keys: [EntryKey<Self>] { get }
}

/// A key of a mapping inside a value, which is an `Entry`. Its default is that of a new `Entry`.
public struct EntryKey<Entry: Sendable>: Sendable {
  /// The key.
  public let name: String
  /// The form of values, for the manual.
  public let form: String
  /// The description, for the template and the manual.
  public let meaning: String
  let schema: JSONSchema
  /// True for a key that must be present.
  let isRequired: Bool
  let parse: @Sendable (Node, inout Entry, inout ValueDiagnostics) -> Void
  /// The value as YAML; nil: the key has its default.
  let render: @Sendable (Entry) -> Rendering?
  /// The property that is sent to other processes.
  let field: any SettingField<Entry>

  /// A key that fills `target`.
  ///
  /// - Parameter showsDefault: the default is appended to the meaning, which then has no full stop.
  init<Value: SettingValue>(
    _ name: String, _ type: ValueType<Value>, _ target: WritableKeyPath<Entry, Value> & Sendable,
    isRequired: Bool = false, showsDefault: Bool = false, _ meaning: String
  ) where Entry: KeyedEntry {
    let initial = Entry()[keyPath: target]
    let meaning = showsDefault ? "\(meaning); \(type.render(initial).inOneLine)." : meaning
    self.name = name
    self.meaning = meaning
    self.isRequired = isRequired
    form = type.description
    schema = type.schema.described(meaning)
    parse = { node, entry, faults in
      if let value = type.parse(node, &faults) { entry[keyPath: target] = value }
    }
    render = { isRequired || $0[keyPath: target] != initial ? type.render($0[keyPath: target]) : nil }
    field = KeyPathField(path: target)
  }
}

extension SettingValue where Self: KeyedEntry {
  /// Codes the keys in the order of their table.
  static func code<Coder: FieldCoder>(_ value: Self?, in coder: inout Coder) throws(Coder.Failure) -> Self {
    var entry = Self()
    for key in keys { try key.field.code(value, into: &entry, in: &coder) }
    return entry
  }
}

extension KeyedEntry {
  /// Reads the keys of a mapping, and returns the names of those that are present. Keys in `passing` are ignored.
  ///
  /// - Parameter listsKeys: the fault of an unknown key that resembles none lists all keys.
  static func read(
    _ entries: [Node.Entry], _ keys: [EntryKey<Self>] = Self.keys, into entry: inout Self,
    passing others: [String] = [], listsKeys: Bool = true, _ faults: inout ValueDiagnostics
  ) -> Set<String> {
    var seen: Set<String> = []
    for item in entries {
      faults.within(".\(item.key)") { faults in
        if !seen.insert(item.key).inserted { faults.add(at: item.position, "given twice") }
        if others.contains(item.key) { return }
        guard let key = keys.first(where: { $0.name == item.key }) else {
          let known = keys.map(\.name) + others
          let hint = suggestion(for: item.key, among: known)
          let list = listsKeys ? "; expected one of \(known.joined(separator: ", "))" : ""
          faults.add(at: item.position, "unknown key" + (hint.isEmpty ? list : hint))
          return
        }
        key.parse(item.value, &entry, &faults)
      }
    }
    return seen
  }

  /// The keys that do not have their defaults, with their values.
  func rendered(_ keys: [EntryKey<Self>] = Self.keys) -> [(String, Rendering)] {
    keys.compactMap { key in key.render(self).map { (key.name, $0) } }
  }

  static func schema(_ keys: [EntryKey<Self>] = Self.keys) -> JSONSchema {
    .mapping(keys.map { ($0.name, $0.schema) }, required: keys.filter(\.isRequired).map(\.name))
  }
}

extension ValueType where Value: KeyedEntry {
  /// A mapping of `keys`, all of which are optional.
  static func entry(_ description: String, _ keys: [EntryKey<Value>] = Value.keys) -> ValueType {
    ValueType(
      description: description, isFileOnly: true, schema: Value.schema(keys),
      parse: { node, faults in
        guard case .mapping(let entries) = node.content else {
          faults.add(node, "expected \(description), found \(node.found)")
          return nil
        }
        var value = Value()
        _ = Value.read(entries, keys, into: &value, &faults)
        return value
      },
      render: { .nested($0.rendered(keys)) })
  }
}
