import Foundation
import Testing

extension Interop {
  /// Start, reload, hand-over and end.
  @Suite(.serialized) struct Supervisor {
    @Test(.timeLimit(.minutes(3))) func `SIGTERM disconnects clients, and the daemon exits with 0`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        let waiting = try daemon.startSSH("-o", "PreferredAuthentications=none", "host")
        daemon.signal(SIGTERM)
        #expect(try client.wait(within: 10) == 255)
        #expect(try client.errors.whole().contains("Received disconnect from 127.0.0.1"))
        #expect(try daemon.exitCode() == 0)
        try waiting.wait()
        try daemon.log.line(with: "shutting down")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `SIGHUP loads a new configuration, and open sessions continue`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        try daemon.reload(try daemon.configuration + "shell:\n  env: {GREETING: hello}\n")
        #expect(try daemon.ssh("host", "echo $GREETING").output == "hello\n")
        try client.send("still here\n")
        try client.output.line(with: "still here")
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `an invalid new configuration leaves the old one in effect`() throws {
      try withDaemon(shell: ["env": "{GREETING: hello}"]) { daemon throws in
        let good = try daemon.configuration
        for bad in [good + "nonsense: 1\n", "server: [", good.replacingOccurrences(of: "host0", with: "nohost")] {
          try daemon.configure(bad)
          let start = daemon.log.count
          daemon.signal(SIGHUP)
          try daemon.log.line(with: "the new configuration is not used", after: start)
          #expect(try daemon.ssh("host", "echo $GREETING").output == "hello\n")
        }
        try daemon.log.line(with: "server.yaml:", "nonsense", "unknown key")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `SIGUSR1 ends the main process, and logins continue, including rekeying`()
      throws
    {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("-v", "-o", "RekeyLimit=1M", "host", "echo ready; cat")
        try client.output.line(with: "ready")
        daemon.signal(SIGUSR1)
        #expect(try daemon.exitCode() == 0)
        #expect(try daemon.ssh("host", "echo in").status == 255)
        let block = String(repeating: String(repeating: "x", count: 999) + "\n", count: 1000)
        for _ in 0..<3 { try client.send(block) }
        try client.send("end\n")
        try client.output.line { $0 == "end" }
        #expect(client.errors.all.components(separatedBy: "SSH2_MSG_NEWKEYS received").count > 2)
        client.closeInput()
        #expect(try client.wait() == 0)
        #expect(client.output.count == 3_000_000 + "ready\nend\n".utf8.count)
        eventually("nobody is left") { daemon.processes.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without logins SIGUSR1 ends the daemon`() throws {
      try withDaemon { daemon throws in
        daemon.signal(SIGUSR1)
        #expect(try daemon.exitCode() == 0)
        eventually("nobody is left") { daemon.processes.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `each connection's lines contain its number`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 0)
        let closed = try daemon.log.line(with: "closed:")
        let number = try #require(closed.firstMatch(of: /\[\d+\]/)).0
        for what in ["connection from", "accepted", "logged in", "command started", "exited with 0"] {
          try daemon.log.line(with: String(number), what)
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `spare processes end with the daemon`() throws {
      let daemon = try Daemon()
      let client = try daemon.startSSH("host", "echo ready; cat")
      try client.output.line(with: "ready")
      daemon.signal(SIGKILL)
      #expect(try daemon.exitCode() == -9)
      eventually("spare transports and authorities are gone") {
        daemon.processes.allSatisfy { $0.name != "bssh-authority" && !$0.title.hasSuffix("spare") }
      }
      client.end()
      eventually("everything is gone") { daemon.processes.isEmpty }
    }

    @Test(.timeLimit(.minutes(3)))
    func `an invalid configuration keeps the daemon from starting, and says where`() throws {
      let daemon = try Daemon()
      defer { try? daemon.stop() }
      try daemon.configure(try daemon.configuration + "securty: {}\n")
      let outcome = try run([daemon.server, "run", "-D", "-c", "\(daemon.directory)/server.yaml"])
      #expect(outcome.status == 78)
      #expect(outcome.errors.contains("server.yaml:"))
      #expect(outcome.errors.contains("unknown key"))
    }

    @Test(.timeLimit(.minutes(3))) func `without -D it leaves the terminal, and writes its process id to the pid file`()
      throws
    {
      let daemon = try Daemon()
      defer { try? daemon.stop() }
      let port = try Daemon.freePort()
      let file = "\(daemon.directory)/pid"
      let guardian = try Client(
        [
          Daemon.python, Daemon.client("subreaper.py"), daemon.server, "run", "-c", "\(daemon.directory)/server.yaml",
          "-p", String(port), "--pid-file", file,
        ])
      try guardian.output.line { $0 == "exit 0" }
      let pid = try #require(pid_t(try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)))
      #expect(
        try daemon.ssh("-o", "Port=\(port)", "-o", "StrictHostKeyChecking=no", "host", "echo in").output == "in\n")
      kill(pid, SIGTERM)
      eventually("it has ended") { !RunningProcess.isRunning(pid) }
      #expect(!FileManager.default.fileExists(atPath: file))
      guardian.closeInput()
      try guardian.wait(within: 20)
      #expect(!(try guardian.output.whole().contains("left")))
    }
  }
}
