import CLinux
import Glibc

/// What a process does to live on without the one that started it. daemon(7)
public enum Daemon {
  /// Which of two processes this is.
  public enum Side: Sendable {
    case parent(child: pid_t)
    case child
  }

  /// Makes a copy of this process. fork(2)
  public static func fork() throws(SystemError) -> Side {
    let pid = try check("fork") { clinux_fork() }
    return pid == 0 ? .child : .parent(child: pid)
  }

  /// Goes on in a child that leads its own session; this process waits for its report.
  ///
  /// Returns in the child only. The parent prints the line that ``Report/succeed(_:)`` got and exits with 0; when the child ends
  /// without a report, it exits as the child did.
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

  /// How a detached process says that it works.
  public final class Report {
    private var writer: Descriptor?

    fileprivate init(_ writer: Descriptor) { self.writer = writer }

    /// Lets the parent print `text` and exit; then lets go of the terminal and the directory that it was started in.
    /// Call it once.
    public func succeed(_ text: String) throws(SystemError) {
      try writer?.writeAll(Array((text + "\n").utf8))
      // The parent reads to the end.
      writer = nil
      let null = try Descriptor.open("/dev/null", O_RDWR)
      for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
        try check("dup2") { dup2(null.rawValue, number) }
      }
      try check("chdir /") { chdir("/") }
    }
  }

  /// Writes this process's id to a file, replacing it. Mode 0644.
  public static func writePidFile(_ path: String) throws(SystemError) {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
    try file.writeAll(Array("\(getpid())\n".utf8))
  }

  /// Removes a file; nothing happens when it is not there.
  public static func removePidFile(_ path: String) { unlink(path) }

  /// The id of this process.
  public static var processID: Int32 { getpid() }

  /// The user that this process runs as.
  public static var userID: UInt32 { getuid() }
}
