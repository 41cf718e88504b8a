/// The commands.
enum Command: String, CaseIterable {
  case run
  case genConfig = "gen-config"
  case checkConfig = "check-config"
  case genHostKey = "gen-host-key"
  case hashPassword = "hash-password"
  case totpSetup = "totp-setup"
  case explain
  case replay
  case auditTail = "audit tail"
  case auditGrep = "audit grep"
  case auditShow = "audit show"
  case auditVerify = "audit verify"
  case auditStats = "audit stats"
  case auditLast = "audit last"
  case auditLastb = "audit lastb"
  case reload
  case version
  /// For bssh-supervisor, which reloads the configuration with it.
  case load
  /// For bssh-supervisor, which writes bans with it.
  case saveBans = "save-bans"
  /// For bssh-supervisor, if the directory of the journal was removed.
  case openJournal = "open-journal"

  /// The first words of commands with two words.
  static let groups = ["audit"]

  /// The second words of commands.
  static func actions(of group: String) -> String {
    allCases.map(\.rawValue).filter { $0.hasPrefix(group + " ") }.map { String($0.dropFirst(group.count + 1)) }
      .joined(separator: ", ")
  }

  /// A line for the list of commands; nil: the command is internal.
  var summary: String? {
    switch self {
    case .run: "Start the daemon (the default)"
    case .genConfig: "Print a configuration with all keys, their defaults and descriptions"
    case .checkConfig: "Check the configuration, and print the effective settings"
    case .genHostKey: "Create a host key"
    case .hashPassword: "Hash a password for the configuration"
    case .totpSetup: "Create the secret of a user's one-time codes, with a QR code"
    case .explain: "Show whether a login would be accepted, rule by rule"
    case .replay: "Play a recording of a terminal"
    case .auditTail: "Show the last events of the journal"
    case .auditGrep: "Show the events of the journal that match"
    case .auditShow: "Show the events of a session"
    case .auditVerify: "Check that no line of the journal was changed or removed"
    case .auditStats: "Show statistics of the journal"
    case .auditLast: "List logins, the most recent first"
    case .auditLastb: "List refused logins, the most recent first"
    case .reload: "Reload the configuration of a daemon, and show the result"
    case .version: "Print the version"
    case .load, .saveBans, .openJournal: nil
    }
  }

  /// The name of the operand; nil: there is none.
  var operand: String? {
    switch self {
    case .totpSetup: "USER"
    case .replay, .saveBans: "FILE"
    case .openJournal: "MODE:FILE"
    case .auditShow: "SESSION"
    case .reload: "PID"
    case .auditTail, .auditGrep, .auditVerify, .auditStats, .auditLast, .auditLastb: nil
    case .run, .genConfig, .checkConfig, .genHostKey, .hashPassword, .explain, .version, .load: nil
    }
  }
}

/// A command-line option.
struct Option {
  var short: Character?
  var long: String
  /// Another name of it, which bssh has.
  var alias: String?
  /// The name of its value; nil: it has none.
  var value: String?
  var commands: [Command]
  /// True if it may occur several times.
  var repeats = false
  /// True if it is accepted with every command, as in bssh, even if it has no effect there.
  var isGlobal = false
  var help: String

  /// True if `name` names it.
  func isNamed(_ name: String) -> Bool { name == long || name == alias }

