import Authentication
import Filter

extension ValueType where Value == String {
  /// Any text.
  fileprivate static let words = text("text") { _ in nil }
}

extension ValueType where Value == UserPattern {
  /// A name or a pattern, optionally followed by `@` and the client's address.
  static let userPattern = ValueType(
    description: "a name or pattern of users", schema: .scalar,
    parse: { node, faults in
      guard let text = ValueType<String>.words.parse(node, &faults) else { return nil }
      do throws(UserPatternError) { return try UserPattern(text) } catch {
        switch error {
        case .name: faults.add(node, "\(quoted(text)) is neither a user name nor a pattern: 1 to 256 bytes")
        case .address(let error):
          faults.add(node, "\(quoted(text)): the part after '@' \(error)")
        case .negated: faults.add(node, "\(quoted(text)): '!' has no meaning here; auth.deny_users has precedence")
        }
        return nil
      }
    },
    render: { .scalar(yamlText($0.description)) })
}

extension ValueType where Value == NamePattern {
  static let userName = pattern(of: "a user")
  static let groupPattern = pattern(of: "a group")

  private static func pattern(of whom: String) -> ValueType {
    ValueType(
      description: "a name or pattern of \(whom)", schema: .scalar,
      parse: { node, faults in
        guard let text = ValueType<String>.words.parse(node, &faults) else { return nil }
        if UserPattern.isName(text) { return NamePattern(text) }
        faults.add(node, "\(quoted(text)) is neither the name of \(whom) nor a pattern: 1 to 256 bytes, no '!' first")
        return nil
      },
      render: { .scalar(yamlText($0.description)) })
  }
}
