/// The configuration as text: what `gen-config` and `check-config` print.
public enum Template {
  /// All keys with their defaults, descriptions and other ways to set them.
  public static let commented = """
    # The configuration of bssh-server; bssh-server.yaml(5) is its manual.
    #
    # Every key is here with its default. An unknown key is an error, and so is a value that is not
    # allowed: try "bssh-server check-config". Options of the command line override variables of the
    # environment, and those override this file. Durations are seconds, or 90s, 15m, 2h, 1d; sizes are
    # bytes, or 64KiB, 50MiB, 1GiB.

    """ + text { key in Block(comment: comment(on: key), value: key.example ?? key.render(UnresolvedSettings())) }

  /// A file that loads to the same settings as `loaded`, except for credentials: password hashes, TOTP secrets and headers
  /// for receivers are omitted.
  public static func effective(_ loaded: Loaded) -> String {
    var choices = loaded.choices
    var notes = ""
    let fromFile = loaded.settings.auth.users.dropFirst(choices.settings.auth.users.count)
    if let file = choices.usersFile {
      notes += "# Users of \(file): \(fromFile.map { yamlText($0.name) }.joined(separator: ", "))\n"
    }
    if choices.settings.auth.users.contains(where: { $0.passwordHash != nil }) {
      notes += "# The password hashes of auth.password.users are omitted.\n"
    }
    if choices.settings.auth.users.contains(where: { $0.totpSecret != nil }) {
      notes += "# The secrets of one-time codes of auth.password.users are omitted.\n"
    }
    if choices.settings.audit.hasHeaders {
      notes += "# The headers of audit.exporters are omitted.\n"
      choices.settings.audit.removeHeaders()
    }
    for index in choices.settings.auth.users.indices {
      choices.settings.auth.users[index].passwordHash = nil
      choices.settings.auth.users[index].totpSecret = nil
    }
    return notes + text { Block(comment: [], value: $0.render(choices)) }
  }

  private struct Block {
    var comment: [String]
    var value: Rendering
  }

  /// The keys in their sections, each with the comment and value that `block` returns.
  private static func text(_ block: (Key) -> Block) -> String {
    var result = ""
    var open: [String] = []
    for key in KeyTable.keys {
      let sections = key.path.split(separator: ".").dropLast().map(String.init)
      let shared = zip(open, sections).prefix { $0 == $1 }.count
      for depth in shared..<sections.count {
        if depth == 0 { result += "\n" }
        result += indent(depth) + sections[depth] + ":\n"
      }
      open = sections
      let block = block(key)
      if !block.comment.isEmpty, !result.hasSuffix(":\n") { result += "\n" }
      for line in block.comment.map({ "# " + $0 }) + block.value.lines(key: key.name) {
        result += indent(sections.count) + line + "\n"
      }
    }
    return result
  }

  private static func comment(on key: Key) -> [String] {
    var lines = key.meaning
    if key.path == "auth.password.users" {
      for (index, user) in Settings.User.keys.enumerated() {
        lines.append((index == 0 ? "  - " : "    ") + "\(user.name): \(user.meaning)")
      }
    }
    if key.path == "filter.rules" {
      for (index, rule) in RuleKey.all.enumerated() {
        lines.append((index == 0 ? "  - " : "    ") + "\(rule.name): \(rule.meaning)")
      }
    }
    if key.path == "audit.exporters" { lines += ExporterHelp.lines }
    let others = key.variables.reversed() + (key.option.map { [$0] } ?? [])
    return lines + ["Value: \(key.form)."] + (others.isEmpty ? [] : ["Also: " + others.joined(separator: ", ") + "."])
  }

  private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}
