import Foundation
import Testing

extension Interop {
  /// What the daemon knows and nobody may find.
  @Suite(.serialized) struct Secrets {
    /// `Max core file size` of a process: what counts now, and how far it may be raised.
    private func coreLimits(_ pid: pid_t) throws -> [Substring] {
      let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
      return Array(line.split(separator: " ")[4...5])
    }

    @Test(.timeLimit(.minutes(1))) func `no process of the daemon may leave a core file, a login's programs may`()
      throws
    {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "ulimit -Sc; ulimit -Hc; exec cat")
        try client.output.line { !$0.isEmpty }
        let copy = try Client(["sftp", "-S", "\(daemon.directory)/ssh", "host"], environment: daemon.environment)
        try daemon.log.line(with: "SFTP started")
        eventually("the transfer's own limit") { daemon.processes("bssh-transfer").count == 1 }
        let names = Set(Daemon.programs).subtracting(["bssh-server"])
        #expect(Set(daemon.processes.map(\.name)).isSuperset(of: names))
        for process in daemon.processes where names.contains(process.name) {
          eventually("no core of \(process.title)") { (try? coreLimits(process.pid).first) == "0" }
        }
        // As the daemon was started.
        let own = try coreLimits(getpid()).map { $0 == "unlimited" ? "unlimited" : String((Int($0) ?? 0) / 512) }
        eventually("both limits") { client.output.all.split(separator: "\n").count == 2 }
        #expect(client.output.all.split(separator: "\n").map(String.init) == own)
        copy.end()
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `nobody of the same user may look into a process of the daemon`() throws {
      try withDaemon(mode: .unprivileged) { daemon throws in
        let client = try daemon.startSSH("host", "echo in; exec cat")
        try client.output.line(with: "in")
        let names = Set(Daemon.programs).subtracting(["bssh-server", "bssh-transfer"])
        #expect(Set(daemon.processes.map(\.name)).isSuperset(of: names))
        for process in daemon.processes where names.contains(process.name) {
          // proc(5): the files of a process that is not dumpable belong to root.
          var entry = stat()
          #expect(stat("/proc/\(process.pid)/mem", &entry) == 0 && entry.st_uid == 0, "\(process.title)")
          let look = try run(["setpriv", "--reuid=65533", "--clear-groups", "cat", "/proc/\(process.pid)/environ"])
          #expect(look.status != 0, "\(process.title)")
        }
        // A login's programs are the user's own.
        let cat = try #require(daemon.processes("cat").first)
        var entry = stat()
        #expect(stat("/proc/\(cat.pid)/mem", &entry) == 0 && entry.st_uid == 65533)
        client.closeInput()
        try client.wait()
      }
    }
  }
}
