import CLinux
import Glibc

/// What this process was started with. environ(7)
public enum ProcessEnvironment {
  /// Every variable, as `NAME=value`.
  public static var all: [String] {
    var result: [String] = []
    guard var next = clinux_environment() else { return [] }
    while let variable = next.pointee {
      result.append(String(cString: variable))
      next += 1
    }
    return result
  }

  /// The value of a variable; nil when it is not set.
  public static func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// What every process of the daemon is started with.
  ///
  /// - SWIFT_BACKTRACE: Swift would answer a crash with a thread that serves this process's memory, keys and passwords
  ///   with it, to a program that prints a backtrace.
  /// - LD_BIND_NOW: a symbol that is looked up later, at its first call, has all registers saved on the stack, and
  ///   those that copied a password still hold a part of it. ld.so(8)
  public static let fixed = ["SWIFT_BACKTRACE=enable=no", "LD_BIND_NOW=1"]

  /// The path of the executable of this process, as it was when the process began. /proc/self/exe
  public static func executable() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = try check("readlink /proc/self/exe") { readlink("/proc/self/exe", &buffer, buffer.count) }
    return String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The folder that holds the executable of this process.
  public static func executableFolder() throws(SystemError) -> String {
    let path = try executable()
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }

  /// The name of the program that a process runs, also when its file was replaced since; nil: there is no such process,
  /// or it is none of ours. /proc/PID/exe
  public static func executable(of process: pid_t) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/\(process)/exe", &buffer, buffer.count)
    guard length > 0 else { return nil }
    var path = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if path.hasSuffix(" (deleted)") { path.removeLast(10) }
    return path.split(separator: "/").last.map(String.init)
  }

  /// Where this process works. getcwd(3)
  public static var directory: String? {
    guard let path = getcwd(nil, 0) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }

  /// True when standard error goes to the journal: `JOURNAL_STREAM` names it. systemd.exec(5)
  public static var isLoggedByJournal: Bool {
    var file = stat()
    guard let stream = value(of: "JOURNAL_STREAM"), fstat(STDERR_FILENO, &file) == 0 else { return false }
    return stream == "\(file.st_dev):\(file.st_ino)"
  }
}
