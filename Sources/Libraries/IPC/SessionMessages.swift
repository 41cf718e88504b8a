import Audit
import Wire

/// What the supervisor tells a session process over its descriptor 3. After `login` nothing but `terminalEntered`,
/// `mayStart` and `scopeEntered`; a closed socket does not end a login.
public enum SupervisorToSession: WireCodable, Equatable {
  /// Look-up mode, at most once and before `login`: read these authorized_keys files, at most 12, write them one after the
  /// other into the memory that comes as descriptor, which has ``KeyFile/totalLimit`` bytes, and answer with `keys`. Then
  /// the process waits: `login` makes it this user's session, and closing the socket ends it. `home` is the account's home.
  case lookUp(paths: [String], home: String)
  /// A login; with the socket to its transport.
  case login(Login)
  /// A login that is longer than a message may be; with the socket to its transport, and with the wire bytes of a
  /// ``Login``, at most ``Login/longest``, in sealed memory.
  case longLogin
  /// First and last message to a process that stays root: say what the system knows about an account, with
  /// ``SessionToSupervisor/account(_:)``, and end.
  case checkAccount(AccountQuestion)
  /// A terminal that it told of is in the login records: the program can start.
  case terminalEntered
  /// The answer to ``SessionToSupervisor/starts(number:_:)``: the event is in the journal, or there is to be none, and the
  /// program can start; or, if it is not `allowed`, it cannot be recorded and must not start.
  case mayStart(number: UInt64, allowed: Bool)
  /// The process is in a scope of its own, or will not be: programs can start.
  case scopeEntered

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .lookUp(let paths, let home):
      writer.byte(1)
      writer.list(paths) { $0.text($1) }
      writer.text(home)
    case .login(let login):
      writer.byte(2)
      login.encode(to: &writer)
    case .longLogin: writer.byte(3)
    case .checkAccount(let question):
      writer.byte(4)
      question.encode(to: &writer)
    case .terminalEntered: writer.byte(5)
    case .mayStart(let number, let allowed):
      writer.byte(6)
      writer.uint64(number)
      writer.boolean(allowed)
    case .scopeEntered: writer.byte(7)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .lookUp(
        paths: try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) },
        home: try reader.text(limit: 4096))
    case 2: self = .login(try Login(from: &reader))
    case 3: self = .longLogin
    case 4: self = .checkAccount(try AccountQuestion(from: &reader))
    case 5: self = .terminalEntered
    case 6: self = .mayStart(number: try reader.uint64(), allowed: try reader.boolean())
    case 7: self = .scopeEntered
    default: throw .malformed
    }
  }
}

/// What a session process tells the supervisor.
public enum SessionToSupervisor: WireCodable, Equatable {
  /// What look-up found: the files that are in the memory now, one after the other.
  case keys([KeyFile])
  /// A line for the log that is no event: `channel 0: shell started on /dev/pts/3`, at most 1,024 bytes.
  case note(String)
  /// What the system knows about the account.
  case account(AccountState)
  /// What happened in the login.
  case facts(FactBatch)
  /// A program on a terminal has begun or ended.
  case terminal(TerminalUse)
  /// A program is about to start: a `command_started`. It waits for ``SupervisorToSession/mayStart(number:allowed:)`` with the
  /// same number.
  case starts(number: UInt64, Fact)

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .keys(let files):
      writer.byte(1)
      writer.list(files) { $1.encode(to: &$0) }
    case .note(let text):
      writer.byte(2)
      writer.text(text)
    case .account(let state):
      writer.byte(3)
      state.encode(to: &writer)
    case .facts(let batch):
      writer.byte(4)
      batch.encode(to: &writer)
    case .terminal(let use):
      writer.byte(5)
      use.encode(to: &writer)
    case .starts(let number, let fact):
      writer.byte(6)
      writer.uint64(number)
      fact.encode(to: &writer)
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1:
      self = .keys(
        try reader.list(minimumSize: 9) { (r: inout WireReader) throws(WireError) in try KeyFile(from: &r) })
    case 2: self = .note(try reader.text(limit: 1024))
    case 3: self = .account(try AccountState(from: &reader))
    case 4: self = .facts(try FactBatch(from: &reader))
    case 5: self = .terminal(try TerminalUse(from: &reader))
    case 6: self = .starts(number: try reader.uint64(), try Fact(from: &reader))
    default: throw .malformed
    }
  }
}

