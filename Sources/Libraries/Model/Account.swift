import Wire

/// A system account, with everything that the supervisor needs to start a process as it.
public struct Account: WireFields, Equatable {
  /// Limit of ``environment``.
  public static let environmentLimit = 16_384

  /// The user name that the client sent.
  public var name: String
  /// The user id; never 4294967295.
  public var uid: UInt32
  /// The primary group id; never 4294967295.
  public var gid: UInt32
  /// Supplementary groups, at most 65,536.
  public var groups: [UInt32]
  /// The home directory, at most 4096 bytes.
  public var home: String
  /// The login shell, at most 4096 bytes.
  public var shell: String
  /// What shells(5) and the name say about ``shell``.
  public var shellKind: ShellKind
  /// Environment variables that the configuration sets for this user, at most ``environmentLimit``.
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

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    name = try coder.text(value?.name, max: 256)
    uid = try coder.number(value?.uid, in: .accounts)
    gid = try coder.number(value?.gid, in: .accounts)
    groups = try coder.list(value?.groups, max: 65_536, in: .accounts)
    home = try coder.text(value?.home, max: 4096)
    shell = try coder.text(value?.shell, max: 4096)
    shellKind = try coder.choice(value?.shellKind)
    environment = try coder.list(value?.environment, max: Self.environmentLimit)
  }
}

/// The kind of an account's login shell.
public enum ShellKind: UInt8, CaseIterable, Sendable {
  /// Listed in shells(5).
  case listed
  /// Not listed in shells(5).
  case unlisted
  /// nologin(8), false(1) or a link to them: the account allows no interactive login.
  case none
}

/// An environment variable. environ(7)
public struct EnvironmentVariable: WireFields, Equatable {
  /// Variables that say who a login is and where it comes from: no configuration sets them.
  public static let ofLogin: Set = [
    "HOME", "USER", "LOGNAME", "SHELL", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_ORIGINAL_COMMAND",
  ]

  /// At most 1024 bytes.
  public var name: String
  /// At most 128 KiB without NUL. It need not be UTF-8.
  public var value: [UInt8]

  public init(name: String, value: [UInt8]) {
    self.name = name
    self.value = value
  }

  public init(name: String, value: String) { self.init(name: name, value: Array(value.utf8)) }

  public init<Coder: FieldCoder>(fieldsOf value: Self?, in coder: inout Coder) throws(Coder.Failure) {
    name = try coder.text(value?.name, max: 1024)
    self.value = try coder.bytes(value?.value, max: 128 << 10)
    try coder.require(!self.value.contains(0))
  }
}

extension ClosedRange<UInt32> {
  /// User and group ids. 4294967295 is none: for setresuid(2), setresgid(2) and chown(2) it means "unchanged".
  public static let accounts = 0...UInt32.max - 1
  /// User and group ids other than root's.
  public static let unprivilegedAccounts = 1...UInt32.max - 1
}
