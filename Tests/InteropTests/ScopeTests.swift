import Foundation
import Testing

private let hasBus = access("/usr/bin/dbus-daemon", X_OK) == 0

extension Interop {
  /// Logins move out of the service into scopes of their own. The bus is real, systemd on it is not.
  @Suite(.serialized, .enabled(if: isRoot && hasBus, Comment(rawValue: "\(needsRoot); needs dbus-daemon")))
  struct Scopes {
    /// Runs a daemon with a bus, on which a script takes the place of systemd.
    private func withManager(_ mode: String, _ body: (Daemon, Client) throws -> Void) throws {
      let directory = "/tmp/bssh-bus-\(UInt32.random(in: 0...999_999_999))"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let manager = try Client([Daemon.python, Daemon.client("systemd_mock.py"), directory, mode])
      defer { manager.end() }
      try manager.output.line(with: "ready")
      try withDaemon(environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(directory)/bus"]) { daemon throws in
        try body(daemon, manager)
      }
    }

    /// Waits until `count` scopes were requested, and returns them.
    private func scopes(_ manager: Client, _ count: Int) throws -> [[String: Any]] {
      let lines = { manager.output.all.split(separator: "\n").filter { $0.hasPrefix("{") } }
      eventually("\(count) scopes") { lines().count >= count }
      return try lines().map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["done", "old"])
    func `a login's session process is moved into a scope in the slice of its user`(mode: String) throws {
      try withManager(mode) { daemon, manager in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        _ = try daemon.sftp("pwd")
        let all = try scopes(manager, 2)
        #expect(all.count == 2)
        for scope in all {
          #expect((scope["name"] as? String)?.hasPrefix("bssh-login-\(daemon.pid)-") == true)
          #expect((scope["name"] as? String)?.hasSuffix(".scope") == true)
          #expect(scope["mode"] as? String == "fail")
          #expect(scope["Slice"] as? String == "user-\(daemon.user.uid).slice")
          #expect((scope["Description"] as? String)?.hasPrefix("SSH login of \(daemon.user.name) [") == true)
          #expect(scope["commands"] as? [String] == ["bssh-session: \(daemon.user.name)"])
          #expect(scope["SendSIGHUP"] as? String == "1")
          // If it belonged to the service, a restart would wait for what waits for it.
          #expect(scope["After"] as? [String] == ["network.target", "remote-fs.target"])
          #expect(scope["TasksMax"] as? String == String(UInt64.max))
          #expect((scope["OOMPolicy"] as? String) == (mode == "old" ? nil : "continue"))
        }
        #expect(Set(all.compactMap { $0["name"] as? String }).count == 2)
        #expect(!daemon.log.all.contains("stay in the service's control group"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `no program runs before its login is in its scope`() throws {
      try withManager("slow") { daemon, manager in
        for _ in 0..<3 {
          let start = Date()
          #expect(try daemon.ssh("host", "echo in").output == "in\n")
          #expect(Date().timeIntervalSince(start) >= 0.3)
        }
        let together = try (0..<5).map { _ in try daemon.startSSH("host", "echo in") }
        for client in together { #expect(try client.wait() == 0) }
        #expect(try scopes(manager, 8).count == 8)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [("refuse", "no scopes here"), ("silent", "systemd does not answer")])
    func `logins continue if no scope can be created, and the log says why once`(mode: String, reason: String) throws {
      try withManager(mode) { daemon, _ in
        for _ in 0..<3 { #expect(try daemon.ssh("host", "echo in").output == "in\n") }
        try daemon.log.line(with: "logins stay in the service's control group: \(reason)")
        let lines = daemon.log.all.split(separator: "\n").filter { $0.contains("stay in the service's control group") }
        #expect(lines.count == 1)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without systemd logins continue, and the log says so once`() throws {
      try withDaemon(environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"]) { daemon throws in
        for _ in 0..<3 { #expect(try daemon.ssh("host", "echo in").output == "in\n") }
        let lines = daemon.log.all.split(separator: "\n").filter { $0.contains("stay in the service's control group") }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("/nonexistent/bus: No such file or directory") == true)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the end of the process that talks to systemd delays nobody`() throws {
      try withManager("silent") { daemon, _ in
        let first = try daemon.startSSH("host", "echo in")
        let speakers = { daemon.processes("bssh-scopes") }
        eventually("the process that speaks with systemd") { !speakers().isEmpty }
        for process in speakers() { kill(process.pid, SIGKILL) }
        #expect(try first.wait() == 0)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `what continues after a hand-over leaves the service before that is over`()
      throws
    {
      try withManager("done") { daemon, manager in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        let session = try #require(daemon.logins.first { $0.name == "bssh-session" }?.pid)
        try daemon.restart(SIGUSR1)
        let all = try scopes(manager, 2)
        #expect(all.count == 2)
        let generation = try #require(all.last)
        #expect((generation["name"] as? String)?.hasPrefix("bssh-generation-") == true)
        #expect(generation["Slice"] == nil)
        let commands = try #require(generation["commands"] as? [String])
        #expect(commands.first?.hasPrefix("bssh-supervisor") == true)
        for name in ["bssh-transport", "bssh-authority", "bssh-journal"] {
          #expect(commands.contains { $0.hasPrefix(name) }, "\(name) is in \(commands)")
        }
        // These are in scopes of their own.
        #expect(try #require(generation["PIDs"] as? [Int]).contains(Int(session)) == false)
        try client.send("still here\n")
        try client.output.line(with: "still here")
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }
  }
}
