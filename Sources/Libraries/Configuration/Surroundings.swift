import Model

/// What the loader must know of the machine; closures, so that it needs no files to be tested.
public struct Surroundings {
  /// A file that the configuration names.
  public struct File: Equatable, Sendable {
    public var bytes: [UInt8]
    /// True when its group or others may read it.
    public var isReadableByOthers: Bool
    /// Why others can have written it; nil: they cannot.
    public var distrust: String?

    public init(bytes: [UInt8], isReadableByOthers: Bool, distrust: String? = nil) {
      self.bytes = bytes
      self.isReadableByOthers = isReadableByOthers
      self.distrust = distrust
    }
  }

  /// What is at a path.
  public enum Place: Equatable, Sendable {
    case missing, file, directory, other
    /// A directory that its owner alone can enter, or that is below such a one.
    case closedDirectory(at: String)
    /// It may not be looked at.
    case unknown
  }

  /// A file of a host key, once looked at.
  public enum HostKey: Equatable, Sendable {
    /// It is there, and may not be read.
    case denied(reason: String)
    /// It holds a key for these signature algorithms.
    case usable(algorithms: [String])
    /// Why it cannot be used, and what to do.
    case unusable(String)
  }

  /// Why a file could not be read: `No such file or directory`.
  public struct Unreadable: Error, Equatable, Sendable {
    public var reason: String
    /// It is there, and this user may not read it.
    public var isDenied: Bool

    public init(reason: String, isDenied: Bool = false) {
      self.reason = reason
      self.isDenied = isDenied
    }
  }

  /// Reads a file of at most so many bytes.
  public var read: (_ path: String, _ limit: Int) -> Result<File, Unreadable>
  /// Makes a tree of a YAML file's bytes; the problem tells line and column.
  public var parse: (_ bytes: [UInt8], _ path: String) -> Result<Node, Problem>
  public var hostKey: (_ path: String) -> HostKey
  /// What is wrong with a list of revoked keys; nil: nothing.
  public var revocationFault: (_ bytes: [UInt8]) -> String?
  /// True when the system has an account of this name.
  public var accountExists: (_ name: String) -> Bool
  /// True for a file that can be started.
  public var isExecutable: (_ path: String) -> Bool
  /// What kind of program a login shell is.
  public var shellKind: (_ path: String) -> ShellKind = { _ in .listed }
  /// Of a directory and those above it, the ones that others than root can change.
  public var exposedDirectories: (_ path: String) -> [String] = { _ in [] }
  /// True when the daemon runs as root, and so can become other accounts.
  public var isRoot: Bool
  /// True when a configuration is checked without root's rights, which the daemon may have: what they decide is a
  /// warning.
  public var rightsAreUnknown = false
  /// The account of whoever starts the daemon; nil: it has no name.
  public var ownAccount: String?
  /// True when the system has a group of this name.
  public var groupExists: (_ name: String) -> Bool
  public var place: (_ path: String) -> Place

  public init(
    read: @escaping (_ path: String, _ limit: Int) -> Result<File, Unreadable>,
    parse: @escaping (_ bytes: [UInt8], _ path: String) -> Result<Node, Problem>,
    hostKey: @escaping (_ path: String) -> HostKey,
    revocationFault: @escaping (_ bytes: [UInt8]) -> String?,
    accountExists: @escaping (_ name: String) -> Bool,
    isExecutable: @escaping (_ path: String) -> Bool,
    isRoot: Bool, ownAccount: String? = nil,
    groupExists: @escaping (_ name: String) -> Bool = { _ in true },
    place: @escaping (_ path: String) -> Place = { _ in .unknown }
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
    self.place = place
  }
}