/// Protocols for files.
public struct ClosedProtocols: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let sftp = ClosedProtocols(rawValue: 1)
  public static let scp = ClosedProtocols(rawValue: 2)
}

/// A login: who it is, where they come from, and what they may do.
public struct Login: WireCodable, Equatable {
  /// Bytes on the wire at most: transfer settings twice, and everything else.
  public static let longest = 2 * TransferSettings.longest + (1 << 20)

  public var account: Account
  /// Addresses without brackets.
  public var clientAddress: String
  public var clientPort: UInt16
  public var serverAddress: String
  public var serverPort: UInt16
  /// Variables of `shell.env`.
  public var environment: [EnvironmentVariable]
  /// Globs of `shell.accept_env`.
  public var acceptEnvironment: [String]
  /// `shell.enabled`: shells and commands.
  public var mayExecute: Bool
  /// `shell.pty`.
  public var mayHaveTerminal: Bool
  public var umask: UInt32
  /// `shell.motd`; empty: none.
  public var motd: String
  /// `shell.max_processes`; 0: no limit but the daemon's.
  public var maxProcesses: UInt32 = 0
  /// `shell.command_timeout`, in seconds; 0: none.
  public var commandTimeout: UInt32 = 0
  /// `shell.allowed_commands`, `shell.blocked_commands`, `shell.forced_command`.
  public var commands = CommandRules()
  /// The protocols that are refused since the account's shell is nologin or false.
  public var closedByShell: ClosedProtocols = []
  /// What SFTP may do; nil: nothing.
  public var sftp: TransferSettings?
  /// What SCP may do; nil: nothing.
  public var scp: TransferSettings?
  /// What the credentials allow; a login may do what these and the settings above both allow.
  public var permissions: KeyPermissions
  /// Its terminals are in the login records before programs start on them: it waits for `terminalEntered`.
  public var keepsRecords = false
  /// It is about to be moved into a scope of its own: its programs wait for `scopeEntered`.
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

  public func encode(to writer: inout WireWriter) {
    account.encode(to: &writer)
    writer.text(clientAddress)
    writer.uint32(UInt32(clientPort))
    writer.text(serverAddress)
    writer.uint32(UInt32(serverPort))
    writer.list(environment) { $1.encode(to: &$0) }
    writer.list(acceptEnvironment) { $0.text($1) }
    writer.boolean(mayExecute)
    writer.boolean(mayHaveTerminal)
    writer.uint32(umask)
    writer.text(motd)
    writer.uint32(commandTimeout)
    commands.encode(to: &writer)
    writer.optional(sftp) { $1.encode(to: &$0) }
    writer.optional(scp) { $1.encode(to: &$0) }
    permissions.encode(to: &writer)
    writer.boolean(keepsRecords)
    writer.boolean(awaitsScope)
    writer.byte(closedByShell.rawValue)
    writer.uint32(maxProcesses)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    account = try Account(from: &reader)
    clientAddress = try reader.text(limit: 64)
    clientPort = try Login.port(from: &reader)
    serverAddress = try reader.text(limit: 64)
    serverPort = try Login.port(from: &reader)
    environment = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      try EnvironmentVariable(from: &r)
    }
    acceptEnvironment = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      try r.text(limit: 1024)
    }
    mayExecute = try reader.boolean()
    mayHaveTerminal = try reader.boolean()
    umask = try reader.uint32()
    motd = try reader.text(limit: 4096)
    commandTimeout = try reader.uint32()
    commands = try CommandRules(from: &reader)
    sftp = try reader.optional { (r: inout WireReader) throws(WireError) in try TransferSettings(from: &r) }
    scp = try reader.optional { (r: inout WireReader) throws(WireError) in try TransferSettings(from: &r) }
    permissions = try KeyPermissions(from: &reader)
    keepsRecords = try reader.boolean()
    awaitsScope = try reader.boolean()
    closedByShell = ClosedProtocols(rawValue: try reader.byte())
    maxProcesses = try reader.uint32()
  }

  private static func port(from reader: inout WireReader) throws(WireError) -> UInt16 {
    guard let port = UInt16(exactly: try reader.uint32()) else { throw .malformed }
    return port
  }
}
