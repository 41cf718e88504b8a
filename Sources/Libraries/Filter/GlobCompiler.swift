/// Compiles the text of a ``Glob`` to the steps of its matcher.
struct GlobCompiler {
  /// Deepest nesting of braces.
  static let deepest = 16

  /// True when the pattern contains a `/`.
  private(set) var hasSlash = false
  private let pattern: [UInt8]
  private var position = 0
  private var steps: [Glob.Step] = []
  /// True where a path component can begin.
  private var isAtPartStart = true

  init(_ pattern: [UInt8]) { self.pattern = pattern }

  /// The steps of the matcher, and then ``hasSlash``.
  ///
  /// - Throws: `GlobError` when the text is not a valid pattern.
  mutating func compile() throws(GlobError) -> [Glob.Step] {
    guard !pattern.isEmpty else { throw fault("the pattern is empty") }
    guard pattern.count <= Glob.lengthLimit else { throw fault("the pattern is longer than \(Glob.lengthLimit) bytes") }
    guard !pattern.contains(0) else { throw fault("the pattern contains a NUL byte") }
    // The leading slash of a whole path is optional in a pattern: 'a/*' is '/a/*'.
    steps = [.split(1, 2), .byte(UInt8(ascii: "/"))]
    try sequence(depth: 0)
    steps.append(.matched)
    if !hasSlash {
      // A name has no leading slash to skip.
      steps[0] = .jump(2)
    }
    return steps
  }

  private func fault(_ reason: String) -> GlobError { GlobError(description: reason) }

  private var next: UInt8? { position < pattern.count ? pattern[position] : nil }

  /// Compiles to the end of the pattern, or inside braces to the `,` or `}` that ends the alternative.
  private mutating func sequence(depth: Int) throws(GlobError) {
    while let byte = next {
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: "}"):
        if depth > 0 { return }
        literal(byte)
      case UInt8(ascii: "*"): stars()
      case UInt8(ascii: "?"): step(.anyOfName)
      case UInt8(ascii: "["): step(.set(try set()))
      case UInt8(ascii: "{"): try alternatives(depth: depth + 1)
      case UInt8(ascii: "\\"):
        position += 1
        guard let escaped = next else { throw fault("'\\' at the end quotes no byte; write '\\\\'") }
        literal(escaped)
      default: literal(byte)
      }
    }
  }

  private mutating func step(_ step: Glob.Step) {
    steps.append(step)
    position += 1
    isAtPartStart = false
  }

  private mutating func literal(_ byte: UInt8) {
    step(.byte(byte))
    if byte == UInt8(ascii: "/") {
      hasSlash = true
      isAtPartStart = true
    }
  }

  private mutating func stars() {
    let isAlone = isAtPartStart
    let start = position
    while next == UInt8(ascii: "*") { position += 1 }
    let isDouble = position - start > 1
    let directories = isDouble && isAlone && next == UInt8(ascii: "/")
    let optional = steps.count
    if directories { steps.append(.split(optional + 1, 0)) }
    let loop = steps.count
    steps += [.split(loop + 1, loop + 3), isDouble ? .anyByte : .anyOfName, .jump(loop)]
    isAtPartStart = false
    if directories {
      literal(UInt8(ascii: "/"))
      steps[optional] = .split(optional + 1, steps.count)
    }
  }

  private mutating func alternatives(depth: Int) throws(GlobError) {
    guard depth <= Self.deepest else { throw fault("braces are nested more than \(Self.deepest) deep") }
    position += 1
    let beginsPart = isAtPartStart
    var endsPart = true
    var exits: [Int] = []
    while true {
      let entry = steps.count
      steps.append(.split(entry + 1, 0))
      isAtPartStart = beginsPart
      try sequence(depth: depth)
      endsPart = endsPart && isAtPartStart
      guard let end = next else { throw fault("'{' without '}'") }
      position += 1
      exits.append(steps.count)
      steps.append(.jump(0))
      if end == UInt8(ascii: "}") {
        // No alternative follows the last one.
        steps[entry] = .jump(entry + 1)
        break
      }
      steps[entry] = .split(entry + 1, steps.count)
    }
    for exit in exits { steps[exit] = .jump(steps.count) }
    isAtPartStart = endsPart
  }

  /// The bitmap of the set that begins at `[`; leaves the position at its `]`.
  private mutating func set() throws(GlobError) -> [UInt64] {
    position += 1
    let isNegated = next == UInt8(ascii: "!") || next == UInt8(ascii: "^")
    if isNegated { position += 1 }
    var words: [UInt64] = [0, 0, 0, 0]
    var isFirst = true
    while true {
      guard let byte = next else { throw fault("'[' without ']'") }
      if byte == UInt8(ascii: "]"), !isFirst { break }
      isFirst = false
      let low = try member(byte)
      var high = low
      if next == UInt8(ascii: "-"), position + 1 < pattern.count, pattern[position + 1] != UInt8(ascii: "]") {
        position += 1
        high = try member(pattern[position])
        guard low <= high else { throw fault("a range in '[…]' is reversed; write the lower end first") }
      }
      for member in low...high { words[Int(member >> 6)] |= 1 << UInt64(member & 63) }
    }
    if isNegated { words = words.map { ~$0 } }
    let slash = UInt8(ascii: "/")
    words[Int(slash >> 6)] &= ~(1 << UInt64(slash & 63))
    return words
  }

  private mutating func member(_ byte: UInt8) throws(GlobError) -> UInt8 {
    position += 1
    guard byte == UInt8(ascii: "\\") else { return byte }
    guard let escaped = next else { throw fault("'[' without ']'") }
    position += 1
    return escaped
  }
}
