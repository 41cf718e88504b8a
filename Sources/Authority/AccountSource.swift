import Glibc

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

  func isExecutable(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return errno == EACCES }
    return status.st_mode & S_IFMT == S_IFREG && status.st_mode & 0o111 != 0
  }

  private typealias Call = (
    UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> Int32

  private func lookUp(_ call: Call) throws(AccountError) -> SystemAccount {
    var size = 4096
    while size <= 1 << 20 {
      let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      guard let start = buffer.baseAddress else { throw .failed }
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      switch call(&entry, start, size, &found) {
      case 0:
        guard found != nil else { throw .unknown }
        return try account(entry)
      case ERANGE: size *= 4
      case EINTR: continue
      case ENOENT, ESRCH: throw .unknown
      default: throw .failed
      }
    }
    throw .failed
  }

  private func account(_ entry: passwd) throws(AccountError) -> SystemAccount {
    guard let name = text(entry.pw_name), let home = text(entry.pw_dir), let shell = text(entry.pw_shell) else {
      throw .failed
    }
    var groups = [gid_t](repeating: 0, count: Self.groupLimit)
    var count = Int32(groups.count)
    guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else { throw .tooManyGroups }
    return SystemAccount(
      name: name, uid: entry.pw_uid, gid: entry.pw_gid, groups: Array(groups.prefix(Int(count))), home: home,
      shell: shell)
  }

  private func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
    guard let pointer else { return "" }
    return String(validatingCString: pointer)
  }
}
