import AccessControl
import Filter
import Model
import Testing

@testable import Authentication

@Suite struct LoginRulesTests {
  typealias Step = AuthenticationMachine.Step
  typealias Refusal = AuthenticationMachine.Refusal
  typealias RuleDecision = LoginRules.RuleDecision

  /// Rules, a login attempt and the expected decision. Unless a row says otherwise, the attempt is by `anna` of `staff`
  /// and `users` from 192.0.2.7, with an account in good standing.
  struct Row: Sendable {
    let rules: @Sendable (inout LoginRules) throws -> Void
    let attempt: @Sendable (inout LoginAttempt) -> Void
    let step: Step
    let decision: RuleDecision?

    init(
      _ decision: RuleDecision?, by step: Step = .publicKey,
      rules: @escaping @Sendable (inout LoginRules) throws -> Void,
      who attempt: @escaping @Sendable (inout LoginAttempt) -> Void = { _ in }
    ) {
      self.rules = rules
      self.attempt = attempt
      self.step = step
      self.decision = decision
    }
  }

  private static func decision(_ rule: LoginRules.Rule, _ entry: Int, _ refusal: Refusal) -> RuleDecision {
    RuleDecision(rule: rule, entry: entry, refusal: refusal)
  }

  private static func decision(_ rule: LoginRules.Rule, _ refusal: Refusal) -> RuleDecision {
    RuleDecision(rule: rule, entry: nil, refusal: refusal)
  }

  static let table: [Row] = [
    Row(nil, rules: { _ in }),
    // auth.deny_users
    Row(
      decision(.denyUsers, 1, .userDenied), rules: { $0.denyUsers = [try UserPattern("bert"), try UserPattern("an*")] }),
    Row(nil, rules: { $0.denyUsers = [try UserPattern("bert")] }),
    Row(decision(.denyUsers, 0, .userDenied), rules: { $0.denyUsers = [try UserPattern("anna@192.0.2.0/24")] }),
    Row(nil, rules: { $0.denyUsers = [try UserPattern("anna@198.51.100.0/24")] }),
    // auth.allow_users
    Row(nil, rules: { $0.allowUsers = [try UserPattern("bert"), try UserPattern("anna")] }),
    Row(decision(.allowUsers, .userNotAllowed), rules: { $0.allowUsers = [try UserPattern("bert")] }),
    Row(decision(.allowUsers, .userNotAllowed), rules: { $0.allowUsers = [try UserPattern("anna@198.51.100.7")] }),
    Row(nil, rules: { $0.allowUsers = [try UserPattern("anna@192.0.2.7")] }),
    // Deny rules win over allow rules.
    Row(
      decision(.denyUsers, 0, .userDenied),
      rules: {
        $0.denyUsers = [try UserPattern("*")]
        $0.allowUsers = [try UserPattern("anna")]
        $0.allowGroups = [NamePattern("staff")]
      }),
    Row(
      decision(.denyGroups, 0, .groupDenied),
      rules: {
        $0.denyGroups = [NamePattern("staff")]
        $0.allowUsers = [try UserPattern("anna")]
        $0.allowGroups = [NamePattern("staff")]
      }),
    // auth.deny_groups
    Row(decision(.denyGroups, 1, .groupDenied), rules: { $0.denyGroups = [NamePattern("x"), NamePattern("staff")] }),
    Row(nil, rules: { $0.denyGroups = [NamePattern("sudo")] }),
    Row(nil, rules: { $0.denyGroups = [NamePattern("staff")] }, who: { $0.groups = [] }),
    // auth.allow_groups
    Row(nil, rules: { $0.allowGroups = [NamePattern("sudo"), NamePattern("users")] }),
    Row(decision(.allowGroups, .groupNotAllowed), rules: { $0.allowGroups = [NamePattern("sudo")] }),
    Row(
      decision(.allowGroups, .groupNotAllowed), rules: { $0.allowGroups = [NamePattern("staff")] },
      who: { $0.groups = [] }),
    // If both lists are set, both must permit the login.
    Row(
      decision(.allowGroups, .groupNotAllowed),
      rules: {
        $0.allowUsers = [try UserPattern("anna")]
        $0.allowGroups = [NamePattern("sudo")]
      }),
    Row(
      decision(.allowUsers, .userNotAllowed),
      rules: {
        $0.allowUsers = [try UserPattern("bert")]
        $0.allowGroups = [NamePattern("staff")]
      }),
    // The user's own entry.
    Row(decision(.disabled, .userDisabled), rules: { $0.isDisabled = true }),
    Row(decision(.allowedAddresses, .sourceNotAllowed), rules: { $0.allowedAddresses = [try AddressRange("::/0")] }),
    Row(nil, rules: { $0.allowedAddresses = [try AddressRange("::1"), try AddressRange("192.0.2.0/29")] }),
    Row(
      decision(.methods, .methodNotAllowed), by: .password, rules: { $0.methods = [.publicKey, .keyboardInteractive] }),
    Row(nil, by: .keyboardInteractive, rules: { $0.methods = [.publicKey, .keyboardInteractive] }),
    Row(decision(.methods, .methodNotAllowed), rules: { $0.methods = [] }),
    // A one-time code is not a method of its own, and not sufficient alone.
    Row(nil, by: .totp, rules: { $0.methods = [.publicKey] }),
    Row(nil, by: .totp, rules: { _ in }, who: { $0.account?.isPasswordExpired = true }),
    // The account.
    Row(decision(.account, .lookUpFailed), rules: { _ in }, who: { $0.account = nil }),
    // A locked account, as useradd creates it: with keys only, or not at all.
    Row(nil, rules: { _ in }, who: { $0.account?.isLocked = true }),
    Row(decision(.account, .accountLocked), by: .password, rules: { _ in }, who: { $0.account?.isLocked = true }),
    Row(
      decision(.account, .accountLocked), by: .keyboardInteractive, rules: { _ in },
      who: { $0.account?.isLocked = true }),
    Row(decision(.account, .accountLocked), by: .totp, rules: { _ in }, who: { $0.account?.isLocked = true }),
    Row(
      decision(.account, .accountLocked), rules: { $0.lockedAccounts = .no }, who: { $0.account?.isLocked = true }),
    Row(nil, rules: { $0.lockedAccounts = .no }),
    Row(
      decision(.account, .accountExpired), rules: { _ in },
      who: {
        $0.account?.isLocked = true
        $0.account?.isExpired = true
      }),
    Row(decision(.account, .accountExpired), rules: { _ in }, who: { $0.account?.isExpired = true }),
    Row(nil, rules: { _ in }, who: { $0.account?.isPasswordExpired = true }),
    Row(
      decision(.account, .passwordExpired), by: .password, rules: { _ in },
      who: { $0.account?.isPasswordExpired = true }),
    Row(
      decision(.account, .passwordExpired), by: .keyboardInteractive, rules: { _ in },
      who: { $0.account?.isPasswordExpired = true }),
    Row(decision(.noLogins, .noLogins), rules: { _ in }, who: { $0.noLogins = "" }),
    Row(
      nil, rules: { _ in },
      who: {
        $0.noLogins = "Maintenance"
        $0.kind = .root
      }),
  ]

