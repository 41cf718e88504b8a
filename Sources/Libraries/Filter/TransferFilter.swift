/// An operation on a path by a login.
public struct FilterRequest: Equatable, Sendable {
  /// What the client does.
  public var operation: FilterOperation
  /// Absolute as the client sees it, resolved: without symbolic links, `.`, `..` and double slashes.
  public var path: [UInt8]
  /// Bytes that the file has or would get; nil when there is no size.
  public var size: UInt64?
  /// Name of the login.
  public var user: String
  /// Names of the login's groups.
  public var groups: [String]

  public init(operation: FilterOperation, path: [UInt8], size: UInt64?, user: String, groups: [String]) {
    self.operation = operation
    self.path = path
    self.size = size
    self.user = user
    self.groups = groups
  }
}

/// The rules for files transferred by SFTP and SCP: the first rule that matches decides.
///
/// Decides only; the caller resolves the path and enforces the verdict.
public struct TransferFilter: Equatable, Sendable {
  /// An action and the rule that it comes from.
  public struct Verdict: Equatable, Sendable {
    /// What happens with the operation.
    public var action: FilterAction
    /// The rule's name, or `rule 3` for one without a name; nil for the default action.
    public var rule: String?

    public init(action: FilterAction, rule: String?) {
      self.action = action
      self.rule = rule
    }

    /// The verdict that permits less; self when both permit the same.
    func stricter(_ other: Verdict) -> Verdict {
      action.stricter(other.action) == action ? self : other
    }
  }

  /// Most rules in a filter.
  public static let ruleLimit = 1000

  /// False: everything is allowed, whatever the rules.
  public var isEnabled = false
  /// Applies when no rule matches.
  public var defaultAction = FilterAction.allow
  /// In the order in which they are tried, at most ``ruleLimit``.
  public var rules: [FilterRule] = []

  /// A filter that is off and allows everything.
  public init() {}

  /// True when the size of a file can change the verdict on `operation`.
  public func asksForSize(_ operation: FilterOperation) -> Bool {
    isEnabled
      && rules.contains { $0.matcher.asksForSize && ($0.operations.isEmpty || $0.operations.contains(operation)) }
  }

  /// The verdict of the first rule that matches, or the default action.
  public func verdict(on request: FilterRequest) -> Verdict {
    guard isEnabled else { return Verdict(action: .allow, rule: nil) }
    for (index, rule) in rules.enumerated() where matches(rule, request) { return verdict(of: rule, at: index) }
    return Verdict(action: defaultAction, rule: nil)
  }

  /// The verdict of the rule at this index.
  func verdict(of rule: FilterRule, at index: Int) -> Verdict {
    Verdict(action: rule.action, rule: rule.name ?? "rule \(index + 1)")
  }

  /// The verdict on an operation with two paths: the stricter of both, the first when they are equal.
  public func verdict(on request: FilterRequest, and other: FilterRequest) -> Verdict {
    verdict(on: request).stricter(verdict(on: other))
  }

  private func matches(_ rule: FilterRule, _ request: FilterRequest) -> Bool {
    concerns(rule, request) && rule.matcher.matches(path: request.path, size: request.size)
  }

  /// True when the rule applies to this operation and login, whatever the path.
  func concerns(_ rule: FilterRule, _ request: FilterRequest) -> Bool {
    (rule.operations.isEmpty || rule.operations.contains(request.operation))
      && (rule.users.isEmpty || rule.users.contains { isSame($0, request.user) })
      && (rule.groups.isEmpty || rule.groups.contains { group in request.groups.contains { isSame($0, group) } })
  }

  /// Compares bytes, as the system does: `==` treats `é` and `e` with a combining accent as equal.
  private func isSame(_ name: String, _ other: String) -> Bool { name.utf8.elementsEqual(other.utf8) }
}
