/// The values of the keys, before the files that they name are read, as `check-config` prints them.
public struct UnresolvedSettings: Equatable, Sendable {
  /// `auth.users` contains only those of `auth.password.users`.
  var settings: Settings
  var bindAddresses = [BindChoice(address: "0.0.0.0"), BindChoice(address: "::")]
  var port: UInt16 = 2222
  var bannerFile: String?
  var usersFile: String?
  var trustedUserCAFile: String?
  var revokedKeysFile: String?
  /// The target of keys whose values become part of those of other keys: `server.port`, `auth.password.users_file`.
  var partOfAnother: Nothing {
    get { Nothing() }
    set {}
  }

  /// The index of the journal in `audit.exporters`; nil: it is not there.
  public var journalEntry: Int? { settings.audit.exporters.firstIndex { $0.kind == .file } }

  /// These settings, and the defaults of the other properties.
  init(settings: Settings) { self.settings = settings }

  /// The defaults of every key.
  public init() { self.init(settings: Settings()) }
}
