import Authentication
import IPC
import Model

extension Settings {
  /// Maximum number of simultaneous logins of a user. These must be the settings of the login: ``effective(for:)``.
  public func sessionLimit(of user: String) -> Int {
    auth.users.first { $0.name.hasSameBytes(as: user) }?.maxSessions ?? security.maxSessionsPerUser
  }
}

extension Login {
  /// A login with the permissions of these settings, which must be its own (``Settings/effective(for:)``), and those of
  /// its credentials.
  ///
  /// - Parameter blocks: the `match` blocks that apply to the login.
  public init(
    _ settings: Settings, _ rights: TransferRights, account: Account, permissions: KeyPermissions, blocks: [Int],
    client: (address: String, port: UInt16), server: (address: String, port: UInt16)
  ) {
    let shell = settings.shell
    self.init(
      account: account, clientAddress: client.address, clientPort: client.port, serverAddress: server.address,
      serverPort: server.port,
      environment: shell.environment,
      acceptEnvironment: shell.acceptEnvironment, mayExecute: shell.enabled && !rights.isOnlyTransfer,
      mayHaveTerminal: shell.pty && !rights.isOnlyTransfer, umask: shell.umask, motd: shell.motd ?? "",
      sftp: rights.sftp, scp: rights.scp, permissions: permissions)
    closedByShell = rights.closedByShell
    maxProcesses = UInt32(clamping: shell.maxProcesses)
    commandTimeout = UInt32(clamping: shell.commandTimeout)
    commands = CommandRules(
      allowed: shell.allowedCommands, blocked: shell.blockedCommands, forced: shell.forcedCommand)
    forwarding = ForwardingRights(settings, rights, account: account, permissions: permissions, blocks: blocks)
  }
}
