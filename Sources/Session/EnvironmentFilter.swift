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
  /// True for a login that runs what others have chosen: wildcards stand for harmless variables alone.
  var isRestricted = false

  /// The variable, when a client may set it.
  ///
  /// Whatever the globs say, a name is a letter or `_` and then letters, digits or `_`; and nobody sets variables that
  /// speak to the loader of programs (LD_*) or are the server's to say (SSH_*). With a restriction, variables by which
  /// a shell runs or finds something else are never accepted, and others only by a pattern that is their name, or when
  /// they are of the language and the look of the terminal.
  func accept(name: [UInt8], value: [UInt8]) -> Variable? {
    guard let first = name.first, !EnvironmentFilter.isDigit(first), name.allSatisfy(EnvironmentFilter.isNameCharacter)
    else { return nil }
    guard !value.contains(0), !name.starts(with: "LD_".utf8), !name.starts(with: "SSH_".utf8) else { return nil }
    let text = String(decoding: name, as: UTF8.self)
    if isRestricted, EnvironmentFilter.shellVariables.contains(text) { return nil }
    let trustsWildcards = !isRestricted || EnvironmentFilter.harmless.contains { $0.matches(name) }
    guard patterns.map(NamePattern.init).contains(where: { (trustsWildcards || $0.isName) && $0.matches(name) })
    else { return nil }
    return Variable(name: text, value: value)
  }

  /// What the shells of Debian run at their start, or find commands and functions by.
  private static let shellVariables: Set = [
    "BASH_ENV", "ENV", "ZDOTDIR", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "PATH", "CDPATH", "FPATH",
    "HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS",
  ]

  private static let harmless = ["LANG", "LANGUAGE", "LC_*", "COLORTERM", "TERM_PROGRAM*", "NO_COLOR"].map(
    NamePattern.init)

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func isNameCharacter(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: "_")
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & ~0x20)
  }
}
