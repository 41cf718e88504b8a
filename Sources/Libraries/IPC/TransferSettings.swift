import Filter
import Wire

/// What a login may do with files by one protocol, SFTP or SCP: what the session hands to `bssh-transfer`.
public struct TransferSettings: WireFields, Equatable {
  /// Limit on the wire in bytes: the largest number of rules, with ample space for each.
  public static let sizeLimit = 4 << 20

  /// The directory that is the client's `/`, absolute; empty: that of the system.
  public var root: String
  /// True: nothing can be changed.
  public var readOnly: Bool
  /// The umask; nil: that of the session.
  public var umask: UInt32?
  /// Limit of the size of a file in bytes; nil: none.
  public var maxFileSize: UInt64?
  /// Limit of open files and directories.
  public var maxHandles: UInt32
  /// The user name that rules refer to.
  public var user: String
  /// Groups that rules refer to, in addition to those of the account.
  public var groups: [String]
  /// The rules for files.
  public var filter: TransferFilter
  /// The daemon runs as the user of this login and not as root: no warning if directories are owned by that user.
  public var isDaemonsUser = false
  /// `audit.verbose_io`: every read and write is reported.
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

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    root = try coder.text(value?.root, max: 4096)
    readOnly = try coder.flag(value?.readOnly)
    umask = try coder.number(value?.umask)
    maxFileSize = try coder.number(value?.maxFileSize)
    maxHandles = try coder.number(value?.maxHandles)
    user = try coder.text(value?.user, max: 4096)
    groups = try coder.list(value?.groups, max: listSize, length: 256)
    filter = try coder.value(value?.filter)
    isDaemonsUser = try coder.flag(value?.isDaemonsUser)
    tellsReadsAndWrites = try coder.flag(value?.tellsReadsAndWrites)
  }
}
