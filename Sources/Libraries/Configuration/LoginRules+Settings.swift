import Authentication

extension Settings {
  /// The access rules for this user name. These must be the settings of the login: ``effective(for:)``.
  public func loginRules(for user: String) -> LoginRules {
    var rules = LoginRules()
    rules.denyUsers = auth.denyUsers
    rules.denyGroups = auth.denyGroups
    rules.allowUsers = auth.allowUsers
    rules.allowGroups = auth.allowGroups
    rules.lockedAccounts = auth.lockedAccounts
    guard let entry = auth.users.first(where: { $0.name.hasSameBytes(as: user) }) else { return rules }
    rules.isDisabled = entry.isDisabled
    rules.allowedAddresses = entry.allowedAddresses
    rules.methods = entry.methods
    return rules
  }
}

extension Settings {
  /// The required authentication before the user is known.
  public var policy: AuthenticationMachine.Policy {
    AuthenticationMachine.Policy(
      methods: auth.methods, required: auth.required, permitRoot: auth.permitRoot)
  }

  /// The required authentication of this login, without the steps that an access rule refuses. These must be the
  /// settings of the login: ``effective(for:)``.
  public func policy(for attempt: LoginAttempt) -> AuthenticationMachine.Policy {
    let rules = loginRules(for: attempt.user)
    var policy = policy
    for step in AuthenticationMachine.Step.allCases {
      policy.refusals[step] = rules.refusal(of: attempt, by: step)?.refusal
    }
    return policy
  }

  /// The rule that refuses every step of this login; nil: none does, or not all steps for the same reason.
  public func refusal(ofEveryStep attempt: LoginAttempt) -> LoginRules.RuleDecision? {
    let rules = loginRules(for: attempt.user)
    let decisions = AuthenticationMachine.Step.allCases.map { rules.refusal(of: attempt, by: $0) }
    guard let first = decisions.first, decisions.allSatisfy({ $0 == first }) else { return nil }
    return first
  }
}
