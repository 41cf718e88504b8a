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
    case .run: "Start the daemon (when no command is named)"
    case .genConfig: "Print a configuration with every key, its default and what it means"
    case .checkConfig: "Check the configuration, and print the settings that are in effect"
    case .genHostKey: "Make a host key"
    case .hashPassword: "Turn a password into the hash that a configuration holds"
    case .totpSetup: "Make the secret of a user's one-time codes, with a QR code of it"
    case .explain: "Tell whether a login would be let in, rule by rule, and what decides"
    case .replay: "Show a recording of a terminal"
    case .auditTail: "Show the last events of the journal"
    case .auditGrep: "Show the events of the journal that fit"
    case .auditShow: "Tell what happened in a session"
    case .auditVerify: "Check that no line of the journal was changed or removed"
    case .auditStats: "Count what is in the journal"
    case .auditLast: "List logins, the last first"
    case .auditLastb: "List refused logins, the last first"
    case .reload: "Have a daemon load its configuration again, and tell what came of it"
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
        "The configuration; else the first of ./bssh-server.yaml,\n/etc/bssh/server.yaml and ~/.config/bssh/server.yaml"
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
      help: "Log for debugging too, whatever server.log_level says;\n-vv and -vvv are the same"),
    Option(
      short: "q", long: "quiet", commands: daemon,
      help: "Log nothing less than warnings, whatever\nserver.log_level says; check-config prints no settings"),
    Option(
      short: "D", long: "foreground", commands: daemon, isGlobal: true, help: "Stay in the foreground"),
    Option(
      long: "pid-file", value: "FILE", commands: daemon, isGlobal: true,
      help: "Write the daemon's process id to this file"),
    Option(
      short: "t", long: "type", alias: "key-type", value: "TYPE", commands: [.genHostKey],
      help: "ed25519 (when nothing is said), rsa or ecdsa;\n--key-type is the same"),
    Option(
      short: "o", long: "output", value: "FILE", commands: [.genConfig, .genHostKey],
      help: "Write to this file, which only its owner can read"),
    Option(
      long: "schema", commands: [.genConfig],
      help: "Print the JSON Schema of configurations instead, for\neditors and for checks without bssh-server"),
    Option(
      long: "bits", value: "BITS", commands: [.genHostKey],
      help: "2048 to 16384 for rsa (3072 when nothing is said);\n256, 384 or 521 for ecdsa (256)"),
    Option(
      long: "force", commands: [.genHostKey], help: "Replace files that exist"),
    Option(
      long: "issuer", value: "NAME", commands: [.totpSetup],
      help: "What the authenticator lists the codes under; else the\nname of this machine"),
    Option(long: "digits", value: "DIGITS", commands: [.totpSetup], help: "6 (when nothing is said) or 8"),
    Option(
      long: "algorithm", value: "HASH", commands: [.totpSetup],
      help: "sha1 (when nothing is said), sha256 or sha512; many\nauthenticators take sha1 whatever they are told"),
    Option(long: "user", value: "NAME", commands: [.explain], help: "Who logs in"),
    Option(long: "from", value: "ADDRESS", commands: [.explain], help: "Where they come from: an IPv4 or IPv6 address"),
    Option(
      long: "key", value: "FILE", commands: [.explain], repeats: true,
      help: "A public key or certificate that they have; may be\nrepeated. Else the keys that are listed for them"),
    Option(
      long: "method", value: "METHOD", commands: [.explain], repeats: true,
      help: "publickey, password or keyboard-interactive; may be\nrepeated. Else whatever leads to a login"),
    Option(
      long: "speed", value: "FACTOR", commands: [.replay], help: "So many times as fast, from 0.01 to 1000"),
    Option(
      long: "idle-limit", value: "SECONDS", commands: [.replay],
      help: "Wait for nothing longer than this; else as long as the\nrecording says, or as it took"),
    Option(
      long: "from", value: "TIME", commands: [.replay],
      help: "Begin at this time of the recording: seconds, or as in\n12:34; what is before is shown at once"),
    Option(
      long: "raw", commands: [.replay],
      help: "Show everything, also what does more to a terminal than\nshow; only for recordings that you trust"),
    Option(
      long: "file", value: "FILE", commands: audit,
      help: "The journal; older files are found beside it. Else the\nconfiguration says where it is"),
    Option(
      short: "f", long: "follow", commands: [.auditTail], help: "Go on with what comes, also in a new file"),
    Option(
      short: "n", long: "lines", value: "COUNT", commands: [.auditTail, .auditLast, .auditLastb],
      help: "So many at most; tail shows 10 when nothing is said"),
    Option(
      long: "user", value: "NAME", commands: filtered, repeats: true,
      help:
        "Of this user; * and ? stand for other letters. This and\nwhat follows may be repeated: one of them has to fit"),
    Option(
      long: "address", value: "ADDRESS", commands: filtered, repeats: true,
      help: "From this address, or from this range, as 192.0.2.0/24"),
    Option(
      long: "session", value: "ID", commands: filtered, repeats: true, help: "Of the session whose id begins so"),
    Option(
      long: "type", value: "TYPE", commands: filtered, repeats: true,
      help: "Of this type, as auth_failure or 'file_*'; several with\ncommas in between"),
    Option(
      long: "result", value: "RESULT", commands: filtered, repeats: true,
      help: "With this result: success, failure, denied, error"),
    Option(
      long: "path", value: "GLOB", commands: filtered, repeats: true,
      help: "About a file whose path fits, as '/srv/**' or '*.pdf'"),
    Option(
      long: "since", value: "TIME", commands: filtered,
      help:
        "Not before this time: 2026-11-20, '2026-11-20 20:37',\n20:37, today, yesterday; or 15m, 2h, 1d ago; UTC with a Z"
    ),
    Option(long: "until", value: "TIME", commands: filtered, help: "Not after this time"),
    Option(
      long: "json", commands: [.auditTail, .auditGrep, .auditShow], help: "Show the lines as they are in the journal"),
    Option(long: "utc", commands: audit, help: "Show times in UTC"),
    Option(short: "V", long: "version", commands: [.run], isGlobal: true, help: "Print the version"),
    Option(short: "h", long: "help", commands: Command.allCases, help: "Print this"),
  ]

  private static let daemon: [Command] = [.run, .checkConfig, .load]
  private static let audit: [Command] = [
    .auditTail, .auditGrep, .auditShow, .auditVerify, .auditStats, .auditLast, .auditLastb,
  ]
  private static let filtered: [Command] = [.auditTail, .auditGrep, .auditStats, .auditLast, .auditLastb]
}
