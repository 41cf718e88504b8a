/// The type of the values of a key: parses a node, and renders a value as YAML.
struct ValueType<Value: Sendable>: Sendable {
  /// The form of values, for the manual and the template: `a whole number from 1 to 65535`.
  var description: String
  /// True: a list of values, which are separated by commas in a variable, or given by one option each.
  var isList = false
  /// True for mappings and lists of them, which can only be set in files.
  var isFileOnly = false
  /// The schema of values. It may accept more values than load, but never fewer.
  var schema: JSONSchema
  /// Parses a value; nil after adding at least one fault.
  var parse: @Sendable (Node, inout ValueDiagnostics) -> Value?
  let render: @Sendable (Value) -> Rendering
}

/// A value as YAML.
enum Rendering: Sendable {
  /// A scalar after the colon.
  case scalar(String)
  /// Scalars, each on its own line.
  case list([String])
  /// Keys and scalars.
  case mapping([(String, String)])
  /// Keys and any values.
  case nested([(String, Rendering)])
  /// Mappings, each an entry of a list.
  case block([[(String, Rendering)]])

  /// The value in a sentence.
  var inOneLine: String {
    switch self {
    case .scalar(let text): text
    case .list(let items): items.isEmpty ? "an empty list" : items.joined(separator: ", ")
    case .mapping(let entries): entries.isEmpty ? "none" : entries.map { "\($0): \($1)" }.joined(separator: ", ")
    case .nested(let entries): entries.map { "\($0): \($1.inOneLine)" }.joined(separator: ", ")
    case .block(let items):
      items.isEmpty ? "an empty list" : items.map { Rendering.nested($0).inOneLine }.joined(separator: "; ")
    }
  }

  /// The lines that set `key` to this value.
  func lines(key: String) -> [String] {
    switch self {
    case .scalar(let text): return ["\(key): \(text)"]
    case .list(let items):
      return items.isEmpty ? ["\(key): []"] : ["\(key):"] + items.map { "  - \($0)" }
    case .mapping(let entries):
      return entries.isEmpty ? ["\(key): {}"] : ["\(key):"] + entries.map { "  \($0): \($1)" }
    case .nested(let entries):
      return ["\(key):"] + entries.flatMap { $1.lines(key: $0) }.map { "  " + $0 }
    case .block(let items):
      if items.isEmpty { return ["\(key): []"] }
      var lines = ["\(key):"]
      for item in items {
        for (index, line) in item.flatMap({ $1.lines(key: $0) }).enumerated() {
          lines.append((index == 0 ? "  - " : "    ") + line)
        }
      }
      return lines
    }
  }
}

extension ValueType {
  /// A scalar that `convert` accepts; for other nodes a fault states what is `expected`.
  static func scalar(
    _ expected: String, schema: JSONSchema, _ convert: @escaping @Sendable (String) -> Value?,
    render: @escaping @Sendable (Value) -> String, quotable: Bool = false,
    hint: @escaping @Sendable (String) -> String = { _ in "" }
  ) -> ValueType {
    ValueType(
      description: expected, schema: schema,
      parse: { node, faults in
        if case .scalar(let text, let plain) = node.content, plain || quotable, !node.isNull, let value = convert(text)
        {
          return value
        }
        let more = if case .scalar(let text, _) = node.content, !node.isNull { hint(text) } else { "" }
        faults.add(node, "expected \(expected), found \(node.found)" + more)
        return nil
      },
      render: { .scalar(render($0)) })
  }

  /// A value, or nil for `null`.
  var optional: ValueType<Value?> { optional(null: "none") }

  /// As ``optional``; `meaning` describes `null`.
  func optional(null meaning: String) -> ValueType<Value?> {
    ValueType<Value?>(
      description: description + ", or null for \(meaning)", schema: .anyOf(schema, .null),
      parse: { node, faults in
        if node.isNull { return .some(nil) }
        return parse(node, &faults).map { .some($0) }
      },
      render: { value in value.map(render) ?? .scalar("null") })
  }

  /// A value, or the given one for `null`, which bssh writes for a key that has its default.
  func null(meaning value: Value) -> ValueType {
    var type = self
    type.description += "; null is its default"
    type.schema = .anyOf(schema, .null)
    type.parse = { node, faults in node.isNull ? value : parse(node, &faults) }
    return type
  }
}

extension ValueType where Value == Bool {
  static let boolean = scalar(
    "true or false", schema: .object([("type", .text("boolean"))]),
    { ["true": true, "false": false][$0] }, render: { $0 ? "true" : "false" })
}

/// The numbers that bssh accepts for a key. Those outside of our range are clamped with a warning, so that files of bssh
/// load unchanged.
enum Clamped: Sendable {
  /// 32-bit numbers.
  case word
  /// 64-bit numbers.
  case long
  /// 64-bit numbers except 0, which bssh refuses.
  case positive

  fileprivate var range: ClosedRange<UInt64> {
    switch self {
    case .word: 0...UInt64(UInt32.max)
    case .long: 0...UInt64.max
    case .positive: 1...UInt64.max
    }
  }
}

