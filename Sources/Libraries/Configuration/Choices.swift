/// What the keys say, before the files that they name are read: what `check-config` prints.
public struct Choices: Equatable, Sendable {
  /// `auth.users` are those of `auth.password.users` alone.
  var settings = Settings()
  var bindAddresses = [BindChoice(address: "0.0.0.0"), BindChoice(address: "::")]
  var port: UInt16 = 2222
  var bannerFile: String?
  var usersFile: String?
  var trustedUserCAFile: String?
  var revokedKeysFile: String?

  /// The number of the journal's entry in `audit.exporters`; nil: none stands there.
  public var journalEntry: Int? { settings.audit.exporters.firstIndex { $0.kind == .file } }

  /// The defaults of every key.
  public init() {}
}
