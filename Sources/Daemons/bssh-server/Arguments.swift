import Configuration

/// A parsed command line.
struct Arguments: Equatable {
  /// `run` if none is named.
  private(set) var command = Command.run
  /// False if `run` is the default and was not named.
  private(set) var isCommandNamed = false
  /// The first word of commands with two words.
  private(set) var group: String?
  /// The operand after the command, for commands that have one.
  private(set) var operand: String?
  /// The values of each option, by its long name, in order.
  private(set) var values: [String: [String]] = [:]
  /// The number of occurrences of each option without a value.
  private(set) var flags: [String: Int] = [:]

  /// The value of an option that may occur only once.
  func value(_ long: String) -> String? { values[long]?.last }

  func has(_ long: String) -> Bool { flags[long] != nil }

  /// Parses the arguments after the program's name. Options may precede and follow the command.
  ///
  /// - Throws: a usage ``Failure`` for an unknown command or option, a missing or surplus value, or a surplus operand.
  init(_ words: [String]) throws(Failure) {
    var named: Command?
    var used: [Used] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--"), word.utf8.count > 2 {
        used.append(try parseLong(word, &rest))
      } else if word.hasPrefix("-"), word.utf8.count > 1, word != "--" {
        used += try parseShort(word, &rest)
      } else if named == nil {
        named = try parseCommand(word)
      } else if named?.operand != nil, operand == nil {
        operand = word
      } else {
        throw Self.usage("'\(word)' is an unexpected argument")
      }
    }
    command = named ?? .run
    isCommandNamed = named != nil
    if has("help") || has("version") { return }
    if let group {
      if named == nil { throw Self.usage("\(group) needs an action: \(Command.actions(of: group))", forWords: group) }
    }
    try check(used)
  }

  /// An occurrence of an option. Options of several commands can have the same name.
  private struct Used {
    var long: String
    /// As it was written.
    var shown: String
  }

  private func check(_ used: [Used]) throws(Failure) {
    for option in used where option.long != "help" {
      let known = Option.all.first { known in
        known.long == option.long && (known.isGlobal || known.commands.contains(command))
      }
      guard let known else {
        throw Self.usage("--\(option.long) is not an option of '\(command.rawValue)'", for: command)
      }
      let count = flags[known.long] ?? values[known.long]?.count ?? 0
      if count > 1, !known.repeats { throw Self.usage("\(option.shown) is given twice") }
    }
  }

  /// The command that a word names; nil: it is the first word of commands with two words.
  private mutating func parseCommand(_ word: String) throws(Failure) -> Command? {
    if group == nil, Command.groups.contains(word) {
      group = word
      return nil
    }
    // `help gen-config` is equivalent to `gen-config --help`.
    if group == nil, word == "help" {
      flags["help"] = 1
      return nil
    }
    let name = group.map { "\($0) \(word)" } ?? word
    if let command = Command(rawValue: name) { return command }
    guard let group else { throw Self.usage("unknown command '\(word)'" + Self.hint(word, Self.commandNames)) }
    let hint = closest(to: name, among: Self.commandNames).map { "; did you mean '\($0)'?" } ?? ""
    throw Self.usage("unknown action '\(word)' of '\(group)'\(hint)", forWords: group)
  }

  /// A usage error, with a hint where to find help.
  static func usage(_ text: String, for command: Command? = nil) -> Failure {
    usage(text, forWords: command?.rawValue)
  }

  private static func usage(_ text: String, forWords words: String?) -> Failure {
    Failure(.usage, "bssh-server: \(text)", "Try 'bssh-server\(words.map { " " + $0 } ?? "") --help'.")
  }

  private static var commandNames: [String] {
    Command.allCases.filter { $0.summary != nil }.map(\.rawValue) + Command.groups + ["help"]
  }

  private static func hint(_ word: String, _ candidates: [String]) -> String {
    closest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  private mutating func parseLong(_ word: String, _ rest: inout ArraySlice<String>) throws(Failure) -> Used {
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = Option.all.first(where: { $0.isNamed(name) }) else {
      throw Self.usage("unknown option '--\(name)'" + Self.hint("--" + name, Option.all.map { "--" + $0.long }))
    }
    let attached = parts.count == 2 ? String(parts[1]) : nil
    if option.value == nil, attached != nil { throw Self.usage("--\(name) takes no value") }
    return try take(option, shown: "--\(name)", attached: attached, &rest)
  }

  /// `-p 22`, `-p22`, `-p=22`, `-Dvv`.
  private mutating func parseShort(_ word: String, _ rest: inout ArraySlice<String>) throws(Failure) -> [Used] {
    var used: [Used] = []
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = Option.all.first(where: { $0.short == letter }) else {
        throw Self.usage("unknown option '-\(letter)'")
      }
      var attached: String?
      if option.value != nil, !letters.isEmpty {
        attached = String(letters.first == "=" ? letters.dropFirst() : letters)
        letters = ""
      }
      used.append(try take(option, shown: "-\(letter)", attached: attached, &rest))
    }
    return used
  }

  /// Options of the same name all have a value, or none has.
  private mutating func take(
    _ option: Option, shown: String, attached: String?, _ rest: inout ArraySlice<String>
  ) throws(Failure) -> Used {
    if let name = option.value {
      guard let value = attached ?? rest.popFirst() else {
        throw Self.usage("\(shown) needs a value: \(shown) \(name)")
      }
      if value.isEmpty { throw Self.usage("the value of \(shown) is empty") }
      values[option.long, default: []].append(value)
    } else {
      flags[option.long, default: 0] += 1
    }
    return Used(long: option.long, shown: shown)
  }
}
