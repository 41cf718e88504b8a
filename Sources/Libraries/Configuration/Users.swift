import AccessControl
import Authentication
import Model

extension Settings {
  /// A user who is defined in the configuration.
  public struct User: Equatable, Sendable {
    /// The user name.
    public var name: String
    /// The password hash: Argon2id (PHC string) or bcrypt; nil: no password.
    public var passwordHash: String?
    /// The secret of the user's one-time codes in Base32; nil: none. RFC 6238
    public var totpSecret: String?
    /// The hash algorithm of one-time codes.
    public var totpAlgorithm: OneTimeSecret.Algorithm = .sha1
    /// The number of digits of one-time codes.
    public var totpDigits: OneTimeSecret.Digits = .six
    /// Lines in the format of authorized_keys.
    public var authorizedKeys: [String] = []
    /// The absolute path of the shell; nil: that of the account.
    public var shell: String?
    /// The absolute path of the home directory; nil: that of the account.
    public var home: String?
    /// Environment variables of the user's sessions.
    public var environment: [EnvironmentVariable] = []
    /// The system account that the login runs as; nil: the account of the same name.
    public var runAs: String?
    /// True: only SFTP and SCP are allowed; shells and other commands are refused, and so is forwarding, unless a block of
    /// `match` sets `forwarding.tcp` or `forwarding.unix_sockets`.
    public var sftpOnly = false
    /// The directory that SFTP and SCP show as `/`, instead of ``SFTP/root`` and ``SCP/root``; nil: these.
    public var root: String?
    /// True: logins under this name are refused.
    public var isDisabled = false
    /// The addresses from which this user may log in; empty: all.
    public var allowedAddresses: [AddressRange] = []
    /// The methods of ``Auth/methods`` by which this user may log in; nil: all.
    public var methods: [AuthenticationMachine.Method]?
    /// Groups of this user for rules, in addition to those of the account. They grant no file permissions.
    public var groups: [String] = []
    /// Maximum number of simultaneous logins of this user; nil: ``Security/maxSessionsPerUser``.
    public var maxSessions: Int?

    public init(name: String) { self.name = name }
  }
}

/// An entry of `auth.password.users`.
extension Settings.User: KeyedEntry, SettingValue {
  init() { self.init(name: "") }

  public static let keys: [EntryKey<Settings.User>] = [
    EntryKey(
      "name", .accountName, \.name, isRequired: true,
      "The user name; required."),
    EntryKey(
      "password_hash", ValueType.passwordHash.optional, \.passwordHash,
      "The hash from bssh-server hash-password; without it there is no password."),
    EntryKey(
      "totp_secret", ValueType.oneTimeSecret.optional, \.totpSecret,
      "The secret of one-time codes (TOTP) in Base32, from bssh-server totp-setup."),
    EntryKey(
      "totp_algorithm", .choice(), \.totpAlgorithm,
      "The hash algorithm of codes; default: sha1, which all authenticators support."),
    EntryKey(
      "totp_digits", .codeDigits, \.totpDigits, "The number of digits of a code; default: 6."),
    EntryKey(
      "authorized_keys", .list(.keyLine, of: "a list of lines of authorized_keys", mayBeEmpty: true),
      \.authorizedKeys, "Public keys that are accepted, in addition to those in the user's file."),
    EntryKey(
      "shell", ValueType<String>.path.optional, \.shell,
      "The login shell, instead of the account's."),
    EntryKey(
      "home", ValueType<String>.path.optional, \.home, "The home directory, instead of the account's."),
    EntryKey(
      "env", .variables, \.environment, "Environment variables of this user, which override those of shell.env."),
    EntryKey(
      "run_as", ValueType.accountName.optional, \.runAs,
      "The system account of the login; required as root if no account has the user's name."),
    EntryKey(
      "sftp_only", .boolean, \.sftpOnly,
      "Whether only SFTP and SCP are allowed: no shell, no commands; forwarding only if a match block sets it."),
    EntryKey(
      "root", ValueType.rootPattern.optional, \.root,
      "The directory that this user sees as / in file transfers, instead of sftp.root and scp.root."),
    EntryKey("disabled", .boolean, \.isDisabled, "Whether logins under this name are refused."),
    EntryKey(
      "allowed_ips", .list(.addressRange, of: "a list of addresses and ranges of them"), \.allowedAddresses,
      "Addresses from which this user may log in; default: all."),
    EntryKey(
      "methods", ValueType.list(.choice(), of: "a list of methods").optional, \.methods,
      "The methods of auth.methods that this user may use; default: all."),
    EntryKey(
      "groups", .list(.accountName, of: "a list of groups"), \.groups,
      "Groups of this user for rules, in addition to the account's; they grant no file permissions."),
    EntryKey(
      "max_sessions", ValueType.integer(1...65536).optional, \.maxSessions,
      "Maximum number of simultaneous logins, instead of security.max_sessions_per_user."),
  ]
}

extension ValueType where Value == [Settings.User] {
  /// Users with distinct names.
  static let users = ValueType(
    description: "a list of users", isFileOnly: true,
    schema: .list(of: Settings.User.schema()),
    parse: { node, faults in
      guard case .sequence(let items) = node.content else {
        faults.add(node, "expected a list of users, found \(node.found)")
        return nil
      }
      var users: [Settings.User] = []
      for (index, item) in items.enumerated() {
        guard let user = faults.within("[\(index)]", { user(item, &$0) }) else { continue }
        if users.contains(where: { $0.name == user.name }) {
          faults.within("[\(index)].name") { $0.add(item, "the user \(quoted(user.name)) is defined twice") }
        }
        users.append(user)
      }
      return users
    },
    render: { .block($0.map { $0.rendered() }) })
}

private func user(_ node: Node, _ faults: inout ValueDiagnostics) -> Settings.User? {
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected a user with a name, found \(node.found)")
    return nil
  }
  var user = Settings.User()
  let seen = Settings.User.read(entries, into: &user, listsKeys: false, &faults)
  if !seen.contains("name") { faults.add(node, "the user has no name") }
  return user.name.isEmpty ? nil : user
}
