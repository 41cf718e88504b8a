/// The paths of a user's authorized_keys files and file of principals: `auth.publickey.authorized_keys_dir`,
/// `authorized_keys_pattern` and `authorized_principals_pattern`.
public struct KeyPaths {
  private let directory: String?
  private let pattern: String?
  private let principalsPattern: String?
  /// The account that a user of another name runs as. The account's own files do not apply to that user: whoever can
  /// write them could otherwise log in under the other name and bypass what is configured for the account's name.
  private var account: (name: String, home: String)?

  public init(directory: String?, pattern: String?, principalsPattern: String?) {
    self.directory = directory
    self.pattern = pattern
    self.principalsPattern = principalsPattern
  }

  /// The absolute paths, first that in the directory.
  ///
  /// A path is omitted if it is not absolute after expansion, contains `..`, or is longer than 4,095 bytes, and if it
  /// would contain a user name that is no file name.
  public func paths(user: String, home: String) -> [String] {
    let candidates = [
      directory.flatMap { PathPattern.isFileName(user) ? "\($0)/\(user)/authorized_keys" : nil },
      pattern.flatMap { expand($0, user: user, home: home) },
    ]
    return candidates.compactMap { $0 }.filter(PathPattern.isUsable)
  }

  /// The absolute path of the file of principals; nil: none is configured, or ``paths(user:home:)`` would omit it.
  public func principalsPath(user: String, home: String) -> String? {
    let path = principalsPattern.flatMap { expand($0, user: user, home: home) }
    return path.flatMap { PathPattern.isUsable($0) ? $0 : nil }
  }

  /// Expands a pattern. A file of the account itself is replaced by one in a home directory that does not exist, so that
  /// the number of paths reveals nothing.
  private func expand(_ pattern: String, user: String, home: String) -> String? {
    let path = PathPattern.expand(pattern, user: user, home: home, braces: true)
    guard let account, !account.name.utf8.elementsEqual(user.utf8),
      let own = PathPattern.expand(pattern, user: account.name, home: account.home, braces: true),
      path.map({ Self.plain($0) == Self.plain(own) }) ?? false
    else { return path }
    return PathPattern.expand(
      pattern.hasPrefix("%h") ? pattern : "%h" + pattern, user: user, home: Self.noHome, braces: true)
  }

  /// A home directory that does not exist.
  public static let noHome = "/nonexistent"

  /// The components of a path without `.`.
  private static func plain(_ path: String) -> [Substring] { path.split(separator: "/").filter { $0 != "." } }
}

extension KeyPaths {
  /// The paths that these settings configure.
  public init(_ auth: Settings.Auth) {
    self.init(
      directory: auth.authorizedKeysDirectory, pattern: auth.effectiveKeysPattern,
      principalsPattern: auth.authorizedPrincipalsPattern)
  }

  /// The paths that these settings configure, without the own files of the account that a user of another name runs as.
  public init(_ auth: Settings.Auth, otherThan account: String, home: String) {
    self.init(auth)
    self.account = (account, home)
  }
}
