import Configuration

/// What a command line asks for.
struct Arguments: Equatable {
  /// `run` when none is named.
  private(set) var command = Command.run
  /// False when `run` was not asked for by name.
  private(set) var isCommandNamed = false
  /// The word after the command, for a command that takes one.
  private(set) var operand: String?
  /// The values of each option, by its long name, in order.
  private(set) var values: [String: [String]] = [:]
  /// How often each option without a value stands there.
  private(set) var flags: [String: Int] = [:]

  /// The value of an option that stands there once at most.
  func value(_ long: String) -> String? { values[long]?.last }

  func has(_ long: String) -> Bool { flags[long] != nil }

  /// Reads the words after the program's name. Options may stand before and after the command.
  init(_ words: [String]) throws(Failure) {
    var named: Command?
    var used: [Option] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--"), word.utf8.count > 2 {
        used.append(try takeLong(word, &rest))
      } else if word.hasPrefix("-"), word.utf8.count > 1, word != "--" {
        used += try takeShort(word, &rest)
      } else if named == nil {
        guard let command = Command(rawValue: word) else {
          throw Self.usage("unknown command '\(word)'" + Self.hint(word, Self.commandNames))
        }
        named = command
      } else if named?.operand != nil, operand == nil {
        operand = word
      } else {
        throw Self.usage("'\(word)' is one word too many")
      }
    }
    command = named ?? .run
    isCommandNamed = named != nil
    if has("help") { return }
    for option in used where !option.commands.contains(command) {
      throw Self.usage("--\(option.long) is no option of '\(command.rawValue)'", for: command)
    }
  }

  /// A complaint about the command line, with where to find help.
  static func usage(_ text: String, for command: Command? = nil) -> Failure {
    let name = command.map { " " + $0.rawValue } ?? ""
    return Failure(.usage, "bssh-server: \(text)", "Try 'bssh-server\(name) --help'.")
  }

  private static var commandNames: [String] { Command.allCases.filter { $0.summary != nil }.map(\.rawValue) }

  private static func hint(_ word: String, _ candidates: [String]) -> String {
    closest(to: word, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  private mutating func takeLong(_ word: String, _ rest: inout ArraySlice<String>) throws(Failure) -> Option {
    let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = Option.all.first(where: { $0.long == name }) else {
      throw Self.usage("unknown option '--\(name)'" + Self.hint("--" + name, Option.all.map { "--" + $0.long }))
    }
    let attached = parts.count == 2 ? String(parts[1]) : nil
    if option.value == nil, attached != nil { throw Self.usage("--\(name) takes no value") }
    try take(option, shown: "--\(name)", attached: attached, &rest)
    return option
  }

  /// `-p 22`, `-p22`, `-Dvv`.
  private mutating func takeShort(_ word: String, _ rest: inout ArraySlice<String>) throws(Failure) -> [Option] {
    var used: [Option] = []
    var letters = word.dropFirst()
    while let letter = letters.popFirst() {
      guard let option = Option.all.first(where: { $0.short == letter }) else {
        throw Self.usage("unknown option '-\(letter)'")
      }
      var attached: String?
      if option.value != nil, !letters.isEmpty {
        attached = String(letters)
        letters = ""
      }
      try take(option, shown: "-\(letter)", attached: attached, &rest)
      used.append(option)
    }
    return used
  }

  private mutating func take(
    _ option: Option, shown: String, attached: String?, _ rest: inout ArraySlice<String>
  ) throws(Failure) {
    let before = flags[option.long] ?? values[option.long]?.count ?? 0
    if before > 0, !option.repeats, option.long != "help" { throw Self.usage("\(shown) is given twice") }
    guard let name = option.value else {
      flags[option.long] = before + 1
      return
    }
    guard let value = attached ?? rest.popFirst() else { throw Self.usage("\(shown) needs a value: \(shown) \(name)") }
    if value.isEmpty { throw Self.usage("the value of \(shown) is empty") }
    values[option.long, default: []].append(value)
  }
}
