/// Where a user's authorized_keys are, as `auth.publickey.authorized_keys_dir` and `authorized_keys_pattern` say, and
/// the principals, as `authorized_principals_pattern` says.
public struct KeyPaths {
  private let directory: String?
  private let pattern: String?
  private let principalsPattern: String?
  /// The account that a user of another name runs as. Its own files are for its own name: who can write them would else
  /// log in under each such name, past what is set for it.
  private var account: (name: String, home: String)?

  public init(directory: String?, pattern: String?, principalsPattern: String?) {
    self.directory = directory
    self.pattern = pattern
    self.principalsPattern = principalsPattern
  }

  /// The absolute paths, the directory's first.
  ///
  /// A path that would lead elsewhere is left out: one that is not absolute once expanded, has a `..` in it, or is
  /// longer than 4095 bytes; a user's name with a `/`, or that is `.` or `..`, never becomes part of a path.
  public func paths(user: String, home: String) -> [String] {
    let candidates = [
      directory.flatMap { PathPattern.isFileName(user) ? "\($0)/\(user)/authorized_keys" : nil },
      pattern.flatMap { expand($0, user: user, home: home) },
    ]
    return candidates.compactMap { $0 }.filter(PathPattern.isUsable)
  }

  /// The absolute path of the file of principals; nil for none, and for one that would lead elsewhere.
  public func principalsPath(user: String, home: String) -> String? {
    let path = principalsPattern.flatMap { expand($0, user: user, home: home) }
    return path.flatMap { PathPattern.isUsable($0) ? $0 : nil }
  }

  /// Where a home that is nobody's has such a file, in place of the account's own: the number of paths says nothing.
  private func expand(_ pattern: String, user: String, home: String) -> String? {
    let path = PathPattern.expand(pattern, user: user, home: home, braces: true)
    guard let account, !account.name.utf8.elementsEqual(user.utf8),
      let own = PathPattern.expand(pattern, user: account.name, home: account.home, braces: true),
      path.map({ Self.plain($0) == Self.plain(own) }) ?? false
    else { return path }
    return PathPattern.expand(
      pattern.hasPrefix("%h") ? pattern : "%h" + pattern, user: user, home: Self.noHome, braces: true)
  }

  /// A home that is not there.
  public static let noHome = "/nonexistent"

  /// The parts of a path, whatever slashes and dots stand between them.
  private static func plain(_ path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }
}

extension KeyPaths {
  /// As these settings say.
  public init(_ auth: Settings.Auth) {
    self.init(
      directory: auth.authorizedKeysDirectory, pattern: auth.effectiveKeysPattern,
      principalsPattern: auth.authorizedPrincipalsPattern)
  }

  /// As above, without the own files of the account that a user of another name runs as.
  public init(_ auth: Settings.Auth, otherThan account: String, home: String) {
    self.init(auth)
    self.account = (account, home)
  }
}
