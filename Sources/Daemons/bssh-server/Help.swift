/// The texts of `--help`.
enum Help {
  /// All commands.
  static let overall = """
    usage: bssh-server [command] [options]

    An SSH server. Commands:

    \(commands)

    'bssh-server help COMMAND' tells the options of a command; bssh-server(8) is the manual.

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

    Reads the journal of what happened. Actions:

    \(list(Command.allCases.filter { $0.rawValue.hasPrefix(group + " ") }))

    'bssh-server \(group) ACTION --help' tells the options of an action.

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
      Without -D it goes into the background once it listens. SIGTERM ends it, SIGHUP reads the
      configuration again. Exit codes are those of sysexits(3): 78 for a configuration that does not load.
      """
    case .checkConfig:
      """
      Exits with 0, or with 78 after a line for each problem. Password hashes and secrets are not printed.
      """
    case .genConfig: "Without -o it is printed."
    case .genHostKey:
      """
      The key goes to FILE, its public half to FILE.pub, both in OpenSSH's format; prints the fingerprint.
      """
    case .hashPassword:
      """
      Asks for the password twice, without showing it, or reads one line when standard input is no
      terminal. Prints an Argon2id hash for the password_hash of a user.
      """
    case .totpSetup:
      """
      Prints what goes into the configuration, and the otpauth address for the user's authenticator, as
      text and as a QR code. Nothing is stored: each call makes another secret.
      """
    case .explain:
      """
      Says what each rule has to say, with where it is written, what the login may do, and in the last
      line what comes of it. Passwords, codes and signatures are taken to be right. Nothing is changed,
      and no daemon needs to run. Exits with 0 when the login would be let in, and with 1 when not.
      """
    case .replay:
      """
      FILE is an asciicast: a recording of this server's, or one that asciinema has made; '-' is
      standard input. Space pauses, '.' shows the next event then, the right arrow skips ten seconds,
      'q' ends. When standard output is no terminal, nothing is waited for.
      """
    case .auditTail: "Events are shown in local time, one in a line; control characters in names are escaped."
    case .auditGrep:
      """
      All events when nothing is asked for. Of different options, all have to fit. Exits with 1 when no
      event fits.
      """
    case .auditShow:
      """
      SESSION is the id of a session as in the journal, or how it begins, or the number of a connection
      as in the log, of which the last is meant. Its story begins with the connection.
      """
    case .auditVerify:
      """
      Follows the chain of hashes through all files of the journal, and compares its end with what the
      journal says of itself. Exits with 1 after a line that names the first that is wrong. Whoever can
      write all of the files can make up another journal: what exporters sent away shows that.
      """
    case .auditStats, .auditLast, .auditLastb: nil
    case .reload:
      """
      PID is that of a bssh-supervisor that root has started. It gets SIGHUP; then its answer is waited for.
      Exits with 0 when the new configuration applies, and with 78 after a line for each problem when the
      one before still does.
      """
    case .version: nil
    case .saveBans: "For bssh-supervisor, which gives the bans as descriptor 4."
    case .openJournal: "For bssh-supervisor, which gets the journal's directory over descriptor 3."
    case .load: "For bssh-supervisor, which reads the answer from the socket on descriptor 3."
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
