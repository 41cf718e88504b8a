import Model
import Wire

/// The result of loading the configuration: the one message from bssh-server to bssh-supervisor on descriptor 3, at the
/// start and for each reload.
public enum LoaderResult: WireMessage, Equatable {
  /// With descriptors, in this order: sealed memory with the settings, sealed memory with each host key, the listening
  /// sockets passed by systemd, sealed memory with a ``BanList``, the directory of the journal, and those of
  /// recordings.
  case loaded(LoadedConfiguration)
  /// The errors, one line each: `file:line:column: key: reason`.
  case rejected([String])

  public static let blanks: [Self] = [.loaded(.blank), .rejected([])]

  public var wireKind: Int {
    switch self {
    case .loaded: 1
    case .rejected: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .loaded(let configuration): self = try .loaded(coder.value(configuration))
    case .rejected(let problems): self = try .rejected(coder.list(problems, max: listSize, length: 8192))
    }
  }
}

/// What accompanies loaded settings.
public struct LoadedConfiguration: WireFields, Equatable {
  /// Warnings, one line each.
  public var warnings: [String]
  /// The number of descriptors with host keys, at most 16.
  public var hostKeyCount: UInt32
  /// The number of descriptors of listening sockets, at most 16; they replace `server.bind_address`.
  public var listenerCount: UInt32
  /// True if bans from before a restart are included; never for a reload.
  public var hasBans: Bool
  /// nil: no journal is configured.
  public var journal: OpenedDirectory?
  /// At most ``OpenedDirectory/most``.
  public var recordings: [OpenedDirectory] = []
  /// nil: not started as root, so all processes run as the user that started the daemon.
  public var serviceAccounts: ServiceAccounts?

  public init(
    warnings: [String], hostKeyCount: UInt32, listenerCount: UInt32, hasBans: Bool = false,
    serviceAccounts: ServiceAccounts?
  ) {
    self.warnings = warnings
    self.hostKeyCount = hostKeyCount
    self.listenerCount = listenerCount
    self.hasBans = hasBans
    self.serviceAccounts = serviceAccounts
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    warnings = try coder.list(value?.warnings, max: listSize, length: 8192)
    hostKeyCount = try coder.number(value?.hostKeyCount, in: 0...16)
    listenerCount = try coder.number(value?.listenerCount, in: 0...16)
    hasBans = try coder.flag(value?.hasBans)
    journal = try coder.value(value?.journal)
    recordings = try coder.list(value?.recordings, max: OpenedDirectory.countLimit)
    serviceAccounts = try coder.value(value?.serviceAccounts)
  }
}

/// The system accounts of the processes that do not run as a user. The loader looks them up, because it may block.
public struct ServiceAccounts: WireFields, Equatable {
  /// The account `bssh-transport`.
  public var transport: ServiceAccount
  /// The account `bssh-authority`.
  public var authority: ServiceAccount
  /// The account `bssh-audit`.
  public var audit: ServiceAccount
  /// The group `utmp`, which owns the files of login records; nil: there is no such group.
  public var loginRecords: UInt32?

  public init(transport: ServiceAccount, authority: ServiceAccount, audit: ServiceAccount) {
    self.transport = transport
    self.authority = authority
    self.audit = audit
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    transport = try coder.value(value?.transport)
    authority = try coder.value(value?.authority)
    audit = try coder.value(value?.audit)
    loginRecords = try coder.number(value?.loginRecords, in: .accounts)
  }
}

/// A system account without supplementary groups; never root.
public struct ServiceAccount: WireFields, Equatable {
  /// The user id; not 0.
  public var uid: UInt32
  /// The group id; not 0.
  public var gid: UInt32

  public init(uid: UInt32, gid: UInt32) {
    self.uid = uid
    self.gid = gid
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    uid = try coder.number(value?.uid, in: .unprivilegedAccounts)
    gid = try coder.number(value?.gid, in: .unprivilegedAccounts)
  }
}

/// The reply of `bssh-server open-journal` to the supervisor.
public enum JournalOpening: WireMessage, Equatable {
  /// Opened; with the descriptor.
  case opened(OpenedDirectory)
  /// Not opened, with the reason.
  case failed(String)

  public static let blanks: [Self] = [.opened(.blank), .failed("")]

  public var wireKind: Int {
    switch self {
    case .opened: 1
    case .failed: 2
    }
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    switch try coder.message(value) {
    case .opened(let directory): self = try .opened(coder.value(directory))
    case .failed(let reason): self = try .failed(coder.text(reason, max: 8192))
    }
  }
}
