/// What the keys say, before the files that they name are read: what `check-config` prints.
public struct Choices: Equatable, Sendable {
  /// `auth.users` are those of `auth.password.users` alone.
  var settings: Settings
  var bindAddresses = [BindChoice(address: "0.0.0.0"), BindChoice(address: "::")]
  var port: UInt16 = 2222
  var bannerFile: String?
  var usersFile: String?
  var trustedUserCAFile: String?
  var revokedKeysFile: String?
  /// For keys whose values become part of those of others: `server.port`, `auth.password.users_file`.
  var partOfAnother: Nothing {
    get { Nothing() }
    set {}
  }

  /// The number of the journal's entry in `audit.exporters`; nil: none stands there.
  public var journalEntry: Int? { settings.audit.exporters.firstIndex { $0.kind == .file } }

  /// `settings`, and the defaults of all else.
  init(settings: Settings) { self.settings = settings }

  /// The defaults of every key.
  public init() { self.init(settings: Settings()) }
}
