import AccessControl
import Wire

/// A `publickey` request that an authority verifies, with everything that it needs for that.
public struct KeyVerificationRequest: WireFields, Equatable {
  /// The session identifier that the supervisor keeps, 32 to 64 bytes.
  public var sessionID: [UInt8]
  /// The payload of the USERAUTH_REQUEST after its message number.
  public var request: [UInt8]
  /// The client's address; nil: not known.
  public var client: IPAddress?
  /// ``AccountReply/groups``, which with user and address select the `match` blocks.
  public var groups: [String]
  /// The user's authorized_keys files, whose contents follow each other in the descriptor.
  public var files: [KeyFile]
  /// The user's file of principals, whose content is the last one; nil: none was fetched.
  public var principals: KeyFile?

  public init(
    sessionID: [UInt8], request: [UInt8], client: IPAddress?, groups: [String] = [], files: [KeyFile],
    principals: KeyFile? = nil
  ) {
    self.sessionID = sessionID
    self.request = request
    self.client = client
    self.groups = groups
    self.files = files
    self.principals = principals
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    sessionID = try coder.bytes(value?.sessionID, max: 64)
    request = try coder.bytes(value?.request, max: messageSize)
    client = try coder.value(value?.client)
    groups = try coder.list(value?.groups, max: listSize, length: 256)
    files = try coder.list(value?.files, max: listSize)
    principals = try coder.value(value?.principals)
  }
}

/// An authorized_keys file that a session process has fetched.
public struct KeyFile: WireFields, Equatable {
  /// Limit of one file, in bytes.
  public static let sizeLimit = 16 << 20
  /// Limit of all files of a user, in bytes.
  public static let totalLimit = 2 * sizeLimit

  /// Absolute.
  public var path: String
  /// The number of bytes of this file in the descriptor; 0 if it was not read.
  public var length: UInt32
  /// Why it was not read, for the log: `no such file`, `/home/u is writable by others (mode 0777)`; nil if it was.
  public var problem: String?

  public init(path: String, length: UInt32, problem: String?) {
    self.path = path
    self.length = length
    self.problem = problem
  }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    path = try coder.text(value?.path, max: 4096)
    length = try coder.number(value?.length)
    problem = try coder.text(value?.problem, max: 8192)
  }
}
