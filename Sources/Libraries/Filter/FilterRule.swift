/// Operations on files, by their names in rules.
public enum FilterOperation: String, CaseIterable, Sendable {
  /// Opening for writing; also writing when rules depend on the size.
  case upload
  /// Opening for reading.
  case download
  /// Removing a file or directory.
  case delete
  /// Renaming, and making a hard link.
  case rename
  /// Making a directory.
  case createDirectory = "createdir"
  /// Reading the names in a directory.
  case listDirectory = "listdir"
  /// Reading attributes.
  case stat
  /// Changing attributes.
  case setStat = "setstat"
  /// Making a symbolic link.
  case symlink
  /// Reading the target of a symbolic link.
  case readLink = "readlink"

  /// Parses a name in either case; `mkdir` and `readdir` are aliases of `createdir` and `listdir`.
  public init?(name: String) {
    switch name.lowercased() {
    case "mkdir": self = .createDirectory
    case "readdir": self = .listDirectory
    case let name:
      guard let operation = FilterOperation(rawValue: name) else { return nil }
      self = operation
    }
  }
}

/// What happens with an operation.
public enum FilterAction: String, CaseIterable, Sendable {
  case allow, deny
  /// Allow the operation and record it.
  case log

  /// The action that permits less.
  public func stricter(_ other: FilterAction) -> FilterAction { rank >= other.rank ? self : other }

  private var rank: Int {
    switch self {
    case .allow: 0
    case .log: 1
    case .deny: 2
    }
  }
}

/// One rule: an action, and the operations, logins and paths that it applies to.
public struct FilterRule: Equatable, Sendable {
  /// For records; nil for a rule that is called by its number.
  public var name: String?
  /// Conditions on path and size.
  public var matcher = FilterMatcher()
  /// Applies when operation, login and matcher match.
  public var action: FilterAction
  /// Empty for all operations.
  public var operations: [FilterOperation] = []
  /// Names of users; empty for all.
  public var users: [String] = []
  /// Names of groups, of which the login must have one; empty for all.
  public var groups: [String] = []

  public init(name: String? = nil, action: FilterAction) {
    self.name = name
    self.action = action
  }
}
