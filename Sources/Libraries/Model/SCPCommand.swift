/// A word of a command line after quote removal.
public struct ShellWord: Equatable, Sendable {
  /// The word without quotes and backslashes.
  public var bytes: [UInt8]
  /// For each byte whether it was unquoted, so that `*`, `?`, `[` and a leading `~` are special.
  public var isBare: [Bool]

  public init(bytes: [UInt8] = [], isBare: [Bool] = []) {
    self.bytes = bytes
    self.isBare = isBare
  }

  mutating func append(_ byte: UInt8, bare: Bool) {
    bytes.append(byte)
    isBare.append(bare)
  }

  /// The words of a simple command, split as by sh(1).
  ///
  /// nil for a command that needs a shell: several commands, redirections, variables, substitutions, comments, an
  /// unterminated quote.
  public static func split(_ command: some Sequence<UInt8>) -> [ShellWord]? {
    var words: [ShellWord] = []
    var word: ShellWord?
    var rest = Array(command)[...]
    // No argument of a program can contain NUL, however it is quoted.
    if rest.contains(0) { return nil }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"):
        if let done = word { words.append(done) }
        word = nil
      case UInt8(ascii: "'"):
        guard let end = rest.firstIndex(of: byte) else { return nil }
        word = word ?? ShellWord()
        for quoted in rest[..<end] { word?.append(quoted, bare: false) }
        rest = rest[(end + 1)...]
      case UInt8(ascii: "\""):
        guard let quoted = doubleQuoted(&rest) else { return nil }
        word = word ?? ShellWord()
        for byte in quoted { word?.append(byte, bare: false) }
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst() else { return nil }
        if escaped == UInt8(ascii: "\n") { continue }
        word = word ?? ShellWord()
        word?.append(escaped, bare: false)
      case UInt8(ascii: "#") where word == nil: return nil
      case UInt8(ascii: "\n"), UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "<"),
        UInt8(ascii: ">"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "$"), UInt8(ascii: "`"):
        return nil
      default:
        word = word ?? ShellWord()
        word?.append(byte, bare: true)
      }
    }
    if let word { words.append(word) }
    return words
  }

  /// The text up to the closing `"`, which is consumed as well.
  private static func doubleQuoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return bytes
      case UInt8(ascii: "$"), UInt8(ascii: "`"): return nil
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst() else { return nil }
        switch escaped {
        case UInt8(ascii: "\n"): continue
        case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(escaped)
        default: bytes += [byte, escaped]
        }
      default: bytes.append(byte)
      }
    }
    return nil
  }
}

/// A command that runs the server side of scp(1): `scp -r -t files`.
public struct SCPCommand: Equatable, Sendable {
  /// The direction of the transfer.
  public enum Direction: Equatable, Sendable {
    /// `-f`: files are sent to the client.
    case source
    /// `-t`: files are received from the client.
    case sink
  }

  /// `-f` or `-t`.
  public var direction: Direction
  /// `-r`: directories as well.
  public var isRecursive = false
  /// `-p`: keep times and permissions.
  public var preserves = false
  /// `-d`: the target must be a directory.
  public var needsDirectory = false
  /// At least one.
  public var paths: [ShellWord]

  public init(direction: Direction, paths: [ShellWord]) {
    self.direction = direction
    self.paths = paths
  }

  /// Limit of a command, in bytes; a longer one is no call of scp.
  public static let lengthLimit = 256 << 10

  /// Parses the command of an `exec` request; nil unless it is a simple call of the server side of scp.
  public static func parse(_ command: [UInt8]) -> SCPCommand? {
    guard command.count <= lengthLimit, let words = ShellWord.split(command), let program = words.first,
      programs.contains(where: { program.bytes.elementsEqual($0.utf8) })
    else { return nil }
    var direction: Direction?
    var result = SCPCommand(direction: .source, paths: [])
    var rest = words.dropFirst()
    while let word = rest.first, word.bytes.first == UInt8(ascii: "-"), word.bytes.count > 1 {
      rest = rest.dropFirst()
      if word.bytes.elementsEqual("--".utf8) { break }
      for option in word.bytes.dropFirst() {
        switch option {
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
          let wanted: Direction = option == UInt8(ascii: "t") ? .sink : .source
          if let direction, direction != wanted { return nil }
          direction = wanted
        case UInt8(ascii: "r"): result.isRecursive = true
        case UInt8(ascii: "p"): result.preserves = true
        case UInt8(ascii: "d"): result.needsDirectory = true
        // Verbosity concerns the client only: it gets every record and every error.
        case UInt8(ascii: "v"), UInt8(ascii: "q"): continue
        default: return nil
        }
      }
    }
    guard let direction, !rest.isEmpty else { return nil }
    result.direction = direction
    result.paths = Array(rest)
    return result
  }

  /// Names of scp; a program of that name elsewhere is the user's own.
  private static let programs = ["scp", "/usr/bin/scp", "/bin/scp", "/usr/local/bin/scp"]
}
