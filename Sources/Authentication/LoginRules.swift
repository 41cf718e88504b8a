import AccessControl
import Audit
import Filter

/// Who may log in, whatever they prove: lists of users and groups, what the configuration says of one user, and what
/// the system says of the account.
///
/// All rules must let the login through; the first one that does not is its ``Judgement``.
public struct LoginRules: Equatable, Sendable {
  public typealias Step = AuthenticationMachine.Step
  public typealias Method = AuthenticationMachine.Method
  public typealias Refusal = AuthenticationMachine.Refusal

  /// A rule, by the key that sets it. ``disabled``, ``allowedAddresses`` and ``methods`` are keys of the user's entry.
  public enum Rule: String, CaseIterable, Sendable {
    case disabled
    case denyUsers = "auth.deny_users"
    case denyGroups = "auth.deny_groups"
    case allowUsers = "auth.allow_users"
    case allowGroups = "auth.allow_groups"
    case allowedAddresses = "allowed_ips"
    /// What shadow(5) says of the account.
    case account = "shadow(5)"
    /// nologin(5)
    case noLogins = "nologin(5)"
    case methods
  }

  /// How a locked account logs in, whose password in shadow(5) begins with `!` or `*LK*`.
  public enum LockedAccounts: String, CaseIterable, Sendable {
    case no
    /// By keys, and by nothing else.
    case keys
  }

  /// What a rule says about a login.
  public struct Judgement: Equatable, Sendable, CustomStringConvertible {
    public var rule: Rule
    /// The entry of the rule's list that decided, from 0; nil: none of them did, or it is no list.
    public var entry: Int?
    /// nil: the rule lets the login through.
    public var refusal: Refusal?

    /// `auth.deny_users[2]`
    public var description: String { rule.rawValue + (entry.map { "[\($0)]" } ?? "") }
  }

  public var denyUsers: [UserPattern] = []
  public var denyGroups: [NamePattern] = []
  /// Empty: everyone.
  public var allowUsers: [UserPattern] = []
  /// Empty: everyone.
  public var allowGroups: [NamePattern] = []
  /// The user's entry says that nobody logs in by it.
  public var isDisabled = false
  /// Where the user's entry lets them come from. Empty: from anywhere.
  public var allowedAddresses: [AddressRange] = []
  public var lockedAccounts = LockedAccounts.keys
  /// Of all methods, those that the user's entry leaves. nil: all.
  public var methods: [Method]?

  public init() {}

  /// What each rule says about a login by this step, in the order in which they are asked. Rules that are not set are
  /// left out.
  public func judgements(of applicant: Applicant, by step: Step) -> [Judgement] {
    var all: [Judgement] = []
    func ask(_ rule: Rule, entry: Int? = nil, _ refusal: Refusal?) {
      all.append(Judgement(rule: rule, entry: entry, refusal: refusal))
    }
    let isUser = { (pattern: UserPattern) in pattern.matches(applicant.user, from: applicant.address) }
    if isDisabled { ask(.disabled, .userDisabled) }
    if !denyUsers.isEmpty {
      let entry = denyUsers.firstIndex(where: isUser)
      ask(.denyUsers, entry: entry, entry.map { _ in .userDenied })
    }
    if !denyGroups.isEmpty {
      let entry = denyGroups.firstIndex(where: applicant.groups.contains)
      ask(.denyGroups, entry: entry, entry.map { _ in .groupDenied })
    }
    if !allowUsers.isEmpty {
      let entry = allowUsers.firstIndex(where: isUser)
      ask(.allowUsers, entry: entry, entry == nil ? .userNotAllowed : nil)
    }
    if !allowGroups.isEmpty {
      let entry = allowGroups.firstIndex(where: applicant.groups.contains)
      ask(.allowGroups, entry: entry, entry == nil ? .groupNotAllowed : nil)
    }
    if !allowedAddresses.isEmpty {
      let entry = allowedAddresses.firstIndex { $0.contains(applicant.address) }
      ask(.allowedAddresses, entry: entry, entry == nil ? .sourceNotAllowed : nil)
    }
    ask(.account, refusal(of: applicant.account, by: step))
    ask(.noLogins, applicant.isClosed && !applicant.isRoot ? .noLogins : nil)
    if let methods, let method = step.enabling {
      let entry = methods.firstIndex(of: method)
      ask(.methods, entry: entry, entry == nil ? .methodNotAllowed : nil)
    }
    return all
  }

  /// The first rule that refuses a login by this step; nil: none does.
  public func refusal(of applicant: Applicant, by step: Step) -> Judgement? {
    judgements(of: applicant, by: step).first { $0.refusal != nil }
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
    // A key is no password: it goes on working, as without PAM under sshd.
    return account.isPasswordExpired && step.isPassword ? .passwordExpired : nil
  }
}
