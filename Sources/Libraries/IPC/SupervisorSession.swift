import Audit
import Model
import Wire

/// Messages from the supervisor to a session process, on its descriptor 3. After `login` only `terminalEntered`,
/// `mayStart` and `scopeEntered` are allowed. Closing the socket does not end a login.
public enum SupervisorToSession: WireMessage, Equatable {
  /// At most once, before `login`: fetch these authorized_keys files, at most 12, write their contents one after the
  /// other into the memory that is the descriptor of this message, which has ``KeyFile/totalLimit`` bytes, and reply
  /// with `keys`. Then the process waits: `login` makes it the session of this user, and closing the socket ends it.
  /// `home` is the home directory of the account.
  case lookUp(paths: [String], home: String)
  /// Start a login; with the socket to its transport.
  case login(Login)
  /// Start a login that exceeds the limit of a message; with the socket to its transport, and sealed memory with an
  /// encoded ``Login`` of at most ``Login/sizeLimit`` bytes.
  case longLogin
  /// The only message to a process that stays root: look up a system account, reply with
  /// ``SessionToSupervisor/account(_:)``, and exit.
  case checkAccount(AccountCheckRequest)
  /// A terminal that it reported is in the login records: start the program.
  case terminalEntered
  /// The reply to ``SessionToSupervisor/starts(number:_:)``: the event is in the journal, or none is required: start
  /// the program. If not `allowed`, the event cannot be written, and the program must not be started.
  case mayStart(number: UInt64, allowed: Bool)
  /// The process is in its own scope, or will not be moved: start programs.
  case scopeEntered

  public static let blanks: [Self] = [
    .lookUp(paths: [], home: ""), .login(.blank), .longLogin, .checkAccount(.blank), .terminalEntered,
    .mayStart(number: 0, allowed: false), .scopeEntered,
  ]

  public var wireKind: Int {
    switch self {
    case .lookUp: 1
    case .login: 2
    case .longLogin: 3
    case .checkAccount: 4
    case .terminalEntered: 5
    case .mayStart: 6
    case .scopeEntered: 7
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .lookUp(let paths, let home):
      self = try .lookUp(paths: coder.list(paths, max: listSize, length: 4096), home: coder.text(home, max: 4096))
    case .login(let login): self = try .login(coder.value(login))
    case .longLogin: self = .longLogin
    case .checkAccount(let question): self = try .checkAccount(coder.value(question))
    case .terminalEntered: self = .terminalEntered
    case .mayStart(let number, let allowed):
      self = try .mayStart(number: coder.number(number), allowed: coder.flag(allowed))
    case .scopeEntered: self = .scopeEntered
    }
  }
}

/// Messages from a session process to the supervisor.
public enum SessionToSupervisor: WireMessage, Equatable {
  /// The fetched files, whose contents are in the memory one after the other.
  case keys([KeyFile])
  /// A line for the log that is no event: `channel 0: shell started on /dev/pts/3`, at most 1024 bytes.
  case log(String)
  /// The reply to ``SupervisorToSession/checkAccount(_:)``.
  case account(AccountState)
  /// Events of the login.
  case records(AuditBatch)
  /// A program on a terminal is about to start or has ended.
  case terminal(TerminalUse)
  /// A program is about to start: a `command_started`. The session waits for
  /// ``SupervisorToSession/mayStart(number:allowed:)`` with the same number.
  case starts(number: UInt64, AuditRecord)

  public static let blanks: [Self] = [
    .keys([]), .log(""), .account(.blank), .records(.blank), .terminal(.ended(name: "")), .starts(number: 0, .blank),
  ]

  public var wireKind: Int {
    switch self {
    case .keys: 1
    case .log: 2
    case .account: 3
    case .records: 4
    case .terminal: 5
    case .starts: 6
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .keys(let files): self = try .keys(coder.list(files, max: listSize))
    case .log(let text): self = try .log(coder.text(text, max: 1024))
    case .account(let state): self = try .account(coder.value(state))
    case .records(let batch): self = try .records(coder.value(batch))
    case .terminal(let use): self = try .terminal(coder.value(use))
    case .starts(let number, let record): self = try .starts(number: coder.number(number), coder.value(record))
    }
  }
}

/// The use of a terminal of a login.
public enum TerminalUse: WireMessage, Equatable {
  /// A program is about to start on it. `name`: `/dev/pts/3`; `process`: the session process.
  case began(channel: UInt32, name: String, process: Int32)
  /// The program has ended or the terminal is hung up, whichever is first.
  case ended(name: String)

  public static let blanks: [Self] = [.began(channel: 0, name: "", process: 0), .ended(name: "")]

  public var wireKind: Int {
    switch self {
    case .began: 1
    case .ended: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .began(let channel, let name, let process):
      self = try .began(channel: coder.number(channel), name: coder.text(name, max: 64), process: coder.number(process))
    case .ended(let name): self = try .ended(name: coder.text(name, max: 64))
    }
  }
}

/// A question of the supervisor about a system account, to a process that no other process talks to.
public struct AccountCheckRequest: WireFields, Equatable {
  /// The name of the account.
  public var name: String
  /// The group patterns of the configuration.
  public var groupPatterns: [String]
  /// Shells of the configuration that may replace the account's, at most 512.
  public var shells: [String]

  public init(name: String, groupPatterns: [String] = [], shells: [String] = []) {
    self.name = name
    self.groupPatterns = groupPatterns
    self.shells = shells
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    name = try coder.text(value?.name, max: 256)
    groupPatterns = try coder.list(value?.groupPatterns, max: listSize, length: 256)
    shells = try coder.list(value?.shells, max: 512, length: 4096)
  }
}

/// What the name service, shadow(5) and nologin(5) say about a system account, without secrets.
public struct AccountState: WireFields, Equatable {
  /// What shadow(5) says.
  public var status: AccountStatus
  /// The account by its own name; nil: there is none, or none that can log in.
  public var account: Account?
  /// The patterns of ``AccountCheckRequest/groupPatterns`` that match a group of the account.
  public var groups: [String]
  /// The kinds of ``AccountCheckRequest/shells``, in their order. That of the account's own shell is in ``account``.
  public var shellKinds: [ShellKind]
  /// nologin(5) exists.
  public var isClosed: Bool

  public init(
    status: AccountStatus = AccountStatus(), account: Account? = nil, groups: [String] = [],
    shellKinds: [ShellKind] = [], isClosed: Bool = false
  ) {
    self.status = status
    self.account = account
    self.groups = groups
    self.shellKinds = shellKinds
    self.isClosed = isClosed
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    status = try coder.value(value?.status)
    account = try coder.value(value?.account)
    groups = try coder.list(value?.groups, max: listSize, length: 256)
    shellKinds = try coder.list(choices: value?.shellKinds, max: 512)
    isClosed = try coder.flag(value?.isClosed)
  }
}
