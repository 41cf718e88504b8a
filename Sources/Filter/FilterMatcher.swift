/// What a rule asks of a path: everything that is set must hold.
public struct FilterMatcher: Equatable, Sendable {
  /// Matchers under one word.
  public struct Composite: Equatable, Sendable {
    /// How the matchers are combined.
    public enum Kind: String, CaseIterable, Sendable {
      /// All of them hold.
      case and
      /// At least one holds.
      case or
      /// The one that there is does not hold.
      case not
    }

    public var kind: Kind
    /// At least one; exactly one for `not`.
    public var matchers: [FilterMatcher]

    public init(kind: Kind, matchers: [FilterMatcher]) {
      self.kind = kind
      self.matchers = matchers
    }
  }

  /// How deep matchers may stand in matchers.
  public static let deepest = 16

  public var pattern: Glob?
  /// A directory: it and everything below it match.
  public var pathPrefix: String?
  /// Ends of names after a dot, without that dot; the case of ASCII letters makes no difference.
  public var extensions: [String] = []
  /// A name: matches where one part of the path is it.
  public var directory: String?
  /// Bytes; what has no size has none of these.
  public var minSize: UInt64?
  /// Bytes.
  public var maxSize: UInt64?
  /// None or one matcher, which must not hold. An array because a value cannot contain itself.
  public var not: [FilterMatcher] = []
  public var composite: Composite?

  /// Matches everything.
  public init() {}

  /// True when nothing is asked.
  public var isEmpty: Bool { self == FilterMatcher() }

  /// True when a size makes a difference.
  public var asksForSize: Bool {
    minSize != nil || maxSize != nil || not.contains(where: \.asksForSize)
      || (composite?.matchers.contains(where: \.asksForSize) ?? false)
  }

  /// True when this absolute path, without `.`, `..` and double slashes, has all that is asked.
  ///
  /// `size`: bytes of the file; nil for what has no size, as a directory.
  public func matches(path: [UInt8], size: UInt64?) -> Bool {
    if let pattern, !pattern.matches(path: path) { return false }
    if let pathPrefix, !isBelow(pathPrefix, path) { return false }
    if !extensions.isEmpty, !hasExtension(path) { return false }
    if let directory, !path.split(separator: slash).contains(where: { $0.elementsEqual(directory.utf8) }) {
      return false
    }
    if let minSize, size.map({ $0 < minSize }) ?? true { return false }
    if let maxSize, size.map({ $0 > maxSize }) ?? true { return false }
    if not.contains(where: { $0.matches(path: path, size: size) }) { return false }
    guard let composite else { return true }
    switch composite.kind {
    case .and: return composite.matchers.allSatisfy { $0.matches(path: path, size: size) }
    case .or: return composite.matchers.contains { $0.matches(path: path, size: size) }
    case .not: return !composite.matchers.contains { $0.matches(path: path, size: size) }
    }
  }

  private func isBelow(_ prefix: String, _ path: [UInt8]) -> Bool {
    path.split(separator: slash).starts(with: prefix.utf8.split(separator: slash)) { $0.elementsEqual($1) }
  }

  private func hasExtension(_ path: [UInt8]) -> Bool {
    let name = path[((path.lastIndex(of: slash) ?? -1) + 1)...]
    return extensions.contains { wanted in
      // Something stands before the dot: '.bashrc' is a name, not an extension.
      let rest = name.count - wanted.utf8.count - 1
      guard rest > 0, name[name.startIndex + rest] == UInt8(ascii: ".") else { return false }
      return name.suffix(wanted.utf8.count).elementsEqual(wanted.utf8) { lowercase($0) == lowercase($1) }
    }
  }
}

private let slash = UInt8(ascii: "/")

private func lowercase(_ byte: UInt8) -> UInt8 {
  (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
}