extension ValueType where Value: FixedWidthInteger {
  static func integer(_ range: ClosedRange<Value>, clamped: Clamped? = nil) -> ValueType {
    scalar(
      "a whole number from \(range.lowerBound) to \(range.upperBound)",
      schema: .integer(clamped == nil ? UInt64(range.lowerBound)...UInt64(range.upperBound) : nil),
      { text in digits(text).flatMap { Value(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil } },
      render: { "\($0)" }
    ).clamping(clamped, to: range, quotable: false, number: digits)
  }

  /// Clamps numbers that bssh accepts to `range`, with a warning.
  private func clamping(
    _ clamped: Clamped?, to range: ClosedRange<Value>, quotable: Bool,
    number: @escaping @Sendable (String) -> UInt64?
  ) -> ValueType {
    guard let clamped else { return self }
    var type = self
    type.parse = { node, faults in
      guard case .scalar(let text, let plain) = node.content, plain || quotable, let number = number(text),
        clamped.range.contains(number), number < UInt64(range.lowerBound) || number > UInt64(range.upperBound)
      else { return parse(node, &faults) }
      let used = number < UInt64(range.lowerBound) ? range.lowerBound : range.upperBound
      guard case .scalar(let shown) = render(used) else { return parse(node, &faults) }
      faults.warn(node, "\(text) is out of range, \(shown) is used: expected \(description)")
      return used
    }
    return type
  }

  /// Seconds, from `90`, `90s`, `15m`, `2h` or `1d`.
  static func duration(
    _ range: ClosedRange<Value>, zero meaning: String? = nil, clamped: Clamped? = nil
  ) -> ValueType {
    unit("a duration", range, Units.seconds, plain: 1, zero: meaning)
      .clamping(clamped, to: range, quotable: true) { Units.parse($0, Units.seconds, plain: 1) }
  }

  /// Milliseconds, from `100ms` or a ``duration(_:zero:)``.
  static func milliseconds(_ range: ClosedRange<Value>) -> ValueType {
    unit("a duration", range, Units.milliseconds, plain: 1000, zero: nil)
  }

  /// Bytes, from `65536`, `64KiB`, `50MiB` or `1GiB`.
  static func size(_ range: ClosedRange<Value>, clamped: Clamped? = nil) -> ValueType {
    unit("a size", range, Units.bytes, plain: 1, zero: nil)
      .clamping(clamped, to: range, quotable: true) { Units.parse($0, Units.bytes, plain: 1) }
  }

  private static func unit(
    _ what: String, _ range: ClosedRange<Value>, _ units: [(suffix: String, factor: UInt64)], plain: UInt64,
    zero meaning: String?
  ) -> ValueType {
    let low = Units.format(UInt64(range.lowerBound), units)
    let high = Units.format(UInt64(range.upperBound), units)
    let example = what == "a size" ? "64KiB, 50MiB or 1GiB" : "90s, 15m, 2h or 1d"
    return scalar(
      "\(what) from \(low) to \(high)" + (meaning.map { " (0 is \($0))" } ?? ""),
      schema: .anyOf(.integer(nil), .pattern("[0-9]+(\(units.map(\.suffix).joined(separator: "|")))?")),
      { text in
        Units.parse(text, units, plain: plain).flatMap { Value(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
      },
      render: { Units.format(UInt64($0), units) }, quotable: true,
      hint: { text in
        // A number out of range has the right form.
        if Units.parse(text, units, plain: plain) != nil { return "" }
        guard let meant = Units.meant(text, units) else { return "; write it as \(example)" }
        return "; did you mean '\(meant)'?"
      })
  }
}

extension ValueType where Value == UInt32 {
  /// Permission bits in octal: `022`, `0022` or `0o22`.
  static let umask = scalar(
    "permission bits in octal from 000 to 777",
    schema: .anyOf(.integer(0...777), .pattern("(0o)?[0-7]{1,4}")),
    { text in
      let bits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
      guard (1...4).contains(bits.utf8.count), bits.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
        let value = UInt32(bits, radix: 8)
      else { return nil }
      return value <= 0o777 ? value : nil
    },
    render: { bits in
      let octal = String(bits, radix: 8)
      return "\"" + String(repeating: "0", count: max(0, 3 - octal.utf8.count)) + octal + "\""
    }, quotable: true)
}

extension ValueType where Value: CaseIterable & RawRepresentable<String> {
  /// One of the cases, by its name.
  ///
  /// - Parameter others: names of cases in other programs, for suggestions.
  static func choice(others: [String: String] = [:]) -> ValueType {
    let known = Value.allCases.map(\.rawValue)
    return scalar(
      "one of " + known.joined(separator: ", "), schema: .object([("enum", .array(known.map { .text($0) }))]),
      { Value(rawValue: $0) },
      render: { yamlText($0.rawValue) }, quotable: true,
      hint: { text in others[text].map { "; did you mean '\($0)'?" } ?? suggestion(for: text, among: known) })
  }
}

/// A number in decimal digits, without a sign.
private func digits(_ text: String) -> UInt64? {
  text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
}
