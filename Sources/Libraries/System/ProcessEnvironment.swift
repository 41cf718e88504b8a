import CLinux
import Glibc

/// The environment and executable of this process. environ(7)
public enum ProcessEnvironment {
  /// All variables, as `NAME=value`.
  public static var all: [String] {
    var result: [String] = []
    guard var next = clinux_environment() else { return [] }
    while let variable = next.pointee {
      result.append(String(cString: variable))
      next += 1
    }
    return result
  }

  /// The value of a variable; nil when it is not set. getenv(3)
  public static func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Variables that every process of the daemon is started with.
  ///
  /// - SWIFT_BACKTRACE: otherwise Swift answers a crash by giving another program access to this process's memory, with
  ///   keys and passwords in it, to print a backtrace.
  /// - LD_BIND_NOW: looking up a symbol at its first call saves all registers on the stack, and those that copied a
  ///   password still hold a part of it. ld.so(8)
  public static let fixed = ["SWIFT_BACKTRACE=enable=no", "LD_BIND_NOW=1"]

  /// The path of this process's executable; ` (deleted)` is appended when the file was removed. /proc/self/exe
  ///
  /// - Throws: `SystemError` with the errno of readlink(2).
  public static func executable() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = try check("readlink /proc/self/exe") { readlink("/proc/self/exe", &buffer, buffer.count) }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The directory of this process's executable. /proc/self/exe
  ///
  /// - Throws: `SystemError` with the errno of readlink(2).
  public static func executableFolder() throws(SystemError) -> String {
    let path = try executable()
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }

  /// The file name of the executable that a process runs, even if the file was replaced since; nil when there is no
  /// such process, or we may not inspect it. /proc/PID/exe
  public static func executable(of process: pid_t) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/\(process)/exe", &buffer, buffer.count)
    guard length > 0 else { return nil }
    var path = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if path.hasSuffix(" (deleted)") { path.removeLast(10) }
    return path.split(separator: "/").last.map(String.init)
  }

  /// The working directory; nil when it cannot be determined. getcwd(3)
  public static var directory: String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// True when standard error is connected to journald, as `JOURNAL_STREAM` says. systemd.exec(5)
  public static var isLoggedByJournal: Bool {
    var file = stat()
    guard let stream = value(of: "JOURNAL_STREAM"), fstat(STDERR_FILENO, &file) == 0 else { return false }
    return stream == "\(file.st_dev):\(file.st_ino)"
  }
}
