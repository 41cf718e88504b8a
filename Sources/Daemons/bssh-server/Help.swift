/// The texts of `--help`.
enum Help {
  /// All commands.
  static let overall = """
    usage: bssh-server [command] [options]

    An SSH server. Commands:

    \(commands)

    'bssh-server help COMMAND' shows the options of a command; bssh-server(8) is the manual.

    """

  /// One command and its options.
  static func text(of command: Command) -> String {
    let operand = command.operand.map { " " + $0 } ?? ""
    var text = "usage: bssh-server \(command.rawValue)\(operand) [options]\n"
    if let summary = command.summary { text += "\n\(summary).\n" }
    if let more = more(on: command) { text += "\n\(more)\n" }
    text += "\nOptions:\n"
    for option in Option.all where option.commands.contains(command) {
      let short = option.short.map { "-\($0), " } ?? "    "
      let value = option.value.map { " " + $0 } ?? ""
      let lines = option.help.split(separator: "\n")
      text +=
        "  " + padded("\(short)--\(option.long)\(value)", 30) + lines.joined(separator: "\n" + padded("", 32)) + "\n"
    }
    return text
  }

  /// Commands of two words: all that start with this one.
  static func text(ofGroup group: String) -> String {
    """
    usage: bssh-server \(group) ACTION [options]

    Reads the journal of events. Actions:

    \(list(Command.allCases.filter { $0.rawValue.hasPrefix(group + " ") }))

    'bssh-server \(group) ACTION --help' shows the options of an action.

    """
  }

  private static var commands: String { list(Command.allCases) }

  private static func list(_ commands: [Command]) -> String {
    commands.compactMap { command in command.summary.map { "  " + padded(command.rawValue, 16) + $0 } }
      .joined(separator: "\n")
  }

  private static func more(on command: Command) -> String? {
    switch command {
    case .run:
      """
      Without -D it goes to the background as soon as it listens. SIGTERM ends it, SIGHUP reloads the
      configuration. Exit codes are those of sysexits(3): 78 for a configuration that does not load.
      """
    case .checkConfig:
      """
      Exits with 0, or with 78 after a line for each error. Password hashes and secrets are not printed.
      """
    case .genConfig: "Without -o the configuration is written to standard output."
    case .genHostKey:
      """
      Writes the private key to FILE and the public key to FILE.pub, and prints the fingerprint.
      """
    case .hashPassword:
      """
      Asks for the password twice without echo, or reads one line if standard input is not a
      terminal. Prints an Argon2id hash for the key password_hash of a user.
      """
    case .totpSetup:
      """
      Prints the keys for the configuration, and the otpauth URI for the user's authenticator as
      text and as a QR code. Nothing is stored; each call creates another secret.
      """
    case .explain:
      """
      Shows the result of each rule with its place in the configuration, the permissions of the login,
      and in the last line the result. Passwords, codes and signatures are assumed to be correct. Nothing
      is changed, and no daemon needs to run. Exits with 0 if the login would be accepted, otherwise with 1.
      """
    case .replay:
      """
      FILE is an asciicast: a recording of this server or of asciinema; '-' is
      standard input. Space pauses, '.' then shows the next event, the right arrow skips ten seconds,
      'q' ends. If standard output is not a terminal, there are no pauses.
      """
    case .auditTail: "Shows one event per line, in local time; control characters in names are escaped."
    case .auditGrep:
      """
      Shows all events without options. Different options must all match. Exits with 1 if no
      event matches.
      """
    case .auditShow:
      """
      SESSION is the id of a session in the journal, or its beginning, or the number of a connection
      in the log, of which the last one is shown. The events begin with the connection.
      """
    case .auditVerify:
      """
      Verifies the hash chain through all files of the journal, and compares its end with the file
      that ends in .head. Exits with 1 after a line about the first fault. Someone who can write all of
      the files can forge a journal; a comparison with the events that exporters have sent reveals that.
      """
    case .auditStats, .auditLast, .auditLastb: nil
    case .reload:
      """
      PID is the process id of a bssh-supervisor that root has started. Sends SIGHUP and waits for the reply.
      Exits with 0 if the new configuration is applied, and with 78 after a line for each error if the
      previous one is kept.
      """
    case .version: nil
    case .saveBans: "For bssh-supervisor, which passes the bans as descriptor 4."
    case .openJournal: "For bssh-supervisor, which receives the directory of the journal over descriptor 3."
    case .load: "For bssh-supervisor, which reads the result from the socket on descriptor 3."
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
