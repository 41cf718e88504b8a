import Model

extension Settings {
  /// `shell:`: the programs that a login may start, and their environment.
  public struct Shell: Equatable, Sendable {
    /// The shell of accounts that have none.
    public var defaultShell = "/bin/sh"
    /// Environment variables of every session.
    public var environment: [EnvironmentVariable] = []
    /// Names or patterns (`*`, `?`) of environment variables that a client may set.
    public var acceptEnvironment = ["LANG", "LC_*", "COLORTERM", "TERM_PROGRAM*", "NO_COLOR"]
    /// False: shells and commands are refused.
    public var enabled = true
    /// False: terminals are refused.
    public var pty = true
    /// The umask of programs.
    public var umask: UInt32 = 0o022
    /// The path of a file that is shown on the terminal before an interactive shell; nil: none.
    public var motd: String?
    /// Maximum number of processes and threads of an account in all its logins; 0: the limit of the daemon. setrlimit(2),
    /// RLIMIT_NPROC
    public var maxProcesses = 4096
    /// Maximum duration of a command of an `exec` request, in seconds; 0: no limit.
    public var commandTimeout = 0
    /// ``CommandPattern``s of allowed commands; empty: all.
    public var allowedCommands: [String] = []
    /// ``CommandPattern``s of commands that are refused.
    public var blockedCommands: [String] = []
    /// Runs instead of every shell, command and subsystem; nil: what the client requests.
    public var forcedCommand: String?
  }
}

extension KeyTable {
  static let shell: [Key] = [
    Key(
      "shell.default", .path, \.settings.shell.defaultShell, alias: "BSSH_SHELL",
      "The shell of accounts that have none, for logins and commands."),
    Key(
      "shell.env", .variables, \.settings.shell.environment,
      "Environment variables of every session."),
    Key(
      "shell.accept_env",
      .list(.variablePattern, of: "a list of names of variables", mayBeEmpty: true),
      \.settings.shell.acceptEnvironment,
      "Environment variables that a client may set; * matches any characters, ? one."),
    Key(
      "shell.enabled", .boolean, \.settings.shell.enabled,
      "Whether shells and commands are allowed."),
    Key(
      "shell.pty", .boolean, \.settings.shell.pty,
      "Whether terminals are allowed."),
    Key(
      "shell.umask", .umask, \.settings.shell.umask,
      "The umask of sessions: permissions, in octal, that new files do not get."),
    Key(
      "shell.motd", ValueType<String>.path.optional, \.settings.shell.motd,
      "A file that is shown on the terminal before a login shell starts; null for none."),
    Key(
      "shell.max_processes", .integer(0...4_194_304), \.settings.shell.maxProcesses,
      "Maximum number of processes and threads of an account in all its logins (RLIMIT_NPROC); not for root.",
      "0: the limit with which the daemon was started."),
    Key(
      "shell.command_timeout", .duration(0...year, zero: "no limit", clamped: .long), \.settings.shell.commandTimeout,
      alias: "BSSH_COMMAND_TIMEOUT",
      "Time limit for a command that a client starts without a shell; 0 is no limit."),
    Key(
      "shell.allowed_commands", .list(.commandPattern, of: "a list of patterns for commands", mayBeEmpty: true),
      \.settings.shell.allowedCommands,
      "Command lines that are allowed; [] for all. * matches any plain bytes, ? one, and \\ quotes the next",
      "one. SFTP is the command internal-sftp. Shells are refused unless their path is an allowed command."),
    Key(
      "shell.blocked_commands", .list(.commandPattern, of: "a list of patterns for commands", mayBeEmpty: true),
      \.settings.shell.blockedCommands,
      "Command lines that are refused; * matches any bytes. No security boundary: there are other ways."),
    Key(
      "shell.forced_command", ValueType.command.optional, \.settings.shell.forcedCommand,
      "The command that runs instead of every shell, command and subsystem; internal-sftp for SFTP only;",
      "null for none."),
  ]
}