  private static func anna() throws -> LoginAttempt {
    let address = try #require(IPAddress("192.0.2.7"))
    var anna = LoginAttempt(user: "anna", address: address, groups: [NamePattern("staff"), NamePattern("users")])
    anna.account = AccountStatus()
    return anna
  }

  @Test func `every rule decides as the table says`() throws {
    for (number, row) in Self.table.enumerated() {
      var rules = LoginRules()
      try row.rules(&rules)
      var attempt = try Self.anna()
      row.attempt(&attempt)
      #expect(rules.refusal(of: attempt, by: row.step) == row.decision, "row \(number)")
    }
  }

  @Test func `a login is refused while the account is unknown`() throws {
    let attempt = LoginAttempt(user: "anna", address: .unspecified, groups: [])
    for step in Step.allCases { #expect(LoginRules().refusal(of: attempt, by: step)?.refusal == .lookUpFailed) }
  }

  @Test func `every configured rule is reported with the entry that decided, including rules that permit the login`()
    throws
  {
    var rules = LoginRules()
    rules.denyUsers = [try UserPattern("bert")]
    rules.denyGroups = [NamePattern("sudo")]
    rules.allowUsers = [try UserPattern("bert"), try UserPattern("anna")]
    rules.allowGroups = [NamePattern("users")]
    rules.allowedAddresses = [try AddressRange("198.51.100.7")]
    rules.methods = [.password, .publicKey]
    #expect(
      rules.decisions(of: try Self.anna(), by: .publicKey) == [
        RuleDecision(rule: .denyUsers), RuleDecision(rule: .denyGroups), RuleDecision(rule: .allowUsers, entry: 1),
        RuleDecision(rule: .allowGroups, entry: 0),
        RuleDecision(rule: .allowedAddresses, refusal: .sourceNotAllowed), RuleDecision(rule: .account),
        RuleDecision(rule: .noLogins), RuleDecision(rule: .methods, entry: 1),
      ])
    #expect(RuleDecision(rule: .allowUsers, entry: 1).description == "auth.allow_users[1]")
    #expect(RuleDecision(rule: .account).description == "shadow(5)")
  }

  /// Compares all combinations of the four lists, each empty, without anna or with anna, with the rules of
  /// sshd_config(5).
  @Test func `the four lists together decide as in sshd`() throws {
    let choices: [String?] = [nil, "bert", "anna"]
    for denied in choices {
      for allowed in choices {
        for deniedGroup in choices {
          for allowedGroup in choices {
            var rules = LoginRules()
            rules.denyUsers = try denied.map { [try UserPattern($0)] } ?? []
            rules.allowUsers = try allowed.map { [try UserPattern($0)] } ?? []
            rules.denyGroups = deniedGroup.map { [NamePattern($0)] } ?? []
            rules.allowGroups = allowedGroup.map { [NamePattern($0)] } ?? []
            var attempt = try Self.anna()
            attempt.groups = [NamePattern("anna")]
            let lets = denied != "anna" && deniedGroup != "anna" && allowed != "bert" && allowedGroup != "bert"
            #expect((rules.refusal(of: attempt, by: .publicKey) == nil) == lets)
          }
        }
      }
    }
  }
}

extension LoginRules.RuleDecision {
  fileprivate init(rule: LoginRules.Rule, entry: Int? = nil) { self.init(rule: rule, entry: entry, refusal: nil) }
  fileprivate init(rule: LoginRules.Rule, refusal: AuthenticationMachine.Refusal) {
    self.init(rule: rule, entry: nil, refusal: refusal)
  }
}
