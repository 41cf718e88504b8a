import Filter
import Glibc
import System

/// An account as the system knows it; passwd(5).
struct SystemAccount: Equatable {
  var name: String
  var uid: UInt32
  var gid: UInt32
  /// With the primary one.
  var groups: [UInt32]
  var home: String
  /// Empty: the system's default.
  var shell: String
}

/// Why an account was not found.
enum AccountError: Error, Equatable {
  /// There is none.
  case unknown
  /// The name service could not tell, or told what we can't use.
  case failed
  case tooManyGroups
}

/// Where accounts come from.
protocol AccountSource {
  /// The account of exactly this name.
  func account(named name: String) throws(AccountError) -> SystemAccount
  /// The account of this user id.
  func account(uid: UInt32) throws(AccountError) -> SystemAccount
  /// Those patterns that match the name of one of these groups.
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern>
  /// What nologin(5) says; nil: nothing, everyone may log in.
  func noLogins() -> String?
  /// True when there is a regular file that somebody may execute, or when we may not look.
  func isExecutable(_ path: String) -> Bool
}

/// The accounts of this system, by its name services (NSS). May take as long as they do.
struct SystemAccounts: AccountSource {
  /// Groups that an account may be in, so that an answer about it fits into a message.
  static let groupLimit = 8192

  func account(named name: String) throws(AccountError) -> SystemAccount {
    let account = try lookUp { getpwnam_r(name, $0, $1, $2, $3) }
    // Some name services find `Anna` when asked for `ANNA`; two names for one user would pass rules made for one.
    guard account.name.utf8.elementsEqual(name.utf8) else { throw .unknown }
    return account
  }

  func account(uid: UInt32) throws(AccountError) -> SystemAccount {
    try lookUp { getpwuid_r(uid, $0, $1, $2, $3) }
  }

  /// Names are looked up by themselves, whoever asks, so that their number and not the account decides about the time;
  /// wildcards need the name of every group of the account.
  func patterns(_ patterns: [NamePattern], matching groups: [UInt32]) throws(AccountError) -> Set<NamePattern> {
    var found: Set<NamePattern> = []
    for pattern in patterns where pattern.isName {
      guard let group = try groupEntry(named: pattern.description) else { continue }
      if group.name == pattern.bytes, groups.contains(group.id) { found.insert(pattern) }
    }
    let wildcards = patterns.filter { !$0.isName }
    if wildcards.isEmpty { return found }
    for id in groups {
      guard let group = try groupEntry(id: id) else { continue }
      found.formUnion(wildcards.filter { $0.matches(group.name) })
    }
    return found
  }

  /// Where it may stand: the first one is gone after a restart, and systemd makes it while the machine goes down.
  var noLoginsFiles = ["/run/nologin", "/etc/nologin"]

  func noLogins() -> String? {
    for path in noLoginsFiles {
      do throws(SystemError) {
        let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let isFile = try file.status().kind == .regular
        return isFile ? String(decoding: try file.read(count: 2048, at: 0), as: UTF8.self) : ""
      } catch {
        // What is there and cannot be read says no, too.
        if !error.isMissingFile { return "" }
      }
    }
    return nil
  }

  func isExecutable(_ path: String) -> Bool {
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

  private func groupEntry(named name: String) throws(AccountError) -> (id: UInt32, name: [UInt8])? {
    try find(Glibc.group(), { getgrnam_r(name, $0, $1, $2, $3) }, groupEntry)
  }

  private func groupEntry(id: UInt32) throws(AccountError) -> (id: UInt32, name: [UInt8])? {
    try find(Glibc.group(), { getgrgid_r(id, $0, $1, $2, $3) }, groupEntry)
  }

  private func groupEntry(_ entry: Glibc.group) -> (id: UInt32, name: [UInt8]) {
    (entry.gr_gid, bytes(entry.gr_name))
  }

  /// What `read` makes of the entry that `call` finds; nil when there is none. A group has a name for each member, so
  /// entries can be long.
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
    // To the kernel that number means "leave as it is", which would be root.
    guard entry.pw_uid != .max, entry.pw_gid != .max, !own.contains(.max) else { throw .failed }
    return SystemAccount(name: name, uid: entry.pw_uid, gid: entry.pw_gid, groups: own, home: home, shell: shell)
  }

  private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
    guard let pointer else { return "" }
    return String(validatingCString: pointer)
  }
}
