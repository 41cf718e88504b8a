import Wire

/// A system account, as the supervisor needs it to start a process in its name.
public struct Account: WireCodable, Equatable {
  /// The name that the client gave.
  public var name: String
  public var uid: UInt32
  public var gid: UInt32
  /// Supplementary groups, at most 65,536.
  public var groups: [UInt32]
  public var home: String
  public var shell: String
  public var shellKind: ShellKind
  /// Variables that the configuration gives this user.
  public var environment: [EnvironmentVariable]

  public init(
    name: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: String, shell: String,
    shellKind: ShellKind = .listed, environment: [EnvironmentVariable] = []
  ) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.groups = groups
    self.home = home
    self.shell = shell
    self.shellKind = shellKind
    self.environment = environment
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.uint32(uid)
    writer.uint32(gid)
    writer.list(groups) { $0.uint32($1) }
    writer.text(home)
    writer.text(shell)
    writer.byte(shellKind.rawValue)
    writer.list(environment) { $1.encode(to: &$0) }
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text(limit: 256)
    uid = try reader.accountNumber()
    gid = try reader.accountNumber()
    groups = try reader.list(minimumSize: 4) { (r: inout WireReader) throws(WireError) in try r.accountNumber() }
    home = try reader.text(limit: 4096)
    shell = try reader.text(limit: 4096)
    guard let kind = ShellKind(rawValue: try reader.byte()) else { throw .malformed }
    shellKind = kind
    environment = try reader.list(minimumSize: 8) { (r: inout WireReader) throws(WireError) in
      try EnvironmentVariable(from: &r)
    }
  }
}

/// What kind of program an account's shell is.
public enum ShellKind: UInt8, Sendable {
  /// One of shells(5).
  case listed = 0
  /// One that shells(5) does not list.
  case unlisted = 1
  /// nologin(8), false(1) or a link to them: the account is closed to people.
  case none = 2
}

/// `NAME=value`.
public struct EnvironmentVariable: WireCodable, Equatable {
  public var name: String
  public var value: String

  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }

  public func encode(to writer: inout WireWriter) {
    writer.text(name)
    writer.text(value)
  }

  public init(from reader: inout WireReader) throws(WireError) {
    name = try reader.text(limit: 1024)
    value = try reader.text(limit: 128 << 10)
  }
}
