import Glibc

/// A user account. passwd(5)
public struct SystemAccount: Equatable, Sendable {
  /// The login name.
  public var name: String
  /// User id.
  public var uid: UInt32
  /// Primary group id.
  public var gid: UInt32
  /// All groups, including the primary one.
  public var groups: [UInt32]
  /// Path of the home directory.
  public var home: String
  /// Path of the login shell; empty: the system's default.
  public var shell: String

  public init(name: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: String, shell: String) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.groups = groups
    self.home = home
    self.shell = shell
  }
}

/// Why a lookup failed.
public enum AccountError: Error, Equatable {
  /// There is no such account.
  case unknown
  /// The name service failed, or returned something unusable.
  case failed
  /// The account is in more than ``SystemAccounts/groupLimit`` groups.
  case tooManyGroups
}

/// Accounts and groups of this system, from its name services (NSS). Lookups can block on these.
public struct SystemAccounts: Sendable {
  /// Uses the system's name services; `noLoginsFiles` are the paths of nologin(5).
  public init(noLoginsFiles: [String] = ["/run/nologin", "/etc/nologin"]) { self.noLoginsFiles = noLoginsFiles }

  /// Limit of groups of an account, so that an answer about it fits into a message.
  public static let groupLimit = 8192

  /// The account of exactly this name. getpwnam_r(3), getgrouplist(3)
  ///
  /// - Throws: `AccountError.unknown` when there is none of exactly this name, `.tooManyGroups`, or `.failed`.
  public func account(named name: String) throws(AccountError) -> SystemAccount {
    let account = try lookUp { getpwnam_r(name, $0, $1, $2, $3) }
    // Some name services find `Anna` when asked for `ANNA`; a second name of a user would evade rules made for the
    // first.
    guard account.name.utf8.elementsEqual(name.utf8) else { throw .unknown }
    return account
  }

  /// The account of this user id. getpwuid_r(3), getgrouplist(3)
  ///
  /// - Throws: `AccountError.unknown` when there is none, `.tooManyGroups`, or `.failed`.
  public func account(uid: UInt32) throws(AccountError) -> SystemAccount {
    try lookUp { getpwuid_r(uid, $0, $1, $2, $3) }
  }

  /// An entry of passwd(5), without supplementary groups.
  public struct User: Equatable, Sendable {
    /// The user id.
    public var uid: UInt32
    /// The primary group id.
    public var gid: UInt32
    /// The user name.
    public var name: [UInt8]
    /// The home directory.
    public var home: [UInt8]
  }

  /// The user with this name; nil when there is none. getpwnam_r(3)
  ///
  /// - Throws: `AccountError` when the name service fails.
  public func user(named name: [UInt8]) throws(AccountError) -> User? {
    if name.contains(0) { return nil }
    let text = name.map { CChar(bitPattern: $0) } + [0]
    return try find(passwd(), { getpwnam_r(text, $0, $1, $2, $3) }, userEntry)
  }

  /// The user with this number; nil when there is none. getpwuid_r(3)
  ///
  /// - Throws: `AccountError` when the name service fails.
  public func user(id: UInt32) throws(AccountError) -> User? {
    try find(passwd(), { getpwuid_r(id, $0, $1, $2, $3) }, userEntry)
  }

  private func userEntry(_ entry: passwd) -> User {
    User(uid: entry.pw_uid, gid: entry.pw_gid, name: bytes(entry.pw_name), home: bytes(entry.pw_dir))
  }

  /// Paths of nologin(5). A restart removes the first one; systemd creates it during shutdown.
  public var noLoginsFiles: [String]

  /// The text of nologin(5), at most 2048 bytes; nil when there is no such file and everyone may log in.
  public func noLogins() -> String? {
    for path in noLoginsFiles {
      do throws(SystemError) {
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let isFile = try file.status().kind == .regular
        return isFile ? String(decoding: try file.read(count: 2048, at: 0), as: UTF8.self) : ""
      } catch {
        // A file that exists and cannot be read also forbids logins.
        if !error.isMissingFile { return "" }
      }
    }
    return nil
  }

  /// True for a regular file that somebody may execute, or that we may not inspect. stat(2)
  public func isExecutable(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return errno == EACCES }
    return status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
  }

  private typealias Call<Entry> = (
    UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
  ) -> Int32

  private func lookUp(_ call: Call<passwd>) throws(AccountError) -> SystemAccount {
    guard let found = try find(passwd(), call, { (entry) throws(AccountError) in try account(entry) }) else {
      throw .unknown
    }
    return found
  }

  /// The group of this name; nil when there is none. getgrnam_r(3)
  ///
  /// - Throws: `AccountError.failed` when the name service fails.
  public func group(named name: String) throws(AccountError) -> (id: UInt32, name: [UInt8])? {
    try find(Glibc.group(), { getgrnam_r(name, $0, $1, $2, $3) }, groupEntry)
  }

  /// The group of this id; nil when there is none. getgrgid_r(3)
  ///
  /// - Throws: `AccountError.failed` when the name service fails.
  public func group(id: UInt32) throws(AccountError) -> (id: UInt32, name: [UInt8])? {
    try find(Glibc.group(), { getgrgid_r(id, $0, $1, $2, $3) }, groupEntry)
  }

  private func groupEntry(_ entry: Glibc.group) -> (id: UInt32, name: [UInt8]) {
    (entry.gr_gid, bytes(entry.gr_name))
  }

  /// Applies `read` to the entry that `call` finds; nil when there is none. The buffer grows, because a group's entry
  /// lists all members and can be long.
  private func find<Entry, Value>(
    _ empty: Entry, _ call: Call<Entry>, _ read: (Entry) throws(AccountError) -> Value
  ) throws(AccountError) -> Value? {
    var size = 4096
    while size <= 16 << 20 {
      let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      guard let start = buffer.baseAddress else { throw .failed }
      var entry = empty
      var found: UnsafeMutablePointer<Entry>?
      switch call(&entry, start, size, &found) {
      case 0: return found == nil ? nil : try read(entry)
      case ERANGE: size *= 4
      case EINTR: continue
      case ENOENT, ESRCH: return nil
      default: throw .failed
      }
    }
    throw .failed
  }

  private func bytes(_ text: UnsafeMutablePointer<CChar>?) -> [UInt8] {
    text.map { text in (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) } } ?? []
  }

  private func account(_ entry: passwd) throws(AccountError) -> SystemAccount {
    guard let name = text(entry.pw_name), let home = text(entry.pw_dir), let shell = text(entry.pw_shell) else {
      throw .failed
    }
    var groups = [gid_t](repeating: 0, count: Self.groupLimit)
    var count = Int32(groups.count)
    guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else { throw .tooManyGroups }
    let own = Array(groups.prefix(Int(count)))
    // setresuid(2) takes 4294967295 as "leave as it is", which would be root.
    guard entry.pw_uid != .max, entry.pw_gid != .max, !own.contains(.max) else { throw .failed }
    return SystemAccount(name: name, uid: entry.pw_uid, gid: entry.pw_gid, groups: own, home: home, shell: shell)
  }

  private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
    guard let pointer else { return "" }
    return String(validatingCString: pointer)
  }
}
