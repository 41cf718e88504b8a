/// What is to be done with a path, and by whom.
public struct FilterRequest: Equatable, Sendable {
  public var operation: FilterOperation
  /// Absolute as the client sees it, resolved: without symbolic links, `.`, `..` and double slashes.
  public var path: [UInt8]
  /// Bytes that the file has, or will have; nil for what has no size.
  public var size: UInt64?
  public var user: String
  public var groups: [String]

  public init(operation: FilterOperation, path: [UInt8], size: UInt64?, user: String, groups: [String]) {
    self.operation = operation
    self.path = path
    self.size = size
    self.user = user
    self.groups = groups
  }
}

/// The rules for files that are transferred, by SFTP and by SCP: the first that matches decides.
///
/// Decides only; what path it is told is the caller's responsibility.
public struct TransferFilter: Equatable, Sendable {
  /// An answer, and where it comes from.
  public struct Verdict: Equatable, Sendable {
    public var action: FilterAction
    /// The rule's name, `rule 3` for one without a name; nil when no rule matched.
    public var rule: String?

    public init(action: FilterAction, rule: String?) {
      self.action = action
      self.rule = rule
    }

    /// The one of two that permits less; this one of equal ones.
    func stricter(_ other: Verdict) -> Verdict {
      action.stricter(other.action) == action ? self : other
    }
  }

  /// The most rules that there may be.
  public static let mostRules = 1000

  /// False: everything is allowed.
  public var isEnabled = false
  /// For what no rule matches.
  public var defaultAction = FilterAction.allow
  public var rules: [FilterRule] = []

  /// Allows everything.
  public init() {}

  /// True when the size of a file can make a difference to `operation`.
  public func asksForSize(_ operation: FilterOperation) -> Bool {
    isEnabled
      && rules.contains { $0.matcher.asksForSize && ($0.operations.isEmpty || $0.operations.contains(operation)) }
  }

  /// What the first rule that matches says.
  public func verdict(on request: FilterRequest) -> Verdict {
    guard isEnabled else { return Verdict(action: .allow, rule: nil) }
    for (index, rule) in rules.enumerated() where matches(rule, request) { return verdict(of: rule, at: index) }
    return Verdict(action: defaultAction, rule: nil)
  }

  func verdict(of rule: FilterRule, at index: Int) -> Verdict {
    Verdict(action: rule.action, rule: rule.name ?? "rule \(index + 1)")
  }

  /// What becomes of an operation on two paths, as a rename: the stricter of both answers, the first of equal ones.
  public func verdict(on request: FilterRequest, and other: FilterRequest) -> Verdict {
    verdict(on: request).stricter(verdict(on: other))
  }

  private func matches(_ rule: FilterRule, _ request: FilterRequest) -> Bool {
    concerns(rule, request) && rule.matcher.matches(path: request.path, size: request.size)
  }

  /// True when a rule is for this operation and this login, whatever the path.
  func concerns(_ rule: FilterRule, _ request: FilterRequest) -> Bool {
    (rule.operations.isEmpty || rule.operations.contains(request.operation))
      && (rule.users.isEmpty || rule.users.contains { isSame($0, request.user) })
      && (rule.groups.isEmpty || rule.groups.contains { group in request.groups.contains { isSame($0, group) } })
  }

  /// Names are bytes: `==` calls `é` and `e` + accent equal, the system does not.
  private func isSame(_ name: String, _ other: String) -> Bool { name.utf8.elementsEqual(other.utf8) }
}
