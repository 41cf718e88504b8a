import IPC

extension SessionChannel {
  /// What the login allows.
  struct Permissions: Equatable {
    /// Shells and commands.
    let mayExecute: Bool
    let mayHaveTerminal: Bool
    /// SFTP.
    let mayTransfer: Bool
    /// SCP, for which no shell is started.
    let mayCopy: Bool
    /// What it may not since its account's shell is nologin or false.
    var closedByShell: ClosedProtocols = []
    let environment: EnvironmentFilter
    /// What the configuration says about commands.
    var rules = CommandRules()
    /// The forced command of the key or certificate that logged in.
    var keyCommand: [UInt8]?
    /// The path of the login's shell.
    var shell = "/bin/sh"
  }
}

extension SessionChannel.Permissions {
  /// Those of a login: what both the configuration and its key allow.
  init(_ login: Login) {
    self.init(
      mayExecute: login.mayExecute, mayHaveTerminal: login.mayHaveTerminal && login.permissions.terminal,
      mayTransfer: login.sftp != nil, mayCopy: login.scp != nil, closedByShell: login.closedByShell,
      environment: EnvironmentFilter(
        patterns: login.acceptEnvironment, isRestricted: login.commands.isRestricting || login.hasKeyCommand),
      rules: login.commands, keyCommand: login.permissions.forcedCommand, shell: login.shell)
  }
}

extension SessionChannel.Permissions {
  /// What runs for a request of the client.
  ///
  /// A forced command takes the place of shells, commands and subsystems alike, and the configuration's that of a
  /// key's: sshd_config(5), ForceCommand. A key's is a line of a file that users often write themselves, so it runs
  /// only if the configuration would have let them run it. A call of scp's server never comes to a shell: it is ours,
  /// or nobody's.
  func program(for wanted: Wanted, onTerminal: Bool) throws(Denial) -> Program {
    // A subsystem that is not there is refused whatever is forced.
    if wanted == .sftp, !mayTransfer { throw closedByShell.contains(.sftp) ? .closed : .noSFTP }
    if let forced = rules.forced { return try force(Array(forced.utf8), instead: wanted, onTerminal: onTerminal) }
    if let keyCommand {
      try check(keyCommand)
      return try force(keyCommand, instead: wanted, onTerminal: onTerminal)
    }
    switch wanted {
    case .shell:
      guard mayExecute else { throw .noCommands }
      if let refusal = rules.refusal(ofShell: shell) { throw refusal }
      return .shell
    case .command(let line):
      if SCPCommand.parse(line) != nil { return try copy(line, onTerminal: onTerminal) }
      guard mayExecute else { throw .noCommands }
      try check(line)
      return .command(line)
    case .sftp:
      if onTerminal { throw .onTerminal }
      try check(CommandRules.sftp)
      return .sftp
    }
  }

  /// True when the client may send signals to what runs: not to what works on the server's behalf and tells what it
  /// did, nor to what the configuration or the key chose.
  func maySignal(_ program: Program) -> Bool {
    switch program {
    case .shell, .command: !rules.isRestricting
    case .sftp, .scp, .forced, .forcedSFTP: false
    }
  }

  private func force(_ line: [UInt8], instead wanted: Wanted, onTerminal: Bool) throws(Denial) -> Program {
    if let words = Self.words(ofSFTP: line) {
      guard wanted == .sftp else { throw .notSFTP }
      if onTerminal { throw .onTerminal }
      return .forcedSFTP(words)
    }
    if SCPCommand.parse(line) != nil {
      try checkCopy()
      if onTerminal { throw .onTerminal }
      return .scp(line)
    }
    guard mayExecute else { throw .noCommands }
    return .forced(ForcedCommand(line: line, wanted: wanted))
  }

  private func copy(_ line: [UInt8], onTerminal: Bool) throws(Denial) -> Program {
    try checkCopy()
    if onTerminal { throw .onTerminal }
    try check(line)
    return .scp(line)
  }

  private func checkCopy() throws(Denial) {
    if !mayCopy { throw closedByShell.contains(.scp) ? .closed : .noSCP }
  }

  private func check(_ line: [UInt8]) throws(Denial) {
    if let refusal = rules.refusal(of: line) { throw refusal }
  }

  /// The words behind `internal-sftp`, which are options of sftp-server(8); nil for any other command.
  private static func words(ofSFTP line: [UInt8]) -> [[UInt8]]? {
    guard CommandRules.isSFTP(line), let words = ShellWord.split(line) else { return nil }
    return words.dropFirst().map(\.bytes)
  }
}
