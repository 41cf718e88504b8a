import AccessControl
import Authentication
import Filter
import Model

extension ValueType where Value == String {
  /// Text for which `fault` returns nil.
  static func text(_ description: String, fault: @escaping @Sendable (String) -> String?) -> ValueType {
    ValueType(
      description: description, schema: .scalar,
      parse: { node, faults in
        guard case .scalar(let text, _) = node.content, !node.isNull else {
          faults.add(node, "expected \(description), found \(node.found)")
          return nil
        }
        if let fault = fault(text) {
          faults.add(node, fault)
          return nil
        }
        return text
      },
      render: { .scalar(yamlText($0)) })
  }

  /// A path. A relative one is resolved against ``ValueDiagnostics/folder``, so that the value is absolute.
  static let path = path { _ in nil }

  /// A directory with a subdirectory for each user; without `..`, because user names are appended.
  static let directory = path { parentFault($0) }

  private static func path(fault: @escaping @Sendable (String) -> String?) -> ValueType {
    let plain = text("a path") { pathFault($0) ?? fault($0) }
    return ValueType(
      description: plain.description, schema: plain.schema,
      parse: { node, faults in
        guard let path = plain.parse(node, &faults) else { return nil }
        if path.hasPrefix("/") { return path }
        guard let folder = faults.folder else {
          faults.add(node, "\(quoted(path)) is not an absolute path: it must begin with '/'")
          return nil
        }
        let whole = folder + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
        guard whole.utf8.count <= 4095 else {
          faults.add(node, "the path is longer than 4095 bytes")
          return nil
        }
        return whole
      }, render: plain.render)
  }

  /// `auth.publickey.authorized_keys_pattern`.
  static let keysPattern = text("none, or an absolute path with %h, %u, {user} or %%") { text in
    text == Settings.Auth.noPattern ? nil : pathFault(text) ?? keyPatternFault(text)
  }

  /// `auth.publickey.authorized_principals_pattern`.
  static let keyPattern = text("an absolute path with %h, %u, {user} or %%") { text in
    pathFault(text) ?? keyPatternFault(text)
  }

  /// The directory that clients see as `/`.
  static let rootPattern = text("an absolute path with %h, %u or %%") { text in
    pathFault(text) ?? keyPatternFault(text)
  }

  /// The name of a system account.
  static let accountName = text("the name of an account") { userNameFault($0) }

  static let passwordHash = text("an Argon2id or bcrypt hash") { text in
    do throws(PasswordEntryError) {
      _ = try PasswordEntry(text)
      return nil
    } catch { return error.description }
  }

  /// A TOTP secret in Base32; the fault does not contain it.
  static let oneTimeSecret = text("a secret in base32") { text in
    do throws(OneTimeSecretError) {
      _ = try OneTimeSecret(base32: text)
      return nil
    } catch { return error.description }
  }

  /// A line of authorized_keys with a key that is accepted.
  static let keyLine = text("a line of authorized_keys") { text in
    if text.utf8.contains(0x0a) { return "expected one line of authorized_keys, found several" }
    var lines = AuthorizedKeys(Array(text.utf8)[...])
    switch lines.next() {
    case .key: return nil
    case .refused(let reason, _): return reason
    case nil: return "the line contains no key"
    }
  }

  /// A name, or a pattern for names, of environment variables.
  static let variablePattern = text("the name of a variable, or a pattern with * and ?") { text in
    let isPattern = text.utf8.allSatisfy { isVariableByte($0) || $0 == 0x2a || $0 == 0x3f }
    return isPattern && (1...256).contains(text.utf8.count)
      ? nil : "\(quoted(text)) is not the name of a variable: letters, digits, '_', '*' and '?' are allowed"
  }

  /// A pattern for command lines.
  static let commandPattern = text("a pattern for commands") { text in
    do throws(GlobError) {
      _ = try CommandPattern(text)
      return nil
    } catch { return "\(quoted(text)): \(error.description)" }
  }

  /// A command line, at most 16 KiB.
  static let command = text("a command") { text in
    if text.isEmpty { return "the command is empty" }
    if text.utf8.contains(0) { return "the command contains a NUL byte" }
    return text.utf8.count <= 16 << 10 ? nil : "the command is longer than 16 KiB"
  }

  /// One of `known`, which the fault lists.
  static func algorithm(_ known: [String]) -> ValueType {
    text("an algorithm") { text in
      if known.contains(text) { return nil }
      // The part after '@' is easily forgotten.
      let whole = known.first { $0.hasPrefix(text + "@") }.map { "; did you mean '\($0)'?" }
      return "unknown or unsafe algorithm \(quoted(text))\(whole ?? suggestion(for: text, among: known)); known: "
        + known.joined(separator: ", ")
    }
  }
}

extension ValueType {
  /// A list of distinct values of `element`.
  static func list<Element: Hashable & Sendable>(
    _ element: ValueType<Element>, of description: String, orOne: Bool = false, mayBeEmpty: Bool = false
  ) -> ValueType where Value == [Element] {
    ValueType(
      description: description, isList: true,
      schema: orOne
        ? .anyOf(element.schema, .list(of: element.schema, atLeast: mayBeEmpty ? 0 : 1, unique: true))
        : .list(of: element.schema, atLeast: mayBeEmpty ? 0 : 1, unique: true),
      parse: { node, faults in
        let nodes: [Node]
        switch node.content {
        case .sequence(let items): nodes = items
        case .scalar where orOne && !node.isNull: nodes = [node]
        case .scalar, .mapping:
          faults.add(node, "expected \(description), found \(node.found)")
          return nil
        }
        if nodes.isEmpty, !mayBeEmpty {
          faults.add(node, "expected \(description), found an empty one")
          return nil
        }
        var values: [Element] = []
        var seen: Set<Element> = []
        for (index, item) in nodes.enumerated() {
          let value = faults.within("[\(index)]") { faults in
            let value = element.parse(item, &faults)
            if let value, !seen.insert(value).inserted { faults.add(item, "\(item.found) is a duplicate") }
            return value
          }
          if let value { values.append(value) }
        }
        return values
      },
      render: { values in
        let items = values.flatMap { value -> [String] in
          guard case .scalar(let text) = element.render(value) else { return [] }
          return [text]
        }
        return orOne && items.count == 1 ? .scalar(items.joined()) : .list(items)
      })
  }
}

