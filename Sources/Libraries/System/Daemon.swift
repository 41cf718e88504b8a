import CLinux
import Glibc

/// Detaching from the process that started this one. daemon(7)
public enum Daemon {
  /// Which side of a fork(2) this process is.
  public enum Side: Sendable {
    /// The original; `child` is the id of the copy.
    case parent(child: pid_t)
    /// The copy.
    case child
  }

  /// Copies this process. fork(2)
  ///
  /// - Throws: `SystemError` with the errno of fork(2).
  public static func fork() throws(SystemError) -> Side {
    let pid = try check("fork") { clinux_fork() }
    return pid == 0 ? .child : .parent(child: pid)
  }

  /// Continues in a child that leads a session of its own, while the parent waits for its report.
  ///
  /// Returns in the child only. The parent prints the line passed to ``Report/succeed(_:)`` and exits with 0. When the
  /// child ends without a report, the parent exits with the child's exit code, or with 70 when a signal killed the
  /// child.
  ///
  /// - Throws: `SystemError` with the errno of pipe2(2) or fork(2), or, in the child, of setsid(2).
  public static func detach() throws(SystemError) -> Report {
    let (reader, writer) = try Descriptor.pipe()
    let pid = try check("fork") { clinux_fork() }
    if pid > 0 { wait(for: pid, reader, writer) }
    try check("setsid") { setsid() }
    return Report(writer)
  }

  private static func wait(for pid: pid_t, _ reader: Descriptor, _ writer: Descriptor) -> Never {
    close(writer.rawValue)
    let report = (try? reader.readAll(limit: 64 << 10)) ?? nil
    if let report, !report.isEmpty {
      _ = write(STDOUT_FILENO, report, report.count)
      _exit(0)
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    _exit(clinux_wait_exited(status) != 0 ? clinux_wait_exit_code(status) : 70)
  }

  /// The detached process's way to report success.
  public final class Report {
    private var writer: Descriptor?

    fileprivate init(_ writer: Descriptor) { self.writer = writer }

    /// Makes the parent print `text` and exit; then detaches from the standard descriptors and the working directory.
    /// Call it once.
    ///
    /// - Throws: `SystemError` with EPIPE when the parent is gone; otherwise with the errno of write(2), open(2),
    ///   dup2(2) or chdir(2).
    public func succeed(_ text: String) throws(SystemError) {
      try writer?.writeAll(Array((text + "\n").utf8))
      // Closed, because the parent reads until the end.
      writer = nil
      let null = try Descriptor.open("/dev/null", O_RDWR)
      for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
        try check("dup2") { dup2(null.rawValue, number) }
      }
      try check("chdir /") { chdir("/") }
    }
  }

  /// Writes this process's id and a newline to a file, replacing its content; creates it with mode 0644. A symbolic
  /// link is not followed.
  ///
  /// - Throws: `SystemError` with ELOOP for a symbolic link; otherwise with the errno of open(2) or write(2).
  public static func writePidFile(_ path: String) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
    try file.writeAll(Array("\(getpid())\n".utf8))
  }

  /// Removes a file; does nothing when there is none.
  public static func removePidFile(_ path: String) { unlink(path) }

  /// The id of this process. getpid(2)
  public static var processID: Int32 { getpid() }

  /// The real user of this process. getuid(2)
  public static var userID: UInt32 { getuid() }
}
