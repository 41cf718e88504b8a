import Foundation
import IPC
import Testing

extension Interop {
  /// A compromised process of the daemon can neither block the supervisor nor write what looks like its log lines.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct HostileProcesses {
    /// A daemon with one of each process, and a login.
    private func withLogin(_ body: (Daemon, RunningProcess) throws -> Void) throws {
      let exporters =
        "[{type: file, path: DIRECTORY/audit/audit.log}, {type: logstash, host: 127.0.0.1, port: 9}]"
      try withDaemon(audit: ["exporters": exporters, "recording": "{enabled: true}"]) { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready", within: 30)
        try body(daemon, try #require(daemon.session(of: daemon.user)))
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }

    @Test(
      .timeLimit(.minutes(2)),
      arguments: ["nobody-has-a-way-for-one", "what-a-process-sends-is-bytes"])
    func `no process can make the supervisor close arbitrary descriptors`(claim: String) throws {
      try withLogin { daemon, _ throws in
        try daemon.claim("descriptors.py", claim)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a partial message blocks nobody else`() throws {
      try withLogin { daemon, session throws in
        let other = try daemon.startSSH("host", "echo ready; cat")
        try other.output.line(with: "ready", within: 30)
        let attacked = try #require(daemon.sessions(of: daemon.user).first { $0.pid != session.pid })
        try daemon.claim(
          "descriptors.py", "no-message-makes-it-wait", environment: ["SESSION": "\(attacked.pid)"])
        other.end()
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `an impossible message length ends the process that sent it, and only its login`() throws {
      try withLogin { daemon, session throws in
        let other = try daemon.startSSH("host", "echo ready; cat")
        try other.output.line(with: "ready", within: 30)
        let attacked = try #require(daemon.sessions(of: daemon.user).first { $0.pid != session.pid })
        let script = """
          import os, sys; sys.path.insert(0, sys.argv[1]); from socket_of import to_supervisor
          os.write(to_supervisor(\(attacked.pid)), b"\\xff" * 4)
          """
        let clients = (Daemon.client("socket_of.py") as NSString).deletingLastPathComponent
        #expect(try run([Daemon.python, "-c", script, clients], environment: daemon.environment).status == 0)
        eventually(within: 30, "its end") { !RunningProcess.isRunning(attacked.pid) }
        #expect(try other.wait() != 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `no other process has the daemon's standard error`() throws {
      try withLogin { daemon, _ throws in
        eventually("cat runs") { !daemon.processes("cat").isEmpty }
        let own = try #require(RunningProcess(daemon.pid)).descriptors[2]
        let others = daemon.processes.filter { $0.pid != daemon.pid }
        let names = Set(others.map(\.name))
        for name in [
          "bssh-transport", "bssh-authority", "bssh-session", "bssh-journal", "bssh-recorder", "bssh-exporter", "cat",
        ] {
          #expect(names.contains(name), "\(names)")
        }
        for process in others {
          #expect(!process.descriptors.values.contains { $0 == own }, "\(process.title)")
        }
        // Neither do programs of a user.
        let supervisor = Set(try #require(RunningProcess(daemon.pid)).descriptors.values)
        for process in others where !process.name.hasPrefix("bssh-") {
          #expect(!process.descriptors.values.contains { $0.hasPrefix("pipe:") && supervisor.contains($0) })
        }
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["bssh-authority", "bssh-session", "bssh-transport", "bssh-journal", "bssh-recorder"])
    func `what a process writes to its standard error is a line with its name, escaped and bounded`(name: String) throws
    {
      try withLogin { daemon, _ throws in
        let process = try #require(daemon.processes(name).first { !$0.title.hasSuffix("zygote") })
        let forged = "<3>2026-01-01T00:00:00Z error: forged \u{1b}[2J\u{2066}"
        let errors = open("/proc/\(process.pid)/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(errors >= 0)
        defer { close(errors) }
        let bytes = Array((forged + "\n").utf8)
        #expect(write(errors, bytes, bytes.count) == bytes.count)
        let line = try daemon.log.line(with: "\(process.pid) says: <3>2026")
        #expect(line.contains("forged \\x1b[2J\\u{2066}"))
        // A flood does not become a flood of lines, and logins of others continue.
        let flood = Array(String(repeating: "flood\n", count: 600).utf8)
        for _ in 0..<5 {
          for _ in 0..<100 { _ = write(errors, flood, flood.count) }
          #expect(try daemon.ssh("host", "echo in").output == "in\n")
        }
        #expect(daemon.log.all.split(separator: "\n").count { $0.contains("says: flood") } <= 20)
      }
    }
  }
}
