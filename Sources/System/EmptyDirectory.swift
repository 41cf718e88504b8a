import Glibc

/// Directories that hold nothing, for processes to have as root.
public enum EmptyDirectory {
  /// The one that transports have as root; kept by tmpfiles.d, made where it is not there.
  public static let ofTransports = "/run/bssh/empty"

  /// Makes `path` and its parent when they are not there (mode 0755), and checks that both belong to root, that nobody
  /// else may write to them, and that `path` is empty.
  public static func prepare(_ path: String) throws(SystemError) {
    for place in places(path) {
      if mkdir(place, 0o755) < 0 && errno != EEXIST { throw .last("make \(place)") }
      // Nothing is made in a directory that others may write to.
      guard try check(place) else { throw SystemError("make \(place)", code: ENOENT) }
    }
    try inspect(path)
  }

  /// Checks the same of what is there, and makes nothing.
  public static func inspect(_ path: String) throws(SystemError) {
    for place in places(path) {
      guard try check(place) else { return }
    }
    guard let directory = opendir(path) else { throw .last("open \(path)") }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
      if name != [0x2e] && name != [0x2e, 0x2e] { throw SystemError("use \(path) as root", code: ENOTEMPTY) }
    }
  }

  /// The directory above, and `path`.
  private static func places(_ path: String) -> [String] {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return [path] }
    return [String(path[..<slash]), path]
  }

  /// False: it is not there.
  private static func check(_ path: String) throws(SystemError) -> Bool {
    var found = stat()
    if lstat(path, &found) < 0 {
      if errno == ENOENT { return false }
      throw .last("look at \(path)")
    }
    if found.st_mode & S_IFMT != S_IFDIR { throw SystemError("use \(path)", code: ENOTDIR) }
    if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
      throw SystemError("use \(path), which must belong to root and be writable by root alone", code: EPERM)
    }
    return true
  }
}
