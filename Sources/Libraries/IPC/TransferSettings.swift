import Filter
import Wire

/// What a login may do with files by one protocol, SFTP or SCP: what the session hands to `bssh-transfer`.
public struct TransferSettings: WireCodable, Equatable {
  /// Bytes that these settings have on the wire at most: as many rules as there may be, and generous with each.
  public static let longest = 4 << 20

  /// The directory that is the client's `/`, absolute; empty: the machine's.
  public var root: String
  /// True: nothing can be changed.
  public var readOnly: Bool
  /// Permissions that new files do not get; nil for those of the session.
  public var umask: UInt32?
  /// Bytes that no file may grow beyond; nil for no limit.
  public var maxFileSize: UInt64?
  /// Files and directories that the client may have open.
  public var maxHandles: UInt32
  /// The name of the login, as rules know it.
  public var user: String
  /// Groups that rules know the login by, beside those of the account.
  public var groups: [String]
  public var filter: TransferFilter
  /// The daemon runs as this login's user, and not as root: that directories are theirs is nothing to warn of.
  public var isDaemonsUser = false
  /// `audit.verbose_io`: every read and write is told, too.
  public var tellsReadsAndWrites = false

  public init(
    root: String, readOnly: Bool, umask: UInt32?, maxFileSize: UInt64?, maxHandles: UInt32, user: String,
    groups: [String] = [], filter: TransferFilter
  ) {
    self.root = root
    self.readOnly = readOnly
    self.umask = umask
    self.maxFileSize = maxFileSize
    self.maxHandles = maxHandles
    self.user = user
    self.groups = groups
    self.filter = filter
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(root)
    writer.boolean(readOnly)
    writer.optional(umask) { $0.uint32($1) }
    writer.optional(maxFileSize) { $0.uint64($1) }
    writer.uint32(maxHandles)
    writer.text(user)
    writer.list(groups) { $0.text($1) }
    filter.encode(to: &writer)
    writer.boolean(isDaemonsUser)
    writer.boolean(tellsReadsAndWrites)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    root = try reader.text(limit: 4096)
    readOnly = try reader.boolean()
    umask = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint32() }
    maxFileSize = try reader.optional { (r: inout WireReader) throws(WireError) in try r.uint64() }
    maxHandles = try reader.uint32()
    user = try reader.text(limit: 4096)
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
    filter = try TransferFilter(from: &reader)
    isDaemonsUser = try reader.boolean()
    tellsReadsAndWrites = try reader.boolean()
  }
}
