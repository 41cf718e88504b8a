import Glibc

/// What this process is and where it is.
public enum ThisProcess {
  /// Whose rights it has. geteuid(2)
  public static var user: uid_t { geteuid() }

  /// Makes `path` the directory in which it is and its children start. chdir(2)
  public static func enter(_ path: String) throws(SystemError) {
    try check("chdir \(path)") { chdir(path) }
  }
}
