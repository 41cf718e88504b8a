import Wire

/// What the supervisor wants to know of a system account, from a process that nobody else speaks to.
public struct AccountQuestion: WireCodable, Equatable {
  /// The account's name.
  public var name: String
  /// The configuration's patterns for groups.
  public var groupPatterns: [String]
  /// Shells of the configuration, one of which may take the place of the account's, at most 512.
  public var shells: [String]

  public init(name: String, groupPatterns: [String] = [], shells: [String] = []) {
    self.name = name
    self.groupPatterns = groupPatterns
    self.shells = shells
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.list(groupPatterns) { $0.text($1) }
    writer.list(shells) { $0.text($1) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text(limit: 256)
    groupPatterns = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in
      try r.text(limit: 256)
    }
    shells = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 4096) }
    guard shells.count <= 512 else { throw .tooLong }
  }
}

/// What the system's own name service, shadow(5) and nologin(5) say of an account, without anything that is secret.
public struct AccountState: WireCodable, Equatable {
  public var isLocked: Bool
  public var isExpired: Bool
  public var isPasswordExpired: Bool
  /// The account, by its own name; nil: there is none, or none that can log in.
  public var account: Account?
  /// Those of ``AccountQuestion/groupPatterns`` that match a group of the account.
  public var groups: [String]
  /// What ``AccountQuestion/shells`` are, in their order; what the account's own is, it says itself.
  public var shellKinds: [ShellKind]
  /// There is a file of nologin(5).
  public var isClosed: Bool

  public init(
    isLocked: Bool = false, isExpired: Bool = false, isPasswordExpired: Bool = false, account: Account? = nil,
    groups: [String] = [], shellKinds: [ShellKind] = [], isClosed: Bool = false
  ) {
    self.isLocked = isLocked
    self.isExpired = isExpired
    self.isPasswordExpired = isPasswordExpired
    self.account = account
    self.groups = groups
    self.shellKinds = shellKinds
    self.isClosed = isClosed
  }

  public func encode(to writer: inout WireWriter) {
    writer.boolean(isLocked)
    writer.boolean(isExpired)
    writer.boolean(isPasswordExpired)
    writer.optional(account) { $1.encode(to: &$0) }
    writer.list(groups) { $0.text($1) }
    writer.list(shellKinds) { $0.byte($1.rawValue) }
    writer.boolean(isClosed)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    isLocked = try reader.boolean()
    isExpired = try reader.boolean()
    isPasswordExpired = try reader.boolean()
    account = try reader.optional { (r: inout WireReader) throws(WireError) in try Account(from: &r) }
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.text(limit: 256) }
    shellKinds = try reader.list(minimumSize: 1) { (r: inout WireReader) throws(WireError) in
      guard let kind = ShellKind(rawValue: try r.byte()) else { throw .malformed }
      return kind
    }
    isClosed = try reader.boolean()
  }
}
