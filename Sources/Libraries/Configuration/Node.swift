/// A piece of a configuration before its meaning is known: what a YAML file, a variable or an option says.
public struct Node: Equatable, Sendable {
  /// A place in a file, counted from 1.
  public struct Position: Equatable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// A key of a mapping with its value. Keys may repeat: the loader refuses that, and can say where.
  public struct Entry: Equatable, Sendable {
    public var key: String
    public var position: Position?
    public var value: Node

    public init(key: String, position: Position?, value: Node) {
      self.key = key
      self.position = position
      self.value = value
    }
  }

  public enum Content: Equatable, Sendable {
    /// `plain`: written without quotes, so `true`, `12` and `null` are more than text.
    case scalar(String, plain: Bool)
    case sequence([Node])
    case mapping([Entry])
  }

  public var content: Content
  /// Where the value begins; nil when it does not come from a file.
  public var position: Position?

  public init(_ content: Content, at position: Position? = nil) {
    self.content = content
    self.position = position
  }

  /// True for a value left out, `~` and `null`.
  var isNull: Bool {
    guard case .scalar(let text, plain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// An entry of a list.
  func item(_ index: Int) -> Node? {
    guard case .sequence(let items) = content, items.indices.contains(index) else { return nil }
    return items[index]
  }

  /// The value of a mapping's key.
  func entry(_ key: String) -> Node? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// What the node is, for a message: `a list`, `'text'`.
  var found: String {
    switch content {
    case .scalar(let text, let plain):
      if isNull { "nothing" } else if plain { quoted(text) } else { "the text \(quoted(text))" }
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// `text` in single quotes as it may be shown: cut after 80 characters, control characters as `\u{1b}`.
func quoted(_ text: String) -> String {
  var shown = "'"
  for scalar in text.unicodeScalars.prefix(80) {
    if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
      shown += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      shown.unicodeScalars.append(scalar)
    }
  }
  return shown + (text.unicodeScalars.count > 80 ? "…'" : "'")
}
