/// A JSON Schema (draft 2020-12), a part of one, or a JSON value in one.
indirect enum JSONSchema: Sendable {
  case text(String)
  /// A number, `true`, `false` or `null`, as in the text.
  case literal(String)
  case array([JSONSchema])
  case object([(String, JSONSchema)])

  /// JSON text. All lines but the first are indented by `indent` spaces.
  func lines(indent: Int = 0) -> String {
    let inner = String(repeating: " ", count: indent + 2)
    let end = "\n" + String(repeating: " ", count: indent)
    return switch self {
    case .text(let text): Self.quoted(text)
    case .literal(let text): text
    case .array(let items) where items.allSatisfy(\.isScalar):
      "[" + items.map { $0.lines() }.joined(separator: ", ") + "]"
    case .array(let items):
      "[" + items.map { "\n" + inner + $0.lines(indent: indent + 2) }.joined(separator: ",") + end + "]"
    case .object(let members):
      members.isEmpty
        ? "{}"
        : "{"
          + members.map { "\n\(inner)\(Self.quoted($0)): " + $1.lines(indent: indent + 2) }.joined(separator: ",")
          + end + "}"
    }
  }

  private var isScalar: Bool {
    switch self {
    case .text, .literal: true
    case .array, .object: false
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\0"..<" ":
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONSchema {
  /// Any scalar except null: the loader accepts `12` and `true` as text.
  static let scalar = object([("type", .array([.text("string"), .text("number"), .text("boolean")]))])
  static let null = object([("type", .text("null"))])

  /// Text that the regular expression `pattern` matches as a whole.
  static func pattern(_ pattern: String) -> JSONSchema {
    object([("type", .text("string")), ("pattern", .text("^(?:\(pattern))$"))])
  }

  static func integer(_ range: ClosedRange<UInt64>?) -> JSONSchema {
    let limits = range.map { [("minimum", "\($0.lowerBound)"), ("maximum", "\($0.upperBound)")] } ?? [("minimum", "0")]
    return object([("type", .text("integer"))] + limits.map { ($0, .literal($1)) })
  }

  static func anyOf(_ schemas: JSONSchema...) -> JSONSchema { object([("anyOf", .array(schemas))]) }

  static func list(
    of items: JSONSchema, atLeast least: Int = 0, atMost most: Int? = nil, unique: Bool = false
  ) -> JSONSchema {
    var members: [(String, JSONSchema)] = [("type", .text("array")), ("items", items)]
    if least > 0 { members.append(("minItems", .literal("\(least)"))) }
    if let most { members.append(("maxItems", .literal("\(most)"))) }
    if unique { members.append(("uniqueItems", .literal("true"))) }
    return object(members)
  }

  /// A mapping with these keys and no others.
  static func mapping(_ keys: [(String, JSONSchema)], required: [String] = [], orNull: Bool = false) -> JSONSchema {
    object(
      [
        ("type", orNull ? .array([.text("object"), .text("null")]) : .text("object")), ("properties", .object(keys)),
        ("additionalProperties", .literal("false")),
      ] + (required.isEmpty ? [] : [("required", .array(required.map { .text($0) }))]))
  }

  /// A mapping to `values`, in which `pattern` matches every key.
  static func names(_ pattern: String, to values: JSONSchema, atMost most: Int? = nil) -> JSONSchema {
    object(
      [
        ("type", .text("object")), ("propertyNames", .object([("pattern", .text("^(?:\(pattern))$"))])),
        ("additionalProperties", values),
      ] + (most.map { [("maxProperties", .literal("\($0)"))] } ?? []))
  }

  static func reference(_ name: String) -> JSONSchema { object([("$ref", .text("#/$defs/\(name)"))]) }

  /// The schema with a description and a default.
  func described(_ meaning: String, default rendering: Rendering? = nil) -> JSONSchema {
    guard case .object(let members) = self else { return self }
    let initial: [(String, JSONSchema)] = rendering.map { [("default", JSONSchema(yaml: $0))] } ?? []
    return .object([("description", .text(meaning))] + initial + members)
  }
}

extension JSONSchema {
  /// The paths of the keys in a value, each once: `.rotate.max_size`, in a list `[].name`. Definitions are not included.
  var paths: [String] {
    guard case .object(let members) = self else { return [] }
    var paths: [String] = []
    for case (let name, let part) in members {
      switch (name, part) {
      case ("properties", .object(let keys)):
        for (key, value) in keys { paths += [".\(key)"] + value.paths.map { ".\(key)" + $0 } }
      case ("items", _): paths += part.paths.map { "[]" + $0 }
      case ("anyOf", .array(let choices)): paths += choices.flatMap(\.paths)
      default: break
      }
    }
    return paths.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

extension JSONSchema {
  /// The JSON value of a value in YAML.
  private init(yaml rendering: Rendering) {
    self =
      switch rendering {
      case .scalar(let text): Self.value(text)
      case .list(let items): .array(items.map { Self.value($0) })
      case .mapping(let entries): .object(entries.map { ($0, Self.value($1)) })
      case .nested(let entries): .object(entries.map { ($0, JSONSchema(yaml: $1)) })
      case .block(let items): .array(items.map { .object($0.map { ($0, JSONSchema(yaml: $1)) }) })
      }
  }

  /// A scalar. Text in double quotes is the same in YAML and JSON if it is printable ASCII, as all defaults are.
  private static func value(_ yaml: String) -> JSONSchema {
    let isNumber = !yaml.isEmpty && yaml.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber || ["true", "false", "null"].contains(yaml) { return .literal(yaml) }
    return yaml.hasPrefix("\"") ? .literal(yaml) : .text(yaml)
  }
}
