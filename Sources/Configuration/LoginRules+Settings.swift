import Authentication

extension Settings {
  /// Who may log in by these settings, as ``effective(for:)`` has them, under this name.
  public func loginRules(for user: String) -> LoginRules {
    var rules = LoginRules()
    rules.denyUsers = auth.denyUsers
    rules.denyGroups = auth.denyGroups
    rules.allowUsers = auth.allowUsers
    rules.allowGroups = auth.allowGroups
    guard let entry = auth.users.first(where: { $0.name.hasSameBytes(as: user) }) else { return rules }
    rules.isDisabled = entry.isDisabled
    rules.allowedAddresses = entry.allowedAddresses
    rules.methods = entry.methods?.map(AuthenticationMachine.Method.init)
    return rules
  }
}

extension AuthenticationMachine.Method {
  public init(_ method: Settings.Method) {
    self =
      switch method {
      case .publickey: .publicKey
      case .password: .password
      case .keyboardInteractive: .keyboardInteractive
      }
  }
}
