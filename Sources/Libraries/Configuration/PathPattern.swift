/// Patterns of the configuration that are expanded to a path for each user.
public enum PathPattern {
  /// Replaces `%h` with the home directory, `%u` with the user name and `%%` with a percent sign, in one pass.
  ///
  /// - Parameter braces: `{user}` is replaced with the user name too.
  /// - Returns: nil if the pattern contains another `%`, or the user name and that is no file name.
  public static func expand(_ pattern: String, user: String, home: String, braces: Bool) -> String? {
    var result = ""
    var rest = pattern[...]
    while let next = rest.first {
      if rest.hasPrefix("%u") || (braces && rest.hasPrefix("{user}")) {
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

  /// True if the name can be that of a file: not empty, `.` or `..`, without `/` and NUL.
  public static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
  }

  /// True for an absolute path without `..` and NUL, of at most 4,095 bytes.
  public static func isUsable(_ path: String) -> Bool {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"))
    return path.utf8.first == UInt8(ascii: "/") && path.utf8.count < 4096 && !path.utf8.contains(0)
      && !parts.contains { $0.elementsEqual("..".utf8) }
  }
}
