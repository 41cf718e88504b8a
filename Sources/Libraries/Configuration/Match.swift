import AccessControl
import Authentication
import Filter

/// A `match` block: conditions that select logins, and keys that have other values for these.
public struct Match: Equatable, Sendable {
  /// An entry of the list of a condition; `!` before it negates it.
  public struct Entry<Value: Hashable & Sendable>: Hashable, Sendable {
    /// The pattern or range.
    public var value: Value
    /// True: a login that matches is not selected.
    public var isNegated: Bool

    /// An entry, not negated by default.
    public init(_ value: Value, isNegated: Bool = false) {
      self.value = value
      self.isNegated = isNegated
    }
  }

  /// Maximum number of blocks in a configuration.
  public static let countLimit = 256
  /// The names of the conditions. A block has at least one, and all of them must be met.
  public static let conditions = ["users", "groups", "addresses"]

  /// Patterns for the user name; empty: any name.
  public var users: [Entry<NamePattern>] = []
  /// Patterns for the groups of the login; empty: any groups, or none.
  public var groups: [Entry<NamePattern>] = []
  /// The addresses of clients; empty: any address.
  public var addresses: [Entry<AddressRange>] = []
  /// The paths of the keys that the block sets, in the order of the table.
  public var paths: [String] = []
  /// The values of these keys. The other values are meaningless.
  public var values: Settings {
    get { choices.settings }
    set { choices.settings = newValue }
  }
  /// The values, with the paths of files whose contents they are; the paths are known only to the loader.
  var choices = UnresolvedSettings()

  public init() {}

  /// True if all conditions are met.
  public func holds(for attempt: LoginAttempt) -> Bool {
    Self.holds(users) { $0.matches(attempt.user) } && Self.holds(groups) { attempt.groups.contains($0) }
      && Self.holds(addresses) { $0.contains(attempt.address) }
  }

  /// True if no negated entry and at least one other entry matches, or there are no entries.
  private static func holds<Value>(_ entries: [Entry<Value>], _ matches: (Value) -> Bool) -> Bool {
    if entries.isEmpty { return true }
    if entries.contains(where: { $0.isNegated && matches($0.value) }) { return false }
    return entries.contains { !$0.isNegated && matches($0.value) }
  }
}

extension Settings {
  /// All patterns for groups in the settings, each once. A login is described by those that match its groups.
  public var groupPatterns: [NamePattern] {
    var seen: Set<NamePattern> = []
    var patterns = auth.denyGroups + auth.allowGroups
    for match in matches {
      patterns += match.groups.map(\.value) + match.values.auth.denyGroups + match.values.auth.allowGroups
    }
    return patterns.filter { seen.insert($0).inserted }
  }

  /// The indices of the blocks that apply to this login, in order.
  public func matching(_ attempt: LoginAttempt) -> [Int] { matches.indices.filter { matches[$0].holds(for: attempt) } }

  /// The settings with the values of these blocks, of which later ones override earlier ones.
  public func applying(_ blocks: [Int]) -> Settings {
    var choices = UnresolvedSettings()
    choices.settings = self
    for block in blocks where matches.indices.contains(block) {
      for path in matches[block].paths { KeyTable.key(path)?.copy(matches[block].choices, &choices) }
    }
    return choices.settings
  }

  /// The settings for one login.
  public func effective(for attempt: LoginAttempt) -> Settings { applying(matching(attempt)) }
}
