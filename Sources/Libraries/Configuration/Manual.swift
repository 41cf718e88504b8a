/// The generated part of the manual page bssh-server.yaml(5), in mdoc(7).
public enum Manual {
  /// Updates the generated lines of `page`. The entry of each key begins with its form, its default and other ways to set
  /// it, up to the first paragraph break; the rest is written by hand. For a key without an entry, one with the meaning
  /// from the row is added after that of the preceding key.
  public static func completed(_ page: String) -> String {
    var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (index, key) in KeyTable.keys.enumerated() {
      guard let entry = lines.firstIndex(of: head(key)) else {
        lines.insert(
          contentsOf: [head(key)] + facts(of: key) + [".Pp"] + key.meaning.map(escaped), at: place(of: index, in: lines)
        )
        continue
      }
      let isGenerated = lines.indices.contains(entry + 1) && lines[entry + 1].hasPrefix("Value: ")
      let end = isGenerated ? lines[entry...].firstIndex(of: ".Pp") ?? entry : entry
      lines.replaceSubrange(entry...end, with: [head(key)] + facts(of: key) + [".Pp"])
    }
    return lines.joined(separator: "\n")
  }

  private static func head(_ key: Key) -> String { ".It Ic \(key.path)" }

  /// The line at which the entry of a new key is inserted: after the preceding key of its section, or before another one.
  private static func place(of index: Int, in lines: [String]) -> Int {
    let section = KeyTable.keys[index].path.prefix { $0 != "." }
    let isNear = { (key: Key) in key.path.prefix { $0 != "." } == section }
    if let previous = KeyTable.keys[..<index].last, isNear(previous), let entry = lines.firstIndex(of: head(previous)) {
      return end(ofEntry: entry, in: lines)
    }
    return KeyTable.keys[index...].filter(isNear).lazy.compactMap { lines.firstIndex(of: head($0)) }.first
      ?? lines.count
  }

  /// The index of the line after the entry that begins at `start`. An entry may contain lists.
  private static func end(ofEntry start: Int, in lines: [String]) -> Int {
    var depth = 0
    for (index, line) in lines.enumerated().dropFirst(start + 1) {
      if line.hasPrefix(".Bl") { depth += 1 }
      if depth == 0, line.hasPrefix(".It") || line.hasPrefix(".El") { return index }
      if line.hasPrefix(".El") { depth -= 1 }
    }
    return lines.count
  }

  private static func facts(of key: Key) -> [String] {
    let initial = key.example == nil ? key.render(UnresolvedSettings()).inOneLine : "none"
    // The page explains how the first variable is derived from the path.
    let others = (key.option.map { [".Fl \($0.dropFirst())"] } ?? []) + key.variables.dropFirst().map { ".Ev \($0)" }
    var lines = ["Value: \(key.form).", "Default: \(initial)."].map(escaped)
    if let last = others.last {
      lines += ["Also"] + others.dropLast().flatMap { [$0, "and"] } + ["\(last) ."]
    }
    return lines
  }

  /// A line of text in which the special characters of mdoc(7) are escaped.
  private static func escaped(_ text: String) -> String {
    let text = text.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\e")
    return text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text
  }
}
