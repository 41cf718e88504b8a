/// A key of an entry of `auth.password.users`.
public struct UserKey: Sendable {
  public let name: String
  /// What a value looks like.
  public let form: String
  public let meaning: String
  let parse: @Sendable (Node, inout Settings.User, inout Faults) -> Void
  /// nil: the user does not have it.
  let render: @Sendable (Settings.User) -> Rendering?

  private init<Value: Sendable & Equatable>(
    _ name: String, _ type: ValueType<Value>, _ target: WritableKeyPath<Settings.User, Value> & Sendable,
    unless absent: Value? = nil, _ meaning: String
  ) {
    self.name = name
    self.meaning = meaning
    form = type.description
    parse = { node, user, faults in
      if let value = type.parse(node, &faults) { user[keyPath: target] = value }
    }
    render = { $0[keyPath: target] == absent ? nil : type.render($0[keyPath: target]) }
  }

  /// Every one of them.
  public static let all: [UserKey] = [
    UserKey("name", .accountName, \.name, "The name that is logged in with; the only key that must be there."),
    UserKey(
      "password_hash", ValueType.passwordHash.optional, \.passwordHash, unless: .some(nil),
      "The hash that bssh-server hash-password prints; without it there is no password."),
    UserKey(
      "totp_secret", ValueType.oneTimeSecret.optional, \.totpSecret, unless: .some(nil),
      "The secret of one-time codes (TOTP), in base32, that bssh-server totp-setup makes."),
    UserKey(
      "totp_algorithm", .choice(), \.totpAlgorithm, unless: .sha1,
      "The hash that makes the codes; sha1, which every device knows, unless it is named."),
    UserKey(
      "totp_digits", .codeDigits, \.totpDigits, unless: .six, "The digits of a code; 6 unless they are named."),
    UserKey(
      "authorized_keys", .list(.keyLine, of: "a list of lines of authorized_keys", mayBeEmpty: true),
      \.authorizedKeys, unless: [], "Public keys that may log in, in addition to those of the user's file."),
    UserKey(
      "shell", ValueType<String>.path.optional, \.shell, unless: .some(nil),
      "The login shell, instead of the account's."),
    UserKey(
      "home", ValueType<String>.path.optional, \.home, unless: .some(nil), "The home, instead of the account's."),
    UserKey("env", .variables, \.environment, unless: [], "Variables for this user, over those of shell.env."),
    UserKey(
      "run_as", ValueType.accountName.optional, \.runAs, unless: .some(nil),
      "The system account whose rights the login has; needed as root when no account has the user's name."),
    UserKey(
      "sftp_only", .boolean, \.sftpOnly, unless: false,
      "Whether this user gets files alone, by SFTP and SCP: no shell, no commands, no forwarding."),
    UserKey(
      "root", ValueType.rootPattern.optional, \.root, unless: .some(nil),
      "What this user sees as / of files, over sftp.root and scp.root."),
    UserKey("disabled", .boolean, \.isDisabled, unless: false, "Whether nobody logs in by this name."),
    UserKey(
      "allowed_ips", .list(.addressRange, of: "a list of addresses and ranges of them"), \.allowedAddresses,
      unless: [], "Where this user may come from; else from anywhere."),
    UserKey(
      "methods", ValueType.list(.choice(), of: "a list of methods").optional, \.methods, unless: .some(nil),
      "Of auth.methods, those by which this user logs in; else all."),
    UserKey(
      "groups", .list(.accountName, of: "a list of groups"), \.groups, unless: [],
      "Groups that rules know this user by, beside the account's; they give no rights to files."),
    UserKey(
      "max_sessions", ValueType.integer(1...65536).optional, \.maxSessions, unless: .some(nil),
      "Logins that this user has at a time, in place of security.max_sessions_per_user."),
  ]
}

extension ValueType where Value == [Settings.User] {
  /// Users, each a mapping of ``UserKey``s; no name twice.
  static let users = ValueType(
    description: "a list of users", isFileOnly: true,
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
    render: { users in
      .block(
        users.map { user in
          UserKey.all.compactMap { key in key.render(user).map { (key.name, $0) } }
        })
    })
}

private func user(_ node: Node, _ faults: inout Faults) -> Settings.User? {
  guard case .mapping(let entries) = node.content else {
    faults.add(node, "expected a user with a name, found \(node.found)")
    return nil
  }
  var user = Settings.User(name: "")
  var seen: [String] = []
  for entry in entries {
    faults.within(".\(entry.key)") { faults in
      guard let key = UserKey.all.first(where: { $0.name == entry.key }) else {
        faults.add(at: entry.position, "unknown key" + suggestion(for: entry.key, among: UserKey.all.map(\.name)))
        return
      }
      if seen.contains(entry.key) { faults.add(at: entry.position, "given twice") }
      key.parse(entry.value, &user, &faults)
    }
    seen.append(entry.key)
  }
  if !seen.contains("name") { faults.add(node, "the user has no name") }
  return user.name.isEmpty ? nil : user
}
