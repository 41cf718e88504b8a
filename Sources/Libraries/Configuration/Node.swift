/// A raw value of a configuration: a node of a YAML file, or a variable or an option.
public struct Node: Equatable, Sendable {
  /// A position in a file.
  public struct Position: Equatable, Sendable {
    /// Counted from 1.
    public var line: Int
    /// Counted from 1.
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// A key of a mapping with its value. A mapping can contain a key twice; the loader reports that with its position.
  public struct Entry: Equatable, Sendable {
    /// The key.
    public var key: String
    /// Where the key begins; nil: not in a file.
    public var position: Position?
    /// The value.
    public var value: Node

    public init(key: String, position: Position?, value: Node) {
      self.key = key
      self.position = position
      self.value = value
    }
  }

  /// The kinds of YAML nodes.
  public enum Content: Equatable, Sendable {
    /// `plain`: written without quotes, so that `true`, `12` and `null` are not text.
    case scalar(String, plain: Bool)
    /// A list.
    case sequence([Node])
    /// Keys and values.
    case mapping([Entry])
  }

  /// The content.
  public var content: Content
  /// Where the value begins; nil: not in a file.
  public var position: Position?

  /// A node with this content.
  public init(_ content: Content, at position: Position? = nil) {
    self.content = content
    self.position = position
  }

  /// True for a missing value, `~` and `null`.
  var isNull: Bool {
    guard case .scalar(let text, plain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// An entry of a list; nil: there is none.
  func item(_ index: Int) -> Node? {
    guard case .sequence(let items) = content, items.indices.contains(index) else { return nil }
    return items[index]
  }

  /// The value of a key of a mapping; nil: there is none.
  func entry(_ key: String) -> Node? {
    guard case .mapping(let entries) = content else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// A description of the node for messages: `a list`, `'text'`.
  var found: String {
    switch content {
    case .scalar(let text, let plain):
      if isNull { "nothing" } else if plain { quoted(text) } else { "the text \(quoted(text))" }
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// `text` in single quotes for messages: truncated after 80 characters, with control characters as `\u{1b}`.
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
