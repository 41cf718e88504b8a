import Filter

/// A variable whose value need not be UTF-8.
struct Variable: Equatable {
  let name: String
  let value: [UInt8]

  /// `NAME=value`.
  var assignment: [UInt8] { Array(name.utf8) + [UInt8(ascii: "=")] + value }
}

/// Which variables a client may set: the globs of `shell.accept_env`.
struct EnvironmentFilter: Equatable {
  /// `*` stands for any text, `?` for one character.
  let patterns: [String]

  /// The variable, when a client may set it.
  ///
  /// Whatever the globs say, a name is a letter or `_` and then letters, digits or `_`; and nobody sets variables that
  /// speak to the loader of programs (LD_*) or are the server's to say (SSH_*).
  func accept(name: [UInt8], value: [UInt8]) -> Variable? {
    guard let first = name.first, !EnvironmentFilter.isDigit(first), name.allSatisfy(EnvironmentFilter.isNameCharacter)
    else { return nil }
    guard !value.contains(0), !name.starts(with: "LD_".utf8), !name.starts(with: "SSH_".utf8) else { return nil }
    guard patterns.contains(where: { NamePattern($0).matches(name) }) else { return nil }
    return Variable(name: String(decoding: name, as: UTF8.self), value: value)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_")
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & ~0x20)
  }
}
