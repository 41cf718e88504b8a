import Filter
import Model

extension EnvironmentVariable {
  /// As in the environment: `NAME=value`.
  var assignment: [UInt8] { Array(name.utf8) + [UInt8(ascii: "=")] + value }
}

/// Decides which variables a client may set, by the patterns of `shell.accept_env`.
struct EnvironmentFilter: Equatable {
  /// Globs: `*` stands for any text, `?` for one character.
  let patterns: [String]
  /// True for a login whose command others have chosen: wildcards then match harmless variables only.
  var isRestricted = false

  /// The variable if a client may set it, else nil.
  ///
  /// Whatever the patterns say, a name consists of letters, digits and `_` and begins with no digit; and nobody sets
  /// variables of the dynamic linker (LD_*) or of the server (SSH_*). If restricted, variables that change what a shell
  /// runs or finds are never accepted, and others only if a pattern is exactly their name, or if they only concern the
  /// language and the terminal's look.
  func accept(name: [UInt8], value: [UInt8]) -> EnvironmentVariable? {
    guard let first = name.first, !EnvironmentFilter.isDigit(first), name.allSatisfy(EnvironmentFilter.isNameCharacter)
    else { return nil }
    guard !value.contains(0), !name.starts(with: "LD_".utf8), !name.starts(with: "SSH_".utf8) else { return nil }
    let text = String(decoding: name, as: UTF8.self)
    if isRestricted, EnvironmentFilter.shellVariables.contains(text) { return nil }
    let trustsWildcards = !isRestricted || EnvironmentFilter.harmless.contains { $0.matches(name) }
    guard patterns.map(NamePattern.init).contains(where: { (trustsWildcards || $0.isName) && $0.matches(name) })
    else { return nil }
    return EnvironmentVariable(name: text, value: value)
  }

  /// Variables that make Debian's shells run something at start, or find other commands and functions.
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
