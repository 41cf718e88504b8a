/// Where a user's authorized_keys are, as `auth.publickey.authorized_keys_dir` and `authorized_keys_pattern` say, and
/// the principals, as `authorized_principals_pattern` says.
public struct KeyPaths {
  private let directory: String?
  private let pattern: String?
  private let principalsPattern: String?

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
      pattern.flatMap { PathPattern.expand($0, user: user, home: home, braces: true) },
    ]
    return candidates.compactMap { $0 }.filter(PathPattern.isUsable)
  }

  /// The absolute path of the file of principals; nil for none, and for one that would lead elsewhere.
  public func principalsPath(user: String, home: String) -> String? {
    let path = principalsPattern.flatMap { PathPattern.expand($0, user: user, home: home, braces: true) }
    return path.flatMap { PathPattern.isUsable($0) ? $0 : nil }
  }
}

extension KeyPaths {
  /// As these settings say.
  public init(_ auth: Settings.Auth) {
    self.init(
      directory: auth.authorizedKeysDirectory, pattern: auth.authorizedKeysPattern,
      principalsPattern: auth.authorizedPrincipalsPattern)
  }
}
