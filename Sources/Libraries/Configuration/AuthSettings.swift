import AccessControl
import Authentication
import Filter

extension Settings {
  /// `auth:`: who may log in, and how they prove it.
  public struct Auth: Equatable, Sendable {
    public var methods: [AuthenticationMachine.Method] = [.publicKey]
    /// Sequences of steps, one of which a login takes whole and in order; none: any one method.
    public var required: [[AuthenticationMachine.Step]] = []
    public var permitRoot = AuthenticationMachine.PermitRoot.publicKey
    /// How accounts log in whose password is locked.
    public var lockedAccounts = LoginRules.LockedAccounts.keys
    /// Empty: everyone.
    public var allowUsers: [UserPattern] = []
    /// Wins over the lists of those who are allowed.
    public var denyUsers: [UserPattern] = []
    /// Empty: everyone.
    public var allowGroups: [NamePattern] = []
    /// Wins as ``denyUsers``.
    public var denyGroups: [NamePattern] = []
    /// A directory that holds `{user}/authorized_keys`.
    public var authorizedKeysDirectory: String?
    /// `%h` home, `%u` or `{user}` name, `%%` percent; absolute once expanded, no `..`. Or ``noPattern``; nil: see
    /// ``effectiveKeysPattern``.
    public var authorizedKeysPattern: String? = defaultKeysPattern
    /// The content of the file `auth.publickey.trusted_user_ca_keys`; nil: no authority is trusted for every user.
    public var trustedUserCAKeys: [UInt8]?
    /// The content of the file `auth.publickey.revoked_keys`; nil: no key is revoked.
    public var revokedKeys: [UInt8]?
    /// Each user's file of principals, as ``authorizedKeysPattern``; nil: a certificate must name the user.
    public var authorizedPrincipalsPattern: String?
    /// Patterns for the names of variables that a line of authorized_keys may set.
    public var permittedUserEnvironment: [String] = []
    /// The users of `auth.password.users` and of the file `auth.password.users_file`.
    public var users: [User] = []
    /// Milliseconds that every answer to a password or a one-time code takes at least.
    public var minimumPasswordTime = 100

    /// As of sshd and bssh.
    static let defaultKeysPattern = "%h/.ssh/authorized_keys"
    /// In place of a pattern: there is no such file. sshd_config(5), AuthorizedKeysFile
    static let noPattern = "none"

    /// The pattern that is searched; nil: none is. With neither a directory nor a pattern it is the default, as with
    /// bssh, whose files say null for both.
    var effectiveKeysPattern: String? {
      let pattern = authorizedKeysPattern ?? (authorizedKeysDirectory == nil ? Self.defaultKeysPattern : nil)
      return pattern == Self.noPattern ? nil : pattern
    }
  }
}

extension KeyTable {
  static let auth: [Key] = [
    Key(
      "auth.methods", .list(.choice(), of: "a list of publickey, password, keyboard-interactive"),
      \.settings.auth.methods,
      "How a user can log in: publickey, password, keyboard-interactive (which asks for the password)."),
    Key(
      "auth.required", .stepSequences, \.settings.auth.required,
      "Sequences of steps, as [[publickey, password]]: a login takes all steps of one of them, in order.",
      "Every step is one of auth.methods, or totp: a code of the user's authenticator.",
      "Empty: any one method is a login."),
    Key(
      "auth.permit_root",
      .choice(others: ["prohibit-password": "publickey", "without-password": "publickey", "true": "yes", "false": "no"]
      ), \.settings.auth.permitRoot,
      "Whether root may log in: no, publickey (never without a key), yes."),
    Key(
      "auth.locked_accounts", .choice(), \.settings.auth.lockedAccounts,
      "How accounts log in that have no password or a locked one (in shadow(5) it begins with !, as after",
      "useradd): keys (by keys alone, as with Debian's sshd), no. Those that have expired never do."),
    Key(
      "auth.allow_users", .list(.userPattern, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.auth.allowUsers,
      "Who may log in; [] for everyone. * in a name stands for any letters, ? for one, and behind @ may",
      "stand where they come from: anna, \"ops-*\", backup@192.0.2.0/24."),
    Key(
      "auth.deny_users", .list(.userPattern, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.auth.denyUsers,
      "Who may not log in, even if another list allows it."),
    Key(
      "auth.allow_groups", .list(.groupPattern, of: "a list of names and patterns of groups", mayBeEmpty: true),
      \.settings.auth.allowGroups,
      "The groups of which a user must be in one; [] for none. Where there is a list of users as well,",
      "both must allow the login."),
    Key(
      "auth.deny_groups", .list(.groupPattern, of: "a list of names and patterns of groups", mayBeEmpty: true),
      \.settings.auth.denyGroups,
      "The groups whose members may not log in, even if another list allows it."),
    Key(
      "auth.publickey.authorized_keys_dir", ValueType<String>.directory.optional,
      \.settings.auth.authorizedKeysDirectory, alias: "BSSH_AUTHORIZED_KEYS_DIR",
      "A directory that holds {user}/authorized_keys; null for none. Set alone, it takes the place of",
      "authorized_keys_pattern; where both are set, both are searched."),
    Key(
      "auth.publickey.authorized_keys_pattern", ValueType.keysPattern.optional(null: "the default"),
      \.settings.auth.authorizedKeysPattern, alias: "BSSH_AUTHORIZED_KEYS_PATTERN",
      "Each user's file of keys: %h is the home, %u or {user} the name, %% a percent sign. none: there",
      "is no such file. null, with authorized_keys_dir null as well: the default."),
    Key(
      "auth.publickey.trusted_user_ca_keys", ValueType<String>.path.optional, \.trustedUserCAFile,
      becomes: \.settings.auth.trustedUserCAKeys,
      "A file with the public keys of authorities whose user certificates let in; null for none."),
    Key(
      "auth.publickey.authorized_principals_pattern", ValueType.keyPattern.optional,
      \.settings.auth.authorizedPrincipalsPattern,
      "Each user's file of the names that such a certificate may have, as authorized_keys_pattern; null: the",
      "user's own name."),
    Key(
      "auth.publickey.revoked_keys", ValueType<String>.path.optional, \.revokedKeysFile,
      becomes: \.settings.auth.revokedKeys,
      "A file with keys that let nobody in: one public key in each line, or a revocation list (KRL) as",
      "ssh-keygen -k makes it. Read while loading; a reload reads it again. null for none."),
    Key(
      "auth.publickey.permit_user_environment",
      .list(.variablePattern, of: "a list of names of variables", mayBeEmpty: true),
      \.settings.auth.permittedUserEnvironment,
      "Variables that environment= of a line of authorized_keys may set; * stands for any letters, ? for one."),
    Key(
      "auth.password.users_file", ValueType<String>.path.optional, \.usersFile, becomes: \.partOfAnother,
      "A YAML file with more users under the key users; null for none. Keep it readable by its owner alone."),
    Key(
      "auth.password.users", .users, \.settings.auth.users,
      "Users beside the system's accounts, each with a name and any of the keys that are shown here:"),
    Key(
      "auth.password.minimum_time", .milliseconds(0...10000), \.settings.auth.minimumPasswordTime,
      "Every answer to a password or code takes at least this long, whoever asks; a number alone is seconds."),
  ]
}
