/// Why a text is not a valid pattern.
public struct GlobError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong and what would be right.
  public let description: String
}

/// A pattern for names and paths, which are strings of bytes.
///
/// `*` matches any bytes except `/`, `**` any bytes, `**/` any number of directories, `?` one byte except `/`, `[a-z]`
/// and `[!a-z]` one byte in or outside a set (never `/`), and `{a,b}` one of several patterns. `\` makes the next byte
/// literal. A pattern without `/` is matched against the last component of a path, one with `/` against the whole path.
/// Matching takes time proportional to the length of the pattern times that of the path.
public struct Glob: Equatable, Sendable {
  /// Longest pattern in bytes.
  public static let lengthLimit = 1024

  /// What a state of the matcher does with the next byte, or without consuming one.
  enum Step: Equatable, Sendable {
    case byte(UInt8)
    /// Any byte but `/`.
    case anyOfName
    case anyByte
    /// A byte of the set, a bitmap of 256 bits; never `/`.
    case set([UInt64])
    /// Continues in both states without consuming a byte.
    case split(Int, Int)
    case jump(Int)
    case matched
  }

  /// The pattern as written.
  public let pattern: String
  /// True when the pattern is matched against the whole path, not its last component.
  let isWhole: Bool
  private let steps: [Step]

  /// Parses a pattern.
  ///
  /// - Throws: `GlobError` when the pattern is empty, longer than ``lengthLimit``, contains a NUL byte, or is
  ///   malformed.
  public init(_ pattern: String) throws(GlobError) {
    var compiler = GlobCompiler(Array(pattern.utf8))
    self.pattern = pattern
    steps = try compiler.compile()
    isWhole = compiler.hasSlash
  }

  /// True when the pattern matches this absolute path without `.`, `..` and double slashes.
  public func matches(path: some BidirectionalCollection<UInt8>) -> Bool {
    if isWhole { return matches(bytes: path) }
    let slash = path.lastIndex(of: UInt8(ascii: "/"))
    return matches(bytes: path[(slash.map(path.index(after:)) ?? path.startIndex)...])
  }

  /// What the pattern says about every path below this directory.
  func reach(below directory: [UInt8]) -> FilterReach {
    var states = GlobStates(count: steps.count)
    states.add(0, steps)
    // A pattern for names is independent of the directory.
    guard isWhole else {
      return takesEverything(states.current, .anyOfName) ? .everything : FilterReach(.some, .entry)
    }
    let slash = UInt8(ascii: "/")
    for byte in directory.last == slash ? directory : directory + [slash] {
      for state in states.advance() where steps[state].takes(byte) { states.add(state + 1, steps) }
    }
    if states.current.isEmpty { return .nothing }
    if takesEverything(states.current, .anyByte) { return .everything }
    return FilterReach(.some, .glob(states.current.sorted()))
  }

  /// True when one of these states consumes any number of bytes with this step, and matches after each.
  private func takesEverything(_ current: [Int], _ step: Step) -> Bool {
    current.contains { state in
      guard steps[state] == step else { return false }
      var next = GlobStates(count: steps.count)
      next.add(state + 1, steps)
      return next.current.contains(state) && next.current.contains { steps[$0] == .matched }
    }
  }

  /// True when the pattern matches these bytes as they are.
  public func matches(bytes: some Collection<UInt8>) -> Bool {
    var states = GlobStates(count: steps.count)
    states.add(0, steps)
    for byte in bytes {
      let current = states.advance()
      if current.isEmpty { return false }
      for state in current where steps[state].takes(byte) { states.add(state + 1, steps) }
    }
    return states.current.contains { steps[$0] == .matched }
  }
}

extension Glob.Step {
  fileprivate func takes(_ byte: UInt8) -> Bool {
    switch self {
    case .byte(let wanted): byte == wanted
    case .anyOfName: byte != UInt8(ascii: "/")
    case .anyByte: true
    case .set(let words): words[Int(byte >> 6)] & (1 << UInt64(byte & 63)) != 0
    case .split, .jump, .matched: false
    }
  }
}

/// The states that a matcher can be in after the bytes so far, each once.
private struct GlobStates {
  private(set) var current: [Int] = []
  /// The round in which each state was last added.
  private var added: [Int]
  private var round = 1

  init(count: Int) { added = Array(repeating: 0, count: count) }

  /// Starts the set of states after the next byte; returns the states before it.
  mutating func advance() -> [Int] {
    round += 1
    defer { current.removeAll(keepingCapacity: true) }
    return current
  }

  /// Adds a state and all that it reaches without consuming a byte.
  mutating func add(_ state: Int, _ steps: [Glob.Step]) {
    var open = [state]
    while let next = open.popLast() {
      if added[next] == round { continue }
      added[next] = round
      switch steps[next] {
      case .split(let first, let second): open += [second, first]
      case .jump(let target): open.append(target)
      case .byte, .anyOfName, .anyByte, .set, .matched: current.append(next)
      }
    }
  }
}
