import Foundation
import Testing

extension Interop {
  /// A service that fails visibly, and recovers: reloads, missing addresses, log levels.
  @Suite(.serialized) struct ServiceState {
    /// Listens on an address in place of the daemon, until it is ended.
    private func occupy(_ address: String, _ port: UInt16) throws -> Client {
      let script = """
        import socket, sys
        s = socket.create_server((sys.argv[1], int(sys.argv[2])))
        print("listens", flush=True)
        sys.stdin.read()
        """
      let client = try Client([Daemon.python, "-c", script, address, "\(port)"])
      try client.output.line(with: "listens")
      return client
    }

    private func reload(_ daemon: Daemon) throws -> Outcome { try run([daemon.server, "reload", "\(daemon.pid)"]) }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a reload that changes nothing fails, and the status says since when, until one succeeds`() throws {
      let path = "/tmp/bssh-notified-\(UInt32.random(in: 0...999_999_999))"
      defer { unlink(path) }
      let manager = try Client([Daemon.python, Daemon.client("notified.py"), path])
      defer { manager.end() }
      try manager.output.line(with: "bound")
      try withDaemon(environment: ["NOTIFY_SOCKET": path]) { daemon throws in
        let file = "\(daemon.directory)/server.yaml"
        let good = try daemon.configuration
        try daemon.configure(good.replacingOccurrences(of: "  port:", with: "  prot:"))
        var outcome = try reload(daemon)
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("unknown key; did you mean 'port'?"))
        try manager.output.line(with: "STATUS=listening on 127.0.0.1:\(daemon.port); \(file) refused since", "UTC")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")

        // A configuration that loads, but cannot be listened on, is refused as well, and the first time stays.
        let other = try Daemon.freePort()
        let occupant = try occupy("127.0.0.1", other)
        defer { occupant.end() }
        try daemon.configure(good.replacingOccurrences(of: "  port: \(daemon.port)", with: "  port: \(other)"))
        outcome = try reload(daemon)
        #expect(outcome.status == 78)
        #expect(outcome.errors.contains("listen on 127.0.0.1:\(other): Address already in use"))

        try daemon.configure(good)
        outcome = try reload(daemon)
        #expect(outcome.status == 0 && outcome.errors == "")
        // The service manager is told as well as the caller.
        eventually(within: 30, "the fourth state, in which nothing is refused") {
          let states = manager.output.all.split(separator: "\n").filter { $0.contains("READY=1") }
          return states.count == 4 && states.last?.contains("refused since") == false
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/run/bssh") == ["empty"])
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `only a supervisor can be asked to reload`() throws {
      let other = try Client(["sleep", "60"])
      defer { other.end() }
      try withDaemon { daemon throws in
        let outcome = try run([daemon.server, "reload", "\(other.pid)"])
        #expect(outcome.status == 66)
        #expect(outcome.errors.contains("is not a bssh-supervisor"))
        #expect(kill(other.pid, 0) == 0)
        #expect(try run([daemon.server, "reload"]).status == 64)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [true, false])
    func `an address in use does not affect the others, and is served when it is free`(
      atStart: Bool
    ) throws {
      let port = try Daemon.freePort()
      let occupant = try occupy("127.0.0.2", port)
      defer { occupant.end() }
      let both = "[\"127.0.0.2:\(port)\", \"127.0.0.1:DAEMON\"]"
      let addresses = atStart ? "[\"127.0.0.2:\(port)\", 127.0.0.1]" : "[127.0.0.1]"
      try withDaemon(server: ["bind_address": addresses]) { daemon throws in
        if !atStart {
          let text = try daemon.configuration
          try daemon.reload(
            text.replacingOccurrences(
              of: "bind_address: [127.0.0.1]",
              with: "bind_address: " + both.replacingOccurrences(of: "DAEMON", with: "\(daemon.port)")))
        }
        try daemon.log.line(with: "warning", "listen on 127.0.0.2:\(port): Address already in use")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        occupant.end()
        try daemon.log.line(with: "listening on 127.0.0.2:\(port)")
        let there = ["-p", "\(port)", "-o", "HostName=127.0.0.2", "-o", "StrictHostKeyChecking=no", "host", "echo in"]
        #expect(try run(["ssh", "-F", "\(daemon.directory)/ssh_config"] + there).output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without any of its addresses the daemon does not start, and names each`()
      throws
    {
      try withDaemon { daemon throws in
        let occupant = try occupy("127.0.0.2", daemon.port)
        defer { occupant.end() }
        let outcome = try run([
          daemon.server, "run", "-D", "-c", "\(daemon.directory)/server.yaml", "-b", "127.0.0.1", "-b", "127.0.0.2",
        ])
        #expect(outcome.status == 71)
        #expect(outcome.errors.contains("listen on 127.0.0.1:\(daemon.port): Address already in use"))
        #expect(outcome.errors.contains("listen on 127.0.0.2:\(daemon.port): Address already in use"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `errors at the start have the priority of an error in journald`()
      throws
    {
      try withDaemon { daemon throws in
        let broken = "\(daemon.directory)/broken.yaml"
        try Data("server: {prot: 1}\n".utf8).write(to: URL(fileURLWithPath: broken))
        chmod(broken, 0o600)
        let script = """
          exec 2>"$1/stderr"; export JOURNAL_STREAM=$(stat -c %d:%i "$1/stderr")
          "$2" run -D -c "$1/broken.yaml"
          """
        #expect(try run(["sh", "-c", script, "sh", daemon.directory, daemon.server]).status == 78)
        let lines = try String(contentsOfFile: "\(daemon.directory)/stderr", encoding: .utf8).split(separator: "\n")
        #expect(lines.contains { $0.contains("unknown key; did you mean 'port'?") })
        #expect(lines.allSatisfy { $0.hasPrefix("<3>") || $0.hasPrefix("<4>warning: ") })
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a reload changes the log level, and the command line takes precedence`() throws
    {
      try withDaemon(arguments: []) { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(!daemon.log.all.contains("debug:"))
        let text = try daemon.configuration
        let start = daemon.log.count
        try daemon.reload(text.replacingOccurrences(of: "server:\n", with: "server:\n  log_level: debug\n"))
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try daemon.log.line(with: "debug:", after: start)
        try daemon.configure(text.replacingOccurrences(of: "server:\n", with: "server:\n  log_level: warning\n"))
        daemon.signal(SIGHUP)
        eventually(within: 20, "a login that logs nothing") {
          let start = daemon.log.count
          return (try? daemon.ssh("host", "echo in").output) == "in\n" && daemon.log.count == start
        }
      }
      try withDaemon(server: ["log_level": "error"], arguments: ["-v"]) { daemon throws in
        try daemon.log.line(with: "debug:")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [Daemon.Mode.asIs, .unprivileged])
    func `where a container forbids Landlock everything works, and the log says what to allow`(mode: Daemon.Mode) throws
    {
      if mode == .unprivileged, !isRoot { return }
      let launcher = ["/usr/bin/python3", Daemon.client("without_landlock.py")]
      try withDaemon(mode: mode, launcher: launcher) { daemon throws in
        try daemon.log.line(with: "transports are weaker", "landlock_create_ruleset, landlock_add_rule and")
        try daemon.log.line(with: "journal ", "says: a filter of system calls")
        try daemon.log.line(with: "authority ", "says: a filter of system calls")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        _ = try daemon.sftp("pwd")
      }
    }
  }
}
