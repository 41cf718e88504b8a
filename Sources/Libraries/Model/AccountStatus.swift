import Wire

/// What shadow(5) says about an account. Nothing of it is secret.
public struct AccountStatus: WireFields, Equatable {
  /// The password begins with `!` or `*LK*`. What follows from that is configured: `auth.locked_accounts`.
  public var isLocked: Bool
  /// The account has expired, or its password was not changed in time.
  public var isExpired: Bool
  /// The password must be changed before it is used.
  public var isPasswordExpired: Bool

  /// By default nothing prevents a login.
  public init(isLocked: Bool = false, isExpired: Bool = false, isPasswordExpired: Bool = false) {
    self.isLocked = isLocked
    self.isExpired = isExpired
    self.isPasswordExpired = isPasswordExpired
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    isLocked = try coder.flag(value?.isLocked)
    isExpired = try coder.flag(value?.isExpired)
    isPasswordExpired = try coder.flag(value?.isPasswordExpired)
  }
}
