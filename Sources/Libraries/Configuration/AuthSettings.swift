import AccessControl
import Authentication
import Filter

extension Settings {
  /// `auth:`: authentication and access rules.
  public struct Auth: Equatable, Sendable {
    /// The enabled authentication methods.
    public var methods: [AuthenticationMachine.Method] = [.publicKey]
    /// Sequences of steps, one of which must be completed in order; empty: any one method suffices.
    public var required: [[AuthenticationMachine.Step]] = []
    /// Whether and how root may log in.
    public var permitRoot = AuthenticationMachine.PermitRoot.publicKey
    /// Whether and how accounts with a locked password may log in.
    public var lockedAccounts = LoginRules.LockedAccounts.keys
    /// Users who may log in; empty: all.
    public var allowUsers: [UserPattern] = []
    /// Users who may not log in; overrides ``allowUsers`` and ``allowGroups``.
    public var denyUsers: [UserPattern] = []
    /// Groups whose members may log in; empty: all.
    public var allowGroups: [NamePattern] = []
    /// Groups whose members may not log in; overrides as ``denyUsers``.
    public var denyGroups: [NamePattern] = []
    /// The directory that contains `{user}/authorized_keys`; nil: none.
    public var authorizedKeysDirectory: String?
    /// The path of a user's authorized_keys file: `%h` is the home directory, `%u` or `{user}` the name, `%%` a percent
    /// sign. The expanded path is absolute, without `..`. ``noPattern``: none; nil: see ``effectiveKeysPattern``.
    public var authorizedKeysPattern: String? = defaultKeysPattern
    /// The content of the file `auth.publickey.trusted_user_ca_keys`; nil: no CA key is trusted for all users.
    public var trustedUserCAKeys: [UInt8]?
    /// The content of the file `auth.publickey.revoked_keys`; nil: no key is revoked.
    public var revokedKeys: [UInt8]?
    /// The path of a user's file of principals, as ``authorizedKeysPattern``; nil: a certificate must have the user's name
    /// as principal.
    public var authorizedPrincipalsPattern: String?
    /// Patterns for the names of variables that authorized_keys may set.
    public var permittedUserEnvironment: [String] = []
    /// The users in `auth.password.users` and in the file `auth.password.users_file`.
    public var users: [User] = []
    /// Minimum time of a reply to a password or a one-time code, in milliseconds.
    public var minimumPasswordTime = 100

    /// The default, as in sshd and bssh.
    static let defaultKeysPattern = "%h/.ssh/authorized_keys"
    /// Instead of a pattern: no such file is read. sshd_config(5), AuthorizedKeysFile
    static let noPattern = "none"

    /// The pattern that applies; nil: none. Without directory and pattern it is the default, as in bssh, whose template
    /// has null for both.
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
      "Authentication methods: publickey, password, keyboard-interactive (which asks for the password)."),
    Key(
      "auth.required", .stepSequences, \.settings.auth.required,
      "Sequences of steps, such as [[publickey, password]]. A login must complete all steps of one of them,",
      "in order. A step is one of auth.methods, or totp: a code of the user's authenticator.",
      "Empty: any one method is sufficient."),
    Key(
      "auth.permit_root",
      .choice(others: ["prohibit-password": "publickey", "without-password": "publickey", "true": "yes", "false": "no"]
      ), \.settings.auth.permitRoot,
      "Whether root may log in: no, publickey (only with a key), yes."),
    Key(
      "auth.locked_accounts", .choice(), \.settings.auth.lockedAccounts,
      "Whether accounts may log in that have no password or a locked one (in shadow(5) it begins with !, as",
      "after useradd): keys (only with keys, as with Debian's sshd), no. Expired accounts never may."),
    Key(
      "auth.allow_users", .list(.userPattern, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.auth.allowUsers,
      "Users who may log in; [] for all. In a name, * matches any characters and ? one. The client's address",
      "can follow after @: anna, \"ops-*\", backup@192.0.2.0/24."),
    Key(
      "auth.deny_users", .list(.userPattern, of: "a list of names and patterns of users", mayBeEmpty: true),
      \.settings.auth.denyUsers,
      "Users who may not log in, even if another list allows it."),
    Key(
      "auth.allow_groups", .list(.groupPattern, of: "a list of names and patterns of groups", mayBeEmpty: true),
      \.settings.auth.allowGroups,
      "Groups whose members may log in; [] for no restriction. If there is a list of users too, both lists",
      "must allow the login."),
    Key(
      "auth.deny_groups", .list(.groupPattern, of: "a list of names and patterns of groups", mayBeEmpty: true),
      \.settings.auth.denyGroups,
      "Groups whose members may not log in, even if another list allows it."),
    Key(
      "auth.publickey.authorized_keys_dir", ValueType<String>.directory.optional,
      \.settings.auth.authorizedKeysDirectory, alias: "BSSH_AUTHORIZED_KEYS_DIR",
      "The directory that contains {user}/authorized_keys; null for none. If only this is set, it replaces",
      "authorized_keys_pattern; if both are set, both are searched."),
    Key(
      "auth.publickey.authorized_keys_pattern", ValueType.keysPattern.optional(null: "the default"),
      \.settings.auth.authorizedKeysPattern, alias: "BSSH_AUTHORIZED_KEYS_PATTERN",
      "The file with the keys of a user: %h is the home directory, %u or {user} the name, %% a percent sign.",
      "none: there is no such file. null, with authorized_keys_dir null as well: the default."),
    Key(
      "auth.publickey.trusted_user_ca_keys", ValueType<String>.path.optional, \.trustedUserCAFile,
      becomes: \.settings.auth.trustedUserCAKeys,
      "A file with the public keys of CAs whose user certificates are accepted; null for none."),
    Key(
      "auth.publickey.authorized_principals_pattern", ValueType.keyPattern.optional,
      \.settings.auth.authorizedPrincipalsPattern,
      "The file with the accepted principals of a user for such certificates, as authorized_keys_pattern;",
      "null: the user's own name."),
    Key(
      "auth.publickey.revoked_keys", ValueType<String>.path.optional, \.revokedKeysFile,
      becomes: \.settings.auth.revokedKeys,
      "A file with revoked keys: one public key per line, or a key revocation list (KRL) of ssh-keygen -k.",
      "It is read when the configuration is loaded. null for none."),
    Key(
      "auth.publickey.permit_user_environment",
      .list(.variablePattern, of: "a list of names of variables", mayBeEmpty: true),
      \.settings.auth.permittedUserEnvironment,
      "Variables that environment= in authorized_keys may set; * matches any characters, ? one."),
    Key(
      "auth.password.users_file", ValueType<String>.path.optional, \.usersFile, becomes: \.partOfAnother,
      "A YAML file with further users under the key users, for its owner only; null for none."),
    Key(
      "auth.password.users", .users, \.settings.auth.users,
      "Users in addition to the system's accounts. Each has a name and any of the following keys:"),
    Key(
      "auth.password.minimum_time", .milliseconds(0...10000), \.settings.auth.minimumPasswordTime,
      "Minimum time of every reply to a password or code. A number without a unit is in seconds."),
  ]
}
