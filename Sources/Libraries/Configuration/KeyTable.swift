import AccessControl

/// Every key, in the order of the template. Reading, the environment, suggestions, the template, the
/// output of `check-config` and the manual's completeness all come from here.
public enum KeyTable {
  public static let keys: [Key] = server + auth + shell + sftp + scp + filter + audit + security + [match]

  /// The key with this path.
  static func key(_ path: String) -> Key? { byPath[path] }

  private static let byPath = Dictionary(keys.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })

  private static let server: [Key] = [
    Key(
      "server.bind_address",
      .list(.bindAddress, of: "an address, as 192.0.2.1 or [2001:db8::1]:22, or a list of them", orOne: true),
      \.bindAddresses, alias: "BSSH_BIND_ADDRESS", option: "-b",
      "The address to listen on, or a list of them. IPv6 addresses stand in brackets; an entry",
      "may have its own port: \"192.0.2.1:22\". When nothing is said, every address of IPv4 and IPv6, as",
      "far as the machine has these."),
    Key(
      "server.port", .integer(1...65535), \.port, alias: "BSSH_PORT", option: "-p",
      "The port for every address that does not have its own."),
    Key(
      "server.host_keys", .list(.path, of: "a list of paths", mayBeEmpty: true), \.settings.server.hostKeys,
      alias: "BSSH_HOST_KEY", option: "-k", example: ["/etc/bssh/ssh_host_ed25519_key"],
      "The files with the server's private keys, at least one, readable by their owner alone.",
      "bssh-server gen-host-key makes one. No default."),
    Key(
      "server.max_connections", .integer(1...65536, clamped: .positive), \.settings.server.maxConnections,
      alias: "BSSH_MAX_CONNECTIONS",
      "Open connections, counted when they are accepted; more are closed at once."),
    Key(
      "server.max_unauthenticated", .integer(1...65536), \.settings.server.maxUnauthenticated,
      "Open connections that have not logged in yet. Where there is no place left, whoever has none gets",
      "that of the one that has waited longest, of those who hold most and have come least far."),
    Key(
      "server.max_unauthenticated_per_source", .integer(1...65536), \.settings.server.maxUnauthenticatedPerSource,
      "Of these, those from one address (of IPv6, from one /64); never more than half of all, so that",
      "no address keeps others out."),
    Key(
      "server.timeout", .duration(0...86400, zero: "no limit", clamped: .long), \.settings.server.loginGrace,
      "The time from accepting a connection to a finished login; 0 is no limit."),
    Key(
      "server.keepalive_interval", .duration(0...86400, zero: "never", clamped: .long),
      \.settings.server.keepaliveInterval,
      alias: "BSSH_KEEPALIVE_INTERVAL",
      "How often a silent client is asked for a sign of life; 0 is never."),
    Key(
      "server.keepalive_count_max", .integer(1...1000), \.settings.server.keepaliveCountMax,
      "After so many questions without an answer the connection is closed."),
    Key(
      "server.compression", .boolean, \.settings.server.compression, alias: "BSSH_COMPRESSION",
      "Offer zlib@openssh.com, compression that starts after the login."),
    Key(
      "server.maximum_packet_size", .size(4096...65535, clamped: .word), \.settings.server.maximumPacketSize,
      alias: "BSSH_MAX_PACKET_SIZE",
      "Bytes of data that a client may send in one packet."),
    Key(
      "server.window_size", .size(32 << 10...64 << 20, clamped: .word), \.settings.server.windowSize,
      alias: "BSSH_WINDOW_SIZE",
      "Bytes that a client may have under way on one channel with a program. All channels of a",
      "connection together have at most 16 MiB of them, or two windows, and 64 KiB each."),
    Key(
      "server.max_channels", .integer(1...1024), \.settings.server.maxChannels,
      "Channels that a connection may have at a time: shells, commands and file transfers. What still",
      "runs on a channel that its client has closed counts, too."),
    Key(
      "server.banner", ValueType<String>.path.optional, \.bannerFile,
      "A file with text that is shown before the login, at most 128 KiB of UTF-8; null for none."),
    Key(
      "server.log_level", .choice(), \.settings.server.logLevel,
      "The least important lines of the log: error, warning, info (a few for each login), debug.",
      "-v and -q of the command line win. The journal of events does not depend on it."),
    Key(
      "server.proxy_protocol.trusted", ranges, \.settings.server.trustedProxies,
      "Addresses and ranges of load balancers that send a PROXY header, version 1 or 2. From them it is",
      "required, and says where the client is; from anybody else there must be none."),
    Key(
      "server.proxy_protocol.ignore_checks", .boolean, \.settings.server.ignoresProxyChecks,
      "Whether health checks of these leave no event and no line in the log: connections that end without a",
      "byte, or that are the load balancer's own and ask for no login. Else they are counted, once a minute."),
    Key(
      "server.spare_transports", .integer(0...64), \.settings.server.spareTransports,
      "Processes started ahead of the connections that they will serve."),
    Key(
      "server.ciphers", algorithms(Algorithms.ciphers), \.settings.server.ciphers,
      "Ciphers that are offered, best first. Every one that can be named here is safe."),
    Key(
      "server.kex", algorithms(Algorithms.keyExchanges), \.settings.server.keyExchanges,
      "Key exchange methods that are offered, best first."),
    Key(
      "server.macs", algorithms(Algorithms.macs), \.settings.server.macs,
      "Message authentication codes for the ciphers that need one, best first."),
    Key(
      "server.host_key_algorithms", algorithms(Algorithms.hostKeys), \.settings.server.hostKeyAlgorithms,
      "Signature algorithms of the server's keys, best first; those without a key are not offered."),
    Key(
      "server.publickey_algorithms", algorithms(Algorithms.publicKeys), \.settings.server.publicKeyAlgorithms,
      "Signature algorithms that users' keys may log in with."),
    Key(
      "server.rekey.bytes", .size(64 << 10...64 << 30), \.settings.server.rekeyBytes,
      "Bytes, in one direction, after which new session keys are exchanged."),
    Key(
      "server.rekey.interval", .duration(0...604_800, zero: "never"), \.settings.server.rekeyInterval,
      "The time after which new session keys are exchanged; 0 is never."),
  ]

  private static let auth: [Key] = [
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
      content: \Choices.settings.auth.trustedUserCAKeys,
      "A file with the public keys of authorities whose user certificates let in; null for none."),
    Key(
      "auth.publickey.authorized_principals_pattern", ValueType.keyPattern.optional,
      \.settings.auth.authorizedPrincipalsPattern,
      "Each user's file of the names that such a certificate may have, as authorized_keys_pattern; null: the",
      "user's own name."),
    Key(
      "auth.publickey.revoked_keys", ValueType<String>.path.optional, \.revokedKeysFile,
      content: \Choices.settings.auth.revokedKeys,
      "A file with keys that let nobody in: one public key in each line, or a revocation list (KRL) as",
      "ssh-keygen -k makes it. Read while loading; a reload reads it again. null for none."),
    Key(
      "auth.publickey.permit_user_environment",
      .list(.variablePattern, of: "a list of names of variables", mayBeEmpty: true),
      \.settings.auth.permittedUserEnvironment,
      "Variables that environment= of a line of authorized_keys may set; * stands for any letters, ? for one."),
    Key(
      "auth.password.users_file", ValueType<String>.path.optional, \.usersFile,
      "A YAML file with more users under the key users; null for none. Keep it readable by its owner alone."),
    Key(
      "auth.password.users", .users, \.settings.auth.users,
      "Users beside the system's accounts, each with a name and any of the keys that are shown here:"),
    Key(
      "auth.password.minimum_time", .milliseconds(0...10000), \.settings.auth.minimumPasswordTime,
      "Every answer to a password or code takes at least this long, whoever asks; a number alone is seconds."),
  ]

  private static let shell: [Key] = [
    Key(
      "shell.default", .path, \.settings.shell.defaultShell, alias: "BSSH_SHELL",
      "The shell, for logins and commands, of accounts that have none of their own."),
    Key(
      "shell.env", .variables, \.settings.shell.environment,
      "Variables for every session."),
    Key(
      "shell.accept_env",
      .list(.variablePattern, of: "a list of names of variables", mayBeEmpty: true),
      \.settings.shell.acceptEnvironment,
      "Variables that a client may set; * stands for any letters, ? for one."),
    Key(
      "shell.enabled", .boolean, \.settings.shell.enabled,
      "Whether shells and commands may be started."),
    Key(
      "shell.pty", .boolean, \.settings.shell.pty,
      "Whether clients get terminals."),
    Key(
      "shell.umask", .umask, \.settings.shell.umask,
      "Permissions, in octal, that files made by a session do not get."),
    Key(
      "shell.motd", ValueType<String>.path.optional, \.settings.shell.motd,
      "A file shown on the terminal before a login shell starts; null for none."),
    Key(
      "shell.max_processes", .integer(0...4_194_304), \.settings.shell.maxProcesses,
      "Processes and threads that an account may have, all its logins together (RLIMIT_NPROC); not for",
      "root. 0: as many as the daemon was started with."),
    Key(
      "shell.command_timeout", .duration(0...year, zero: "no limit", clamped: .long), \.settings.shell.commandTimeout,
      alias: "BSSH_COMMAND_TIMEOUT",
      "The time that a command may run that a client starts without a shell; 0 is no limit."),
    Key(
      "shell.allowed_commands", .list(.commandPattern, of: "a list of patterns for commands", mayBeEmpty: true),
      \.settings.shell.allowedCommands,
      "The only command lines that may be run: * stands for any plain bytes, ? for one, \\ takes the next",
      "as it is; SFTP is the command internal-sftp. There is no shell unless its path is one of them."),
    Key(
      "shell.blocked_commands", .list(.commandPattern, of: "a list of patterns for commands", mayBeEmpty: true),
      \.settings.shell.blockedCommands,
      "Command lines that are refused; * stands for any bytes. No border: there are other ways to the same."),
    Key(
      "shell.forced_command", ValueType.command.optional, \.settings.shell.forcedCommand,
      "What runs instead of every shell, command and subsystem, internal-sftp for SFTP alone; null for none."),
  ]

  private static let sftp: [Key] = [
    Key(
      "sftp.enabled", .boolean, \.settings.sftp.enabled,
      "Whether files are transferred by SFTP."),
    Key(
      "sftp.root", ValueType.rootPattern.optional, \.settings.sftp.root,
      "The directory that clients see as /, and that no path or link leads out of: %h is the home,",
      "%u the name, %% a percent sign; null for none."),
    Key(
      "sftp.read_only", .boolean, \.settings.sftp.readOnly,
      "Whether files can be read alone, and nothing changed; for SCP as well."),
    Key(
      "sftp.umask", ValueType.umask.optional, \.settings.sftp.umask,
      "Permissions, in octal, that new files do not get, also by SCP; null for what shell.umask says."),
    Key(
      "sftp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.sftp.maxFileSize,
      "The size that no file can be made to exceed; null for none."),
    Key(
      "sftp.max_handles", .integer(1...65536), \.settings.sftp.maxHandles,
      "Files and directories that one client can have open."),
  ]

  private static let scp: [Key] = [
    Key(
      "scp.enabled", .boolean, \.settings.scp.enabled,
      "Whether files are transferred by SCP; false refuses the command scp as well."),
    Key(
      "scp.root", ValueType.rootPattern.optional, \.settings.scp.root,
      "The directory that clients of SCP see as /; null for that of sftp.root, / for none."),
    Key(
      "scp.max_file_size", ValueType.size(1...1 << 50).optional, \.settings.scp.maxFileSize,
      "The size that no file can be made to exceed; null for none."),
  ]

  private static let filter: [Key] = [
    Key(
      "filter.enabled", .boolean, \.settings.filter.isEnabled,
      "Whether the rules below decide which files may be transferred, by SFTP and by SCP."),
    Key(
      "filter.default_action", ValueType.choice().null(meaning: .allow), \.settings.filter.defaultAction,
      "What becomes of files that no rule matches: allow, deny, log (which allows and leaves a record)."),
    Key(
      "filter.rules", .filterRules, \.settings.filter.rules,
      "Rules, of which the first that matches decides. All that one says must hold. The keys of each:"),
  ]

  private static let security: [Key] = [
    Key(
      "security.allowed_ips", ranges, \.settings.security.allowedIPs,
      "Addresses and ranges that may connect; with an empty list all may. An IPv4-mapped IPv6",
      "address is the IPv4 address."),
    Key(
      "security.blocked_ips", ranges, \.settings.security.blockedIPs,
      "Addresses and ranges that may not connect, also where allowed_ips has them. They are closed",
      "without a word, whatever they could prove."),
    Key(
      "security.whitelist_ips", ranges, \.settings.security.whitelistIPs,
      "Addresses and ranges that are never banned, and that rate_limit and max_unauthenticated do not",
      "hold for. They must be allowed all the same."),
    Key(
      "security.max_auth_attempts", .integer(0...1000, clamped: .word), \.settings.security.maxAuthAttempts,
      "The failed login that gets an address (of IPv6, a /64) banned: a wrong password, a bad",
      "signature, or a connection that asked for a login and ended without. 0 bans nobody."),
    Key(
      "security.max_key_failures", .integer(0...1000), \.settings.security.maxKeyFailures,
      "The connection that gets an address banned of those that offered nothing but keys, none of which",
      "let in. They are counted apart from other failures. 0: such connections ban nobody."),
    Key(
      "security.auth_window", .duration(1...31_536_000, clamped: .long), \.settings.security.authWindow,
      "The time in which so many failures count."),
    Key(
      "security.ban_time", .duration(1...31_536_000, clamped: .long), \.settings.security.banTime,
      "How long the first ban lasts. A banned address is refused whatever it could prove."),
    Key(
      "security.ban_factor", .integer(1...100), \.settings.security.banFactor,
      "Each further ban of an address is so many times as long as the one before."),
    Key(
      "security.ban_max", .duration(1...31_536_000), \.settings.security.banMax,
      "The longest ban; an address that behaves well for this time is forgotten."),
    Key(
      "security.ban_state_file", ValueType<String>.path.optional, \.settings.security.banStateFile,
      "The file that bans are kept in, so that they survive a restart; null for none."),
    Key(
      "security.rate_limit.per_second", .integer(0...1000), \.settings.security.connectionsPerSecond,
      "Connections that one address (of IPv6, one /64) may open in a second, in the long run; 0 is",
      "no limit."),
    Key(
      "security.rate_limit.burst", .integer(1...100_000), \.settings.security.connectionBurst,
      "Connections that it may open at once, before per_second holds."),
    Key(
      "security.max_sessions_per_user", .integer(1...65536, clamped: .long), \.settings.security.maxSessionsPerUser,
      "Logins that one user has at a time; one more is refused once it is proven."),
    Key(
      "security.idle_timeout", .duration(0...year, zero: "no limit", clamped: .long), \.settings.security.idleTimeout,
      "A login ends when nothing has come or gone on its channels for so long; 0 is no limit."),
    Key(
      "security.session_timeout", .duration(0...year, zero: "no limit", clamped: .long),
      \.settings.security.sessionTimeout,
      "A login ends after so long, whatever it does; 0 is no limit."),
  ]

  /// Seconds: the longest time limit of a login.
  private static let year = 365 * 86400

  private static let ranges: ValueType<[AddressRange]> =
    .list(
      .addressRange, of: "a list of addresses and ranges, as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32", mayBeEmpty: true
    )
  private static let match = Key(
    "match", .matches, \.settings.matches,
    "Blocks that change keys for some logins; where several hold, the later one wins. Each has conditions,",
    "all of which must hold, and keys under their sections: of auth, shell, sftp, scp, filter, audit.recording",
    "and the time limits of security.",
    "  - users: [\"ops-*\", \"!ops-intern\"]   names and patterns; ! takes away from the others",
    "    groups: [staff]                     names and patterns of groups",
    "    addresses: [192.0.2.0/24]           where the client is",
    "    shell: {pty: false}")

  private static func algorithms(_ known: [String]) -> ValueType<[String]> {
    .list(.algorithm(known), of: "a list of algorithms")
  }
}
