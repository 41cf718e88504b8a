import IPC
import Model

extension SessionChannel {
  /// What a login may do.
  struct Permissions: Equatable {
    /// May run shells and commands.
    let mayExecute: Bool
    let mayHaveTerminal: Bool
    /// May use SFTP.
    let mayTransfer: Bool
    /// May use SCP, for which no shell is started.
    let mayCopy: Bool
    /// What is denied because the account's shell is nologin or false.
    var closedByShell: ClosedProtocols = []
    let environment: EnvironmentFilter
    /// The configuration's rules for commands.
    var rules = CommandRules()
    /// The forced command of the login's key or certificate.
    var keyCommand: [UInt8]?
    /// The path of the login's shell.
    var shell = "/bin/sh"
  }
}

extension SessionChannel.Permissions {
  /// The permissions of a login: what both the configuration and its key allow.
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
  /// The program that runs for a client's request.
  ///
  /// A forced command replaces shells, commands and subsystems alike, and the configuration's takes precedence over a
  /// key's: sshd_config(5), ForceCommand. A key's is often written by the user, so it runs only if the configuration
  /// would let the user run it. A command that calls scp's server never gets to a shell: our own server runs, or
  /// nothing.
  ///
  /// - Throws: `Denial` with the reason why nothing may run.
  func program(for wanted: RequestedProgram, onTerminal: Bool) throws(Denial) -> Program {
    // SFTP that the login does not have is denied, whatever is forced.
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

  /// True when the client may send signals to the program: not to one that works for the server and audits what it
  /// does, and not to one that the configuration or the key chose.
  func maySignal(_ program: Program) -> Bool {
    switch program {
    case .shell, .command: !rules.isRestricting
    case .sftp, .scp, .forced, .forcedSFTP: false
    }
  }

  private func force(_ line: [UInt8], instead wanted: RequestedProgram, onTerminal: Bool) throws(Denial) -> Program {
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

  /// The words after `internal-sftp`, which are options of sftp-server(8); nil for any other command.
  private static func words(ofSFTP line: [UInt8]) -> [[UInt8]]? {
    guard CommandRules.isSFTP(line), let words = ShellWord.split(line) else { return nil }
    return words.dropFirst().map(\.bytes)
  }
}
