import Wire

/// What loading the configuration came to: the one message that bssh-server leaves for bssh-supervisor on
/// descriptor 3, at start and for each reload.
public enum LoaderResult: WireCodable, Equatable {
  /// With descriptors, in this order: sealed memory that holds the settings, one file of sealed memory for each host
  /// key, the listening sockets that systemd gave, sealed memory with a ``BanList``, the directory of the journal, and
  /// those of recordings.
  case loaded(LoadedConfiguration)
  /// What is wrong, one line each, `file:line:column: key: reason`.
  case rejected([String])

  public func encode(to writer: inout WireWriter) {
    switch self {
    case .loaded(let configuration):
      writer.byte(1)
      configuration.encode(to: &writer)
    case .rejected(let problems):
      writer.byte(2)
      writer.list(problems) { $0.text($1) }
    }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    switch try reader.byte() {
    case 1: self = .loaded(try LoadedConfiguration(from: &reader))
    case 2:
      self = .rejected(
        try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 8192) })
    default: throw .malformed
    }
  }
}

/// What comes with settings that were loaded.
public struct LoadedConfiguration: WireCodable, Equatable {
  /// What a person should know, one line each.
  public var warnings: [String]
  /// Descriptors that are host keys, at most 16.
  public var hostKeyCount: UInt32
  /// Descriptors that are listening sockets, at most 16; they win over `server.bind_address`.
  public var listenerCount: UInt32
  /// True when bans of the time before a restart come with it; never with a reload.
  public var hasBans: Bool
  /// nil: there is to be no journal.
  public var journal: OpenedDirectory?
  /// At most ``OpenedDirectory/most``.
  public var recordings: [OpenedDirectory] = []
  /// nil: not started as root, so all processes run as who started them.
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

  public func encode(to writer: inout WireWriter) {
    writer.list(warnings) { $0.text($1) }
    writer.uint32(hostKeyCount)
    writer.uint32(listenerCount)
    writer.boolean(hasBans)
    writer.optional(journal) { $1.encode(to: &$0) }
    writer.list(recordings) { $1.encode(to: &$0) }
    writer.optional(serviceAccounts) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    warnings = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 8192) }
    hostKeyCount = try reader.uint32()
    listenerCount = try reader.uint32()
    guard hostKeyCount <= 16, listenerCount <= 16 else { throw .malformed }
    hasBans = try reader.boolean()
    journal = try reader.optional { (r: inout WireReader) throws(WireError) in try OpenedDirectory(from: &r) }
    recordings = try reader.list(minimumSize: 20) { (r: inout WireReader) throws(WireError) in
      try OpenedDirectory(from: &r)
    }
    guard recordings.count <= OpenedDirectory.most else { throw .tooLong }
    serviceAccounts = try reader.optional { (r: inout WireReader) throws(WireError) in try ServiceAccounts(from: &r) }
  }
}

/// The system accounts of the processes that are not a user's. Looked up by the loader, which may block.
public struct ServiceAccounts: WireCodable, Equatable {
  /// The account `bssh-transport`.
  public var transport: ServiceAccount
  /// The account `bssh-authority`.
  public var authority: ServiceAccount
  /// The account `bssh-audit`.
  public var audit: ServiceAccount
  /// The group `utmp`, to which the files of login records belong; nil: the system has none.
  public var loginRecords: UInt32?

  public init(transport: ServiceAccount, authority: ServiceAccount, audit: ServiceAccount) {
    self.transport = transport
    self.authority = authority
    self.audit = audit
  }

  public func encode(to writer: inout WireWriter) {
    transport.encode(to: &writer)
    authority.encode(to: &writer)
    audit.encode(to: &writer)
    writer.optional(loginRecords) { $0.uint32($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    transport = try ServiceAccount(from: &reader)
    authority = try ServiceAccount(from: &reader)
    audit = try ServiceAccount(from: &reader)
    loginRecords = try reader.optional { (r: inout WireReader) throws(WireError) in try r.accountNumber() }
  }
}

/// A system account without supplementary groups; never root.
public struct ServiceAccount: WireCodable, Equatable {
  public var uid: UInt32
  public var gid: UInt32

  public init(uid: UInt32, gid: UInt32) {
    self.uid = uid
    self.gid = gid
  }

  public func encode(to writer: inout WireWriter) {
    writer.uint32(uid)
    writer.uint32(gid)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    uid = try reader.accountNumber()
    gid = try reader.accountNumber()
    guard uid != 0, gid != 0 else { throw .malformed }
  }
}
