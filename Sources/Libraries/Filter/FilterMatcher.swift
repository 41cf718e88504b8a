/// The conditions of a rule on a path and a size: all that are set must hold.
public struct FilterMatcher: Equatable, Sendable {
  /// Several matchers combined by an operator.
  public struct Composite: Equatable, Sendable {
    /// The operator.
    public enum Kind: String, CaseIterable, Sendable {
      /// All matchers hold.
      case and
      /// At least one matcher holds.
      case or
      /// The only matcher does not hold.
      case not
    }

    /// The operator.
    public var kind: Kind
    /// At least one; exactly one for `not`.
    public var matchers: [FilterMatcher]

    public init(kind: Kind, matchers: [FilterMatcher]) {
      self.kind = kind
      self.matchers = matchers
    }
  }

  /// Deepest nesting of matchers.
  public static let deepest = 16

  /// A pattern for the path or its last component.
  public var pattern: Glob?
  /// A directory: matches it and everything below it.
  public var pathPrefix: String?
  /// File name extensions, without the leading dot; ASCII letters match in either case.
  public var extensions: [String] = []
  /// A name: matches paths of which one component equals it.
  public var directory: String?
  /// Bytes, inclusive; without a size the condition does not hold.
  public var minSize: UInt64?
  /// Bytes, inclusive; without a size the condition does not hold.
  public var maxSize: UInt64?
  /// At most one matcher, which must not hold. An array, because a struct cannot contain itself.
  public var not: [FilterMatcher] = []
  /// Further matchers with an operator.
  public var composite: Composite?

  /// Matches everything.
  public init() {}

  /// True when there is no condition.
  public var isEmpty: Bool { self == FilterMatcher() }

  /// True when the result can depend on a size.
  public var asksForSize: Bool {
    minSize != nil || maxSize != nil || not.contains(where: \.asksForSize)
      || (composite?.matchers.contains(where: \.asksForSize) ?? false)
  }

  /// True when every condition holds for this absolute path without `.`, `..` and double slashes.
  ///
  /// - Parameter size: bytes of the file; nil for what has no size, such as a directory.
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
      // At least one byte precedes the dot: '.bashrc' has no extension.
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
