import Glibc

/// Empty directories that processes use as their root.
public enum EmptyDirectory {
  /// The root of the transports; created by tmpfiles.d(5), or at start when it is missing.
  public static let ofTransports = "/run/bssh/empty"

  /// Creates `path` and its parent if necessary, with mode 0755, and checks them as ``inspect(_:)`` does.
  ///
  /// - Throws: `SystemError` as ``inspect(_:)`` does, or with the errno of mkdir(2).
  public static func prepare(_ path: String) throws(SystemError) {
    for place in places(path) {
      if mkdir(place, 0o755) < 0 && errno != EEXIST { throw .last("make \(place)") }
      // Nothing is created in a directory that others can write to.
      guard try check(place) else { throw SystemError("make \(place)", code: ENOENT) }
    }
    try inspect(path)
  }

  /// Checks that `path` and its parent belong to root and nobody else can write to them, and that `path` is empty. A
  /// missing directory passes.
  ///
  /// - Throws: `SystemError` with ENOTDIR when one is no directory, EPERM when one has another owner or is writable by
  ///   others, ENOTEMPTY when `path` is not empty; otherwise with the errno of lstat(2) or opendir(3).
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

  /// The parent directory, then `path`.
  private static func places(_ path: String) -> [String] {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return [path] }
    return [String(path[..<slash]), path]
  }

  /// False when it does not exist.
  private static func check(_ path: String) throws(SystemError) -> Bool {
    var found = stat()
    if lstat(path, &found) < 0 {
      if errno == ENOENT { return false }
      throw .last("look at \(path)")
    }
    if found.st_mode & S_IFMT != S_IFDIR { throw SystemError("use \(path)", code: ENOTDIR) }
    if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
      throw SystemError("use \(path), which must belong to root and be writable only by root", code: EPERM)
    }
    return true
  }
}
