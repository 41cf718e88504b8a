import Glibc

/// Directories that hold nothing, for processes to have as root.
public enum EmptyDirectory {
  /// Makes `path` and its parent when they are not there (mode 0755), and checks that both belong to root, that nobody
  /// else may write to them, and that `path` is empty.
  public static func prepare(_ path: String) throws(SystemError) {
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try make(String(path[..<slash])) }
    try make(path)
    guard let directory = opendir(path) else { throw .last("open \(path)") }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
      if name != [0x2e] && name != [0x2e, 0x2e] { throw SystemError("use \(path) as root", code: ENOTEMPTY) }
    }
  }

  private static func make(_ path: String) throws(SystemError) {
    if mkdir(path, 0o755) < 0 && errno != EEXIST { throw .last("make \(path)") }
    var found = stat()
    try check("look at \(path)") { lstat(path, &found) }
    if found.st_mode & S_IFMT != S_IFDIR { throw SystemError("use \(path)", code: ENOTDIR) }
    if found.st_uid != 0 || found.st_mode & 0o022 != 0 {
      throw SystemError("use \(path), which must belong to root and be writable by root alone", code: EPERM)
    }
  }
}