extension ValueType where Value == OneTimeSecret.Digits {
  static let codeDigits = scalar(
    "6 or 8", schema: .object([("enum", .array(OneTimeSecret.Digits.allCases.map { .literal("\($0.rawValue)") }))]),
    { text in OneTimeSecret.Digits.allCases.first { "\($0.rawValue)" == text } }, render: { "\($0.rawValue)" }
  )
}

extension ValueType where Value == BindChoice {
  /// An address to listen on, with or without a port.
  static let bindAddress = scalar(
    "an IPv4 or IPv6 address, such as 192.0.2.1, 192.0.2.1:22, [2001:db8::1] or [2001:db8::1]:22", schema: .scalar,
    { BindChoice($0) },
    render: { yamlText($0.text) }, quotable: true)
}

extension ValueType where Value == AddressRange {
  /// An address, or a range of addresses in CIDR notation.
  static let addressRange: ValueType = .init(
    description: "an address or a range, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", schema: .scalar,
    parse: { node, faults in
      guard case .scalar(let text, _) = node.content, !node.isNull else {
        faults.add(node, "expected an address or a range of addresses, found \(node.found)")
        return nil
      }
      do throws(AddressRangeError) { return try AddressRange(text) } catch {
        faults.add(node, "\(quoted(text)) \(error)")
        return nil
      }
    },
    render: { .scalar(yamlText($0.description)) })
}

extension ValueType where Value == [EnvironmentVariable] {
  /// Environment variables: names and values.
  static let variables = ValueType(
    description: "a mapping of variables to values", isFileOnly: true,
    schema: .names("[A-Za-z_][A-Za-z0-9_]*", to: .anyOf(.scalar, .null)),
    parse: { node, faults in
      guard case .mapping(let entries) = node.content else {
        faults.add(node, "expected names and values of variables, found \(node.found)")
        return nil
      }
      var variables: [EnvironmentVariable] = []
      for entry in entries {
        let value = faults.within(".\(entry.key)") { variable(entry, &$0) }
        if let value {
          if variables.contains(where: { $0.name == value.name }) {
            faults.add(at: entry.position, "\(quoted(entry.key)) is given twice")
          }
          variables.append(value)
        }
      }
      return variables
    },
    render: { .mapping($0.map { ($0.name, yamlText(String(decoding: $0.value, as: UTF8.self))) }) })
}

/// Letters, digits and `_`.
private func isVariableByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
  default: false
  }
}

private func variable(_ entry: Node.Entry, _ faults: inout ValueDiagnostics) -> EnvironmentVariable? {
  guard (1...256).contains(entry.key.utf8.count), entry.key.utf8.allSatisfy(isVariableByte),
    !entry.key.utf8.prefix(1).allSatisfy({ (0x30...0x39).contains($0) })
  else {
    faults.add(at: entry.position, "not the name of a variable: letters, digits and '_', not beginning with a digit")
    return nil
  }
  guard !EnvironmentVariable.ofLogin.contains(entry.key) else {
    faults.add(at: entry.position, "set by the login itself")
    return nil
  }
  guard case .scalar(let value, _) = entry.value.content else {
    faults.add(entry.value, "expected the text of a variable, found \(entry.value.found)")
    return nil
  }
  guard !value.utf8.contains(0), value.utf8.count <= 64 << 10 else {
    faults.add(entry.value, "the value of a variable must have at most 64 KiB and no NUL")
    return nil
  }
  return .init(name: entry.key, value: value)
}

private func pathFault(_ text: String) -> String? {
  if text.isEmpty { return "the path is empty" }
  if text.utf8.count > 4095 { return "the path is longer than 4095 bytes" }
  if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
    return "the path \(quoted(text)) contains a control character"
  }
  return nil
}

private func parentFault(_ text: String) -> String? {
  text.split(separator: "/").contains("..") ? "the path \(quoted(text)) must not contain '..'" : nil
}

private func keyPatternFault(_ text: String) -> String? {
  guard text.hasPrefix("/") || text.hasPrefix("%h/") || text == "%h" else {
    return "\(quoted(text)) is not absolute: it must begin with '/' or '%h/'"
  }
  var rest = text[...]
  while let percent = rest.firstIndex(of: "%") {
    let token = rest[percent...].prefix(2)
    guard ["%h", "%u", "%%"].contains(token) else {
      return "unknown \(quoted(String(token))): expected %h (home), %u (name) or %% (a percent sign)"
    }
    if token == "%h", percent != text.startIndex { return "%h is an absolute path and must be at the beginning" }
    rest = rest[percent...].dropFirst(2)
  }
  return parentFault(text)
}

/// Why `text` cannot be the name of a user; nil: it can.
public func userNameFault(_ text: String) -> String? {
  let isName = text.unicodeScalars.allSatisfy { scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator: false
    default: !["/", ":", "\\"].contains(scalar)
    }
  }
  guard isName, (1...256).contains(text.utf8.count), !text.hasPrefix("-"), text != ".", text != ".." else {
    return
      "\(quoted(text)) is not a valid user name: 1 to 256 bytes without spaces, '/', ':' and '\\', no '-' first"
  }
  return nil
}