  /// All options.
  static let all: [Option] = [
    Option(
      short: "c", long: "config", value: "FILE", commands: daemon + [.explain] + audit, isGlobal: true,
      help:
        "The configuration; default: the first of\n./bssh-server.yaml, /etc/bssh/server.yaml and\n~/.config/bssh/server.yaml"
    ),
    Option(
      short: "b", long: "bind-address", value: "ADDRESS", commands: daemon, repeats: true, isGlobal: true,
      help: "Listen on this address instead; may be repeated"),
    Option(
      short: "p", long: "port", value: "PORT", commands: daemon, isGlobal: true, help: "Listen on this port instead"),
    Option(
      short: "k", long: "host-key", value: "FILE", commands: daemon + [.explain], repeats: true, isGlobal: true,
      help: "Use this host key instead; may be repeated"),
    Option(
      short: "v", long: "verbose", commands: daemon, repeats: true, isGlobal: true,
      help: "Log at debug level, regardless of server.log_level;\n-vv and -vvv are the same"),
    Option(
      short: "q", long: "quiet", commands: daemon,
      help: "Log only warnings and errors, regardless of\nserver.log_level; check-config prints no settings"),
    Option(
      short: "D", long: "foreground", commands: daemon, isGlobal: true, help: "Stay in the foreground"),
    Option(
      long: "pid-file", value: "FILE", commands: daemon, isGlobal: true,
      help: "Write the process id of the daemon to this file"),
    Option(
      short: "t", long: "type", alias: "key-type", value: "TYPE", commands: [.genHostKey],
      help: "ed25519 (the default), rsa or ecdsa;\n--key-type is the same"),
    Option(
      short: "o", long: "output", value: "FILE", commands: [.genConfig, .genHostKey],
      help: "Write to this file, which only its owner can read"),
    Option(
      long: "schema", commands: [.genConfig],
      help: "Print the JSON Schema of the configuration instead, for\neditors and for checks without bssh-server"),
    Option(
      long: "bits", value: "BITS", commands: [.genHostKey],
      help: "2048 to 16384 for rsa (default: 3072);\n256, 384 or 521 for ecdsa (default: 256)"),
    Option(
      long: "force", commands: [.genHostKey], help: "Replace existing files"),
    Option(
      long: "issuer", value: "NAME", commands: [.totpSetup],
      help: "The name under which the authenticator lists the codes;\ndefault: the host name"),
    Option(long: "digits", value: "DIGITS", commands: [.totpSetup], help: "6 (the default) or 8"),
    Option(
      long: "algorithm", value: "HASH", commands: [.totpSetup],
      help: "sha1 (the default), sha256 or sha512; many\nauthenticators ignore this and use sha1"),
    Option(long: "user", value: "NAME", commands: [.explain], help: "The user name of the login"),
    Option(long: "from", value: "ADDRESS", commands: [.explain], help: "The client's IPv4 or IPv6 address"),
    Option(
      long: "key", value: "FILE", commands: [.explain], repeats: true,
      help:
        "A public key or certificate of the client; may be\nrepeated. Default: the keys that are listed for the user"),
    Option(
      long: "method", value: "METHOD", commands: [.explain], repeats: true,
      help: "publickey, password or keyboard-interactive; may be\nrepeated. Default: any methods that lead to a login"),
    Option(
      long: "speed", value: "FACTOR", commands: [.replay], help: "The factor of the speed, from 0.01 to 1000"),
    Option(
      long: "idle-limit", value: "SECONDS", commands: [.replay],
      help: "Wait no longer than this for the next event; default: the\nlimit in the recording, or none"),
    Option(
      long: "from", value: "TIME", commands: [.replay],
      help: "Start at this time of the recording: seconds, or 12:34.\nEarlier output is shown immediately"),
    Option(
      long: "raw", commands: [.replay],
      help: "Show all escape sequences, also those that do more than\ndisplay; only for recordings that you trust"),
    Option(
      long: "file", value: "FILE", commands: audit,
      help: "The journal, with the rotated files beside it; default:\nthe journal of the configuration"),
    Option(
      short: "f", long: "follow", commands: [.auditTail], help: "Continue with new events, also in a new file"),
    Option(
      short: "n", long: "lines", value: "COUNT", commands: [.auditTail, .auditLast, .auditLastb],
      help: "Show at most this many; the default of tail is 10"),
    Option(
      long: "user", value: "NAME", commands: filtered, repeats: true,
      help:
        "Only this user; * and ? are wildcards. This option and\nthe following may be repeated: one value must match"),
    Option(
      long: "address", value: "ADDRESS", commands: filtered, repeats: true,
      help: "Only this address or range, such as 192.0.2.0/24"),
    Option(
      long: "session", value: "ID", commands: filtered, repeats: true,
      help: "Only the session whose id begins with this"),
    Option(
      long: "type", value: "TYPE", commands: filtered, repeats: true,
      help: "Only this type, such as auth_failure or 'file_*'; several\nare separated by commas"),
    Option(
      long: "result", value: "RESULT", commands: filtered, repeats: true,
      help: "Only this result: success, failure, denied, error"),
    Option(
      long: "path", value: "GLOB", commands: filtered, repeats: true,
      help: "Only files whose path matches, such as '/srv/**'\nor '*.pdf'"),
    Option(
      long: "since", value: "TIME", commands: filtered,
      help:
        "Only from this time on: 2026-11-20, '2026-11-20 20:37',\n20:37, today, yesterday; or 15m, 2h, 1d ago; UTC with a Z"
    ),
    Option(long: "until", value: "TIME", commands: filtered, help: "Only up to this time"),
    Option(
      long: "json", commands: [.auditTail, .auditGrep, .auditShow], help: "Show the lines of the journal unchanged"),
    Option(long: "utc", commands: audit, help: "Show times in UTC"),
    Option(short: "V", long: "version", commands: [.run], isGlobal: true, help: "Print the version"),
    Option(short: "h", long: "help", commands: Command.allCases, help: "Print this help"),
  ]

  private static let daemon: [Command] = [.run, .checkConfig, .load]
  private static let audit: [Command] = [
    .auditTail, .auditGrep, .auditShow, .auditVerify, .auditStats, .auditLast, .auditLastb,
  ]
  private static let filtered: [Command] = [.auditTail, .auditGrep, .auditStats, .auditLast, .auditLastb]
}
