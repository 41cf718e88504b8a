/// Where a user's authorized_keys are, as `auth.publickey.authorized_keys_dir` and `authorized_keys_pattern` say.
struct KeyPaths {
  let directory: String?
  let pattern: String?

  /// The absolute paths, the directory's first.
  ///
  /// A path that would lead elsewhere is left out: one that is not absolute once expanded, has a `..` in it, or is
  /// longer than 4095 bytes; a user's name with a `/`, or that is `.` or `..`, never becomes part of a path.
  func paths(user: String, home: String) -> [String] {
    let candidates = [
      directory.flatMap { Self.isFileName(user) ? "\($0)/\(user)/authorized_keys" : nil },
      pattern.flatMap { Self.expand($0, user: user, home: home) },
    ]
    return candidates.compactMap { $0 }.filter(Self.isUsable)
  }

  /// Replaces `%h`, `%u`, `{user}` and `%%` once, from the front; nil for another `%`, or a name that is no file name.
  private static func expand(_ pattern: String, user: String, home: String) -> String? {
    var result = ""
    var rest = pattern[...]
    while let next = rest.first {
      if rest.hasPrefix("{user}") || rest.hasPrefix("%u") {
        guard isFileName(user) else { return nil }
        result += user
        rest = rest.dropFirst(next == "{" ? 6 : 2)
      } else if rest.hasPrefix("%h") {
        result += home
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("%%") {
        result += "%"
        rest = rest.dropFirst(2)
      } else if next == "%" {
        return nil
      } else {
        result.append(next)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  private static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
  }

  private static func isUsable(_ path: String) -> Bool {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"))
    return path.utf8.first == UInt8(ascii: "/") && path.utf8.count < 4096 && !path.utf8.contains(0)
      && !parts.contains { $0.elementsEqual("..".utf8) }
  }
}
