import AccessControl
import Audit
import Filter
import Model

/// Access rules that apply whatever the client proves: lists of users and groups, the configuration of the user, and
/// the state of the account.
///
/// Every rule must permit the login; the first that does not is reported as its ``RuleDecision``.
public struct LoginRules: Equatable, Sendable {
  /// See ``AuthenticationMachine/Step``.
  public typealias Step = AuthenticationMachine.Step
  /// See ``AuthenticationMachine/Method``.
  public typealias Method = AuthenticationMachine.Method
  /// See ``AuthenticationMachine/Refusal``.
  public typealias Refusal = AuthenticationMachine.Refusal

  /// A rule; the raw value is the configuration key that sets it. ``disabled``, ``allowedAddresses`` and ``methods``
  /// are keys of the user's entry.
  public enum Rule: String, CaseIterable, Sendable {
    /// The user's entry is disabled.
    case disabled
    /// The user must not match.
    case denyUsers = "auth.deny_users"
    /// None of the user's groups may match.
    case denyGroups = "auth.deny_groups"
    /// The user must match.
    case allowUsers = "auth.allow_users"
    /// One of the user's groups must match.
    case allowGroups = "auth.allow_groups"
    /// The client's address must be in one of the ranges.
    case allowedAddresses = "allowed_ips"
    /// The account must be neither locked nor expired in shadow(5).
    case account = "shadow(5)"
    /// While nologin(5) is in effect, only root may log in.
    case noLogins = "nologin(5)"
    /// The step's method must be one that the user's entry permits.
    case methods
  }

  /// Whether an account can log in that is locked in shadow(5), by a password field that begins with `!` or `*LK*`.
  public enum LockedAccounts: String, CaseIterable, Sendable {
    /// Not at all.
    case no
    /// With a key only.
    case keys
  }

  /// The decision of one rule.
  public struct RuleDecision: Equatable, Sendable, CustomStringConvertible {
    /// The rule that decided.
    public var rule: Rule
    /// Index of the list entry that decided; nil if no entry did, or the rule is not a list.
    public var entry: Int?
    /// Why the rule refuses the login; nil if it permits the login.
    public var refusal: Refusal?

    /// The rule and its entry, such as `auth.deny_users[2]`.
    public var description: String { rule.rawValue + (entry.map { "[\($0)]" } ?? "") }
  }

  /// `auth.deny_users`
  public var denyUsers: [UserPattern] = []
  /// `auth.deny_groups`
  public var denyGroups: [NamePattern] = []
  /// `auth.allow_users`; empty: everyone.
  public var allowUsers: [UserPattern] = []
  /// `auth.allow_groups`; empty: everyone.
  public var allowGroups: [NamePattern] = []
  /// True if the user's entry is disabled.
  public var isDisabled = false
  /// The addresses from which the user's entry permits logins; empty: any.
  public var allowedAddresses: [AddressRange] = []
  /// Whether locked accounts can log in.
  public var lockedAccounts = LockedAccounts.keys
  /// The methods that the user's entry permits; nil: all.
  public var methods: [Method]?

  /// No restrictions, except those of shadow(5) and nologin(5).
  public init() {}

  /// The decisions of all rules for a login by this step, in the order of evaluation. Rules that are not configured are
  /// omitted.
  public func decisions(of attempt: LoginAttempt, by step: Step) -> [RuleDecision] {
    var all: [RuleDecision] = []
    func ask(_ rule: Rule, entry: Int? = nil, _ refusal: Refusal?) {
      all.append(RuleDecision(rule: rule, entry: entry, refusal: refusal))
    }
    let isUser = { (pattern: UserPattern) in pattern.matches(attempt.user, from: attempt.address) }
    if isDisabled { ask(.disabled, .userDisabled) }
    if !denyUsers.isEmpty {
      let entry = denyUsers.firstIndex(where: isUser)
      ask(.denyUsers, entry: entry, entry.map { _ in .userDenied })
    }
    if !denyGroups.isEmpty {
      let entry = denyGroups.firstIndex(where: attempt.groups.contains)
      ask(.denyGroups, entry: entry, entry.map { _ in .groupDenied })
    }
    if !allowUsers.isEmpty {
      let entry = allowUsers.firstIndex(where: isUser)
      ask(.allowUsers, entry: entry, entry == nil ? .userNotAllowed : nil)
    }
    if !allowGroups.isEmpty {
      let entry = allowGroups.firstIndex(where: attempt.groups.contains)
      ask(.allowGroups, entry: entry, entry == nil ? .groupNotAllowed : nil)
    }
    if !allowedAddresses.isEmpty {
      let entry = allowedAddresses.firstIndex { $0.contains(attempt.address) }
      ask(.allowedAddresses, entry: entry, entry == nil ? .sourceNotAllowed : nil)
    }
    ask(.account, refusal(of: attempt.account, by: step))
    ask(.noLogins, NoLogins.notice(attempt.noLogins, for: attempt.kind) == nil ? nil : .noLogins)
    if let methods, let method = step.enabling {
      let entry = methods.firstIndex(of: method)
      ask(.methods, entry: entry, entry == nil ? .methodNotAllowed : nil)
    }
    return all
  }

  /// The first rule that refuses a login by this step; nil if none does.
  public func refusal(of attempt: LoginAttempt, by step: Step) -> RuleDecision? {
    decisions(of: attempt, by: step).first { $0.refusal != nil }
  }

  private func refusal(of account: AccountStatus?, by step: Step) -> Refusal? {
    guard let account else { return .lookUpFailed }
    if account.isExpired { return .accountExpired }
    if account.isLocked {
      switch lockedAccounts {
      case .no: return .accountLocked
      case .keys: if step != .publicKey { return .accountLocked }
      }
    }
    // An expired password does not affect keys, as in sshd without PAM.
    return account.isPasswordExpired && step.isPassword ? .passwordExpired : nil
  }
}
