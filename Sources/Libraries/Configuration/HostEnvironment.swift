import Model

/// The accounts, files and keys of the machine, as far as the loader needs them. Closures, so that tests need no files.
public struct HostEnvironment {
  /// A file that the configuration names.
  public struct File: Equatable, Sendable {
    /// The content.
    public var bytes: [UInt8]
    /// True if the group or others may read it.
    public var isReadableByOthers: Bool
    /// Why other users can have written it; nil: they cannot.
    public var distrust: String?

    public init(bytes: [UInt8], isReadableByOthers: Bool, distrust: String? = nil) {
      self.bytes = bytes
      self.isReadableByOthers = isReadableByOthers
      self.distrust = distrust
    }
  }

  /// What a path refers to.
  public enum PathKind: Equatable, Sendable {
    case missing, file, directory, other
    /// A directory that other users cannot search; `at`: the one of its parents, or itself, that only its owner may search.
    case closedDirectory(at: String)
    /// Unknown, because this user may not look it up.
    case unknown
  }

  /// The result of reading the file of a host key.
  public enum HostKey: Equatable, Sendable {
    /// It exists, and this user may not read it.
    case denied(reason: String)
    /// It contains a key for these signature algorithms.
    case usable(algorithms: [String])
    /// It cannot be used, with the reason and what to do.
    case unusable(String)
  }

  /// Why a file could not be read: `No such file or directory`.
  public struct Unreadable: Error, Equatable, Sendable {
    /// The message.
    public var reason: String
    /// The file exists, and this user may not read it.
    public var isDenied: Bool

    public init(reason: String, isDenied: Bool = false) {
      self.reason = reason
      self.isDenied = isDenied
    }
  }

  /// Reads a file of at most `limit` bytes.
  public var read: (_ path: String, _ limit: Int) -> Result<File, Unreadable>
  /// Parses a YAML file; a problem has line and column.
  public var parse: (_ bytes: [UInt8], _ path: String) -> Result<Node, Diagnostic>
  /// Reads the file of a host key.
  public var hostKey: (_ path: String) -> HostKey
  /// The fault of a list of revoked keys; nil: it is valid.
  public var revocationFault: (_ bytes: [UInt8]) -> String?
  /// True if the system has an account with this name.
  public var accountExists: (_ name: String) -> Bool
  /// True if the file can be executed.
  public var isExecutable: (_ path: String) -> Bool
  /// The kind of a login shell.
  public var shellKind: (_ path: String) -> ShellKind = { _ in .listed }
  /// Which of a directory and its parents users other than root can change.
  public var exposedDirectories: (_ path: String) -> [String] = { _ in [] }
  /// True if the daemon runs as root, so that it can become other accounts.
  public var isRoot: Bool
  /// True if a configuration is checked without root's privileges, which the daemon may have: problems that depend on
  /// these are warnings.
  public var rightsAreUnknown = false
  /// The account that starts the daemon; nil: it has no name.
  public var ownAccount: String?
  /// True if the system has a group with this name.
  public var groupExists: (_ name: String) -> Bool
  /// What a path refers to.
  public var pathKind: (_ path: String) -> PathKind

  public init(
    read: @escaping (_ path: String, _ limit: Int) -> Result<File, Unreadable>,
    parse: @escaping (_ bytes: [UInt8], _ path: String) -> Result<Node, Diagnostic>,
    hostKey: @escaping (_ path: String) -> HostKey,
    revocationFault: @escaping (_ bytes: [UInt8]) -> String?,
    accountExists: @escaping (_ name: String) -> Bool,
    isExecutable: @escaping (_ path: String) -> Bool,
    isRoot: Bool, ownAccount: String? = nil,
    groupExists: @escaping (_ name: String) -> Bool = { _ in true },
    pathKind: @escaping (_ path: String) -> PathKind = { _ in .unknown }
  ) {
    self.read = read
    self.parse = parse
    self.hostKey = hostKey
    self.revocationFault = revocationFault
    self.accountExists = accountExists
    self.isExecutable = isExecutable
    self.isRoot = isRoot
    self.ownAccount = ownAccount
    self.groupExists = groupExists
    self.pathKind = pathKind
  }
}
