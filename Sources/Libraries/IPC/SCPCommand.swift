/// A word of a command line after quotes and backslashes are gone.
public struct ShellWord: Equatable, Sendable {
  public var bytes: [UInt8]
  /// For each byte whether it stood unquoted, so that `*`, `?`, `[` and a leading `~` mean something.
  public var isBare: [Bool]

  public init(bytes: [UInt8] = [], isBare: [Bool] = []) {
    self.bytes = bytes
    self.isBare = isBare
  }

  mutating func append(_ byte: UInt8, bare: Bool) {
    bytes.append(byte)
    isBare.append(bare)
  }

  /// The words of a simple command, as sh(1) splits them.
  ///
  /// nil for what needs a shell: several commands, redirections, variables, substitutions, comments, an open quote.
  public static func split(_ command: some Sequence<UInt8>) -> [ShellWord]? {
    var words: [ShellWord] = []
    var word: ShellWord?
    var rest = Array(command)[...]
    // No argument of a program can hold it, however it is quoted.
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

  /// What stands before the closing `"`, which is taken as well.
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

/// A command that asks for the server's side of scp(1): `scp -r -t files`.
public struct SCPCommand: Equatable, Sendable {
  public enum Direction: Equatable, Sendable {
    /// `-f`: files go to the client.
    case source
    /// `-t`: files come from the client.
    case sink
  }

  public var direction: Direction
  /// `-r`: directories too.
  public var isRecursive = false
  /// `-p`: times and permissions as they are at the other side.
  public var preserves = false
  /// `-d`: the target must be a directory.
  public var needsDirectory = false
  /// At least one.
  public var paths: [ShellWord]

  public init(direction: Direction, paths: [ShellWord]) {
    self.direction = direction
    self.paths = paths
  }

  /// The longest command that is looked at, in bytes.
  public static let longest = 256 << 10

  /// What a command line of an `exec` request asks for; nil when it is anything but a simple call of scp's server side.
  public static func parse(_ command: [UInt8]) -> SCPCommand? {
    guard command.count <= longest, let words = ShellWord.split(command), let program = words.first,
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
        // How much is told is the client's business: it sees every record and every problem as it is.
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

  /// Where scp is; a program of that name elsewhere is the user's own.
  private static let programs = ["scp", "/usr/bin/scp", "/bin/scp", "/usr/local/bin/scp"]
}
