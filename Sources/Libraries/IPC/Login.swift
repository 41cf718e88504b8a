import Model
import Wire

/// A login: its account, its addresses and its permissions.
public struct Login: WireFields, Equatable {
  /// Limit on the wire in bytes: transfer settings twice, and everything else.
  public static let sizeLimit = 2 * TransferSettings.sizeLimit + (1 << 20)

  /// The account that the session process becomes.
  public var account: Account
  /// The client's address without brackets.
  public var clientAddress: String
  /// The client's TCP port.
  public var clientPort: UInt16
  /// The address that the client connected to, without brackets.
  public var serverAddress: String
  /// The TCP port that the client connected to.
  public var serverPort: UInt16
  /// The variables of `shell.env`.
  public var environment: [EnvironmentVariable]
  /// The patterns of `shell.accept_env`.
  public var acceptEnvironment: [String]
  /// `shell.enabled`: shells and commands are allowed.
  public var mayExecute: Bool
  /// `shell.pty`: terminals are allowed.
  public var mayHaveTerminal: Bool
  /// `shell.umask`.
  public var umask: UInt32
  /// `shell.motd`; empty: none.
  public var motd: String
  /// `shell.max_processes`; 0: only the daemon's own limit.
  public var maxProcesses: UInt32 = 0
  /// `shell.command_timeout`, in seconds; 0: none.
  public var commandTimeout: UInt32 = 0
  /// `shell.allowed_commands`, `shell.blocked_commands`, `shell.forced_command`.
  public var commands = CommandRules()
  /// The protocols that are refused because the account's shell is nologin(8) or false(1).
  public var closedByShell: ClosedProtocols = []
  /// The rights of SFTP; nil: SFTP is refused.
  public var sftp: TransferSettings?
  /// The rights of SCP; nil: SCP is refused.
  public var scp: TransferSettings?
  /// The permissions of the credentials. A login may do what both these and the settings above allow.
  public var permissions: KeyPermissions
  /// What the login may forward, by the settings and the credentials.
  public var forwarding = ForwardingRights.none
  /// A program on a terminal is started after ``SupervisorToSession/terminalEntered``, because of login records.
  public var keepsRecords = false
  /// Programs are started after ``SupervisorToSession/scopeEntered``, because the process is moved to its own scope.
  public var awaitsScope = false

  public init(
    account: Account, clientAddress: String, clientPort: UInt16, serverAddress: String, serverPort: UInt16,
    environment: [EnvironmentVariable], acceptEnvironment: [String], mayExecute: Bool, mayHaveTerminal: Bool,
    umask: UInt32, motd: String, sftp: TransferSettings?, scp: TransferSettings?,
    permissions: KeyPermissions = .everything
  ) {
    self.account = account
    self.clientAddress = clientAddress
    self.clientPort = clientPort
    self.serverAddress = serverAddress
    self.serverPort = serverPort
    self.environment = environment
    self.acceptEnvironment = acceptEnvironment
    self.mayExecute = mayExecute
    self.mayHaveTerminal = mayHaveTerminal
    self.umask = umask
    self.motd = motd
    self.sftp = sftp
    self.scp = scp
    self.permissions = permissions
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    account = try coder.value(value?.account)
    clientAddress = try coder.text(value?.clientAddress, max: 64)
    clientPort = try coder.number(value?.clientPort)
    serverAddress = try coder.text(value?.serverAddress, max: 64)
    serverPort = try coder.number(value?.serverPort)
    environment = try coder.list(value?.environment, max: listSize)
    acceptEnvironment = try coder.list(value?.acceptEnvironment, max: listSize, length: 1024)
    mayExecute = try coder.flag(value?.mayExecute)
    mayHaveTerminal = try coder.flag(value?.mayHaveTerminal)
    umask = try coder.number(value?.umask)
    motd = try coder.text(value?.motd, max: 4096)
    maxProcesses = try coder.number(value?.maxProcesses)
    commandTimeout = try coder.number(value?.commandTimeout)
    commands = try coder.value(value?.commands)
    closedByShell = ClosedProtocols(rawValue: try coder.number(value?.closedByShell.rawValue))
    sftp = try coder.value(value?.sftp)
    scp = try coder.value(value?.scp)
    permissions = try coder.value(value?.permissions)
    forwarding = try coder.value(value?.forwarding)
    keepsRecords = try coder.flag(value?.keepsRecords)
    awaitsScope = try coder.flag(value?.awaitsScope)
  }
}
