/// What is done with a file: the names that rules know it by.
public enum FilterOperation: String, CaseIterable, Sendable {
  /// Opening for writing; writing, where the size decides.
  case upload
  /// Opening for reading.
  case download
  /// Removing a file or a directory.
  case delete
  /// Giving another name, or a second one.
  case rename
  case createDirectory = "createdir"
  case listDirectory = "listdir"
  /// Asking for attributes.
  case stat
  /// Changing attributes.
  case setStat = "setstat"
  case symlink
  case readLink = "readlink"

  /// Reads a name in any case of its letters; `mkdir` and `readdir` are other names of `createdir` and `listdir`.
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

/// What becomes of an operation.
public enum FilterAction: String, CaseIterable, Sendable {
  case allow, deny
  /// Allows, and leaves a record.
  case log

  /// Of two actions the one that permits less.
  public func stricter(_ other: FilterAction) -> FilterAction { rank >= other.rank ? self : other }

  private var rank: Int {
    switch self {
    case .allow: 0
    case .log: 1
    case .deny: 2
    }
  }
}

/// One rule: for whom and what, and what then.
public struct FilterRule: Equatable, Sendable {
  /// For records; nil: it is called by its place.
  public var name: String?
  public var matcher = FilterMatcher()
  public var action: FilterAction
  /// Empty: all of them.
  public var operations: [FilterOperation] = []
  /// Names of logins; empty: everyone.
  public var users: [String] = []
  /// Names of groups, one of which the login has; empty: everyone.
  public var groups: [String] = []

  public init(name: String? = nil, action: FilterAction) {
    self.name = name
    self.action = action
  }
}
