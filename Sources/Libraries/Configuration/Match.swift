import AccessControl
import Authentication
import Filter

/// A block of `match`: for which logins it holds, and the keys that have other values for them.
public struct Match: Equatable, Sendable {
  /// One entry of a condition's list; `!` before it turns it round.
  public struct Entry<Value: Hashable & Sendable>: Hashable, Sendable {
    public var value: Value
    public var isNegated: Bool

    public init(_ value: Value, isNegated: Bool = false) {
      self.value = value
      self.isNegated = isNegated
    }
  }

  /// Blocks that a configuration has at most.
  public static let most = 256
  /// The names of the conditions; a block has at least one, and all that it has must hold.
  public static let conditions = ["users", "groups", "addresses"]

  /// Patterns for the name that logs in. Empty: any name.
  public var users: [Entry<NamePattern>] = []
  /// Patterns for the groups that the login is in. Empty: any groups, or none.
  public var groups: [Entry<NamePattern>] = []
  /// Where the client is. Empty: anywhere.
  public var addresses: [Entry<AddressRange>] = []
  /// The paths of the keys that the block gives, in the order of the table.
  public var paths: [String] = []
  /// The block's values for these keys; about all others it says nothing.
  public var values: Settings {
    get { choices.settings }
    set { choices.settings = newValue }
  }
  /// The values, with the paths of the files that some were read from; those are known where the file is loaded.
  var choices = Choices()

  public init() {}

  /// True when every condition holds.
  public func holds(for applicant: Applicant) -> Bool {
    Self.holds(users) { $0.matches(applicant.user) } && Self.holds(groups) { applicant.groups.contains($0) }
      && Self.holds(addresses) { $0.contains(applicant.address) }
  }

  /// True when no negated entry matches, and one of the others does.
  private static func holds<Value>(_ entries: [Entry<Value>], _ matches: (Value) -> Bool) -> Bool {
    if entries.isEmpty { return true }
    if entries.contains(where: { $0.isNegated && matches($0.value) }) { return false }
    return entries.contains { !$0.isNegated && matches($0.value) }
  }
}

extension Settings {
  /// Every pattern for a group in the settings, each once: what has to be known about the groups of a login.
  public var groupPatterns: [NamePattern] {
    var seen: Set<NamePattern> = []
    var patterns = auth.denyGroups + auth.allowGroups
    for match in matches {
      patterns += match.groups.map(\.value) + match.values.auth.denyGroups + match.values.auth.allowGroups
    }
    return patterns.filter { seen.insert($0).inserted }
  }

  /// The numbers of the blocks that hold for this login, from 0, in order.
  public func matching(_ applicant: Applicant) -> [Int] { matches.indices.filter { matches[$0].holds(for: applicant) } }

  /// The settings with what these blocks say, the later ones over the earlier.
  public func applying(_ blocks: [Int]) -> Settings {
    var choices = Choices()
    choices.settings = self
    for block in blocks where matches.indices.contains(block) {
      for path in matches[block].paths { KeyTable.key(path)?.copy(matches[block].choices, &choices) }
    }
    return choices.settings
  }

  /// The settings of one login.
  public func effective(for applicant: Applicant) -> Settings { applying(matching(applicant)) }
}
