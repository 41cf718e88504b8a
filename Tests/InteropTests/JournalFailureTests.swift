import Foundation
import Testing

extension Interop {
  /// The journal of a daemon when its disk or the process that writes it fails.
  @Suite(.serialized) struct JournalFailures {
    /// Opens this many connections at once, and leaves; those that are accepted first read the server's identification
    /// line.
    private static let connect = """
      for ((i = 0; i < COUNT; i++)); do
        (exec 3<>/dev/tcp/127.0.0.1/$PORT; head -c 4 <&3 >/dev/null; printf 'SSH-2.0-x\\r\\n' >&3) 2>/dev/null &
      done
      wait
      """

    private func connect(_ daemon: Daemon, _ count: Int) throws {
      #expect(try daemon.shell("COUNT=\(count); " + Self.connect).status == 0)
    }

    private func startConnecting(_ daemon: Daemon, _ count: Int) throws -> Client {
      try Client(["bash", "-c", "COUNT=\(count); " + Self.connect], environment: daemon.environment)
    }

    /// The number of connections that the log reports.
    private func connections(_ daemon: Daemon) -> Int {
      daemon.log.all.split(separator: "\n").count { $0.contains("] connection from 127.0.0.1") }
    }

    /// A daemon whose journal is on a small file system, and functions that fill and empty it.
    private func withSmallDisk(
      _ keys: Daemon.Keys, _ body: (Daemon, _ fill: () throws -> Void, _ empty: () throws -> Void) throws -> Void
    ) throws {
      let prepare = { (preparation: Daemon.Preparation) throws in
        let folder = "\(preparation.directory)/audit"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let owner = getpwnam("bssh-audit").pointee
        try succeed(
          "mount", "-t", "tmpfs", "-o", "size=256k,mode=700,uid=\(owner.pw_uid),gid=\(owner.pw_gid)", "none", folder)
      }
      try withDaemon(audit: keys, prepare: prepare) { daemon throws in
        let folder = "\(daemon.directory)/audit"
        defer { _ = try? run(["umount", "-l", folder]) }
        let fill = { _ = try run(["sh", "-c", "head -c 1M /dev/zero >\(folder)/filler"]) }
        try body(daemon, fill) { try FileManager.default.removeItem(atPath: "\(folder)/filler") }
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        try daemon.events.check(sourceLocation: #_sourceLocation)
        daemon.keepsJournal = false
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `on a full disk logins continue, and afterwards one event says how many were lost`() throws {
      try withSmallDisk(["buffer_size": "100"]) { daemon, fill, empty throws in
        try daemon.events.event("daemon_started")
        try fill()
        try connect(daemon, 60)
        try daemon.log.line(with: "events cannot be written", "No space left on device", "logins go on", within: 30)
        for _ in 0..<3 { try connect(daemon, 60) }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try empty()
        let gap = try daemon.events.event("audit_gap")
        let lost = try #require(gap["details"]?.split(separator: " ").first.flatMap { Int($0) })
        #expect(gap["reason"] == "not_written" && gap["result"] == "error")
        try daemon.log.line(with: "events are written again; \(lost) were lost")
        // Every event is there, or is one of those that are reported lost.
        try connect(daemon, 5)
        let count = connections(daemon)
        eventually(within: 30, "the last events") {
          (try? daemon.events.all("connection_open").count) ?? 0 >= count - lost
        }
        let others = try daemon.events.all().filter { $0.type != "connection_open" }.count
        #expect(try daemon.events.all("connection_open").count <= count)
        #expect(lost > 0 && others > 0)
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `with on_failure refuse a full disk admits only the rescue users`() throws {
      try withSmallDisk(["on_failure": "refuse"]) { daemon, fill, empty throws in
        let open = try daemon.startSSH("host", "echo ready; cat")
        try open.output.line(with: "ready")
        try fill()
        try connect(daemon, 60)
        try daemon.log.line(with: "events cannot be written", "no new login is let in", within: 30)
        let refused = try daemon.ssh("host", "echo in")
        #expect(refused.status == 255 && refused.output.isEmpty)
        #expect(refused.errors.contains("audit_unavailable"))
        try daemon.log.line(with: "refused '\(daemon.user.name)' by publickey: audit_unavailable")
        // Existing logins stay.
        try open.send("still here\n")
        try open.output.line(with: "still here")
        let strict = try daemon.configuration
        try daemon.reload(
          strict.replacingOccurrences(
            of: "on_failure: refuse", with: "on_failure: refuse\n  rescue_users: [\(daemon.user.name)]"))
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try daemon.reload(strict)
        #expect(try daemon.ssh("host", "echo in").status == 255)
        try empty()
        try daemon.log.line(with: "events are written again", within: 30)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        open.closeInput()
        #expect(try open.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a slow journal makes others wait, and loses nothing`() throws {
      try withDaemon(audit: ["buffer_size": "100"]) { daemon throws in
        try daemon.events.event("daemon_started")
        let writer = try #require(daemon.processes("bssh-journal").first)
        kill(writer.pid, SIGSTOP)
        let clients = try startConnecting(daemon, 150)
        try daemon.log.line(with: "the journal is slow", within: 30)
        // Nobody else gets the identification line, once the last reply of the journal has made no more room.
        let late = "exec 3<>/dev/tcp/127.0.0.1/$PORT; timeout 1 head -c 4 <&3"
        eventually("nobody is greeted") { (try? daemon.shell(late))?.output == "" }
        kill(writer.pid, SIGCONT)
        try daemon.log.line(with: "the journal keeps up again", within: 30)
        try clients.wait(within: 60)
        try daemon.events.events(150, of: "connection_open", within: 60)
        let count = connections(daemon)
        try daemon.events.events(count, of: "connection_open", within: 60)
        #expect(try daemon.events.all("connection_open").count == connections(daemon))
        #expect(try daemon.events.all("audit_gap").isEmpty)
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(5))) func `whichever process is killed, every event is there exactly once`() throws {
      try withDaemon { daemon throws in
        let names = [
          "bssh-journal", "bssh-journal", "bssh-authority", "bssh-transport", "bssh-session", "bssh-transfer",
        ]
        try daemon.makeLocalFile("sent", megabytes: 8)
        for round in 0..<50 {
          let clients = try startConnecting(daemon, 5)
          let transfer = try Client(
            ["scp", "-q", "-F", "\(daemon.directory)/ssh_config", "\(daemon.directory)/sent", "host:taken"],
            environment: daemon.environment)
          defer { transfer.end() }
          let candidates = daemon.processes.filter { $0.name == names[round % names.count] && !$0.isZombie }
          if let victim = candidates.randomElement() {
            // At any moment of the client's activity.
            usleep(UInt32.random(in: 0...30_000))
            kill(victim.pid, SIGKILL)
          }
          try clients.wait(within: 60)
          try transfer.wait(within: 60)
        }
        try daemon.log.line(with: "journal", "killed by signal 9")
        eventually(within: 30, "somebody logs in") { (try? daemon.ssh("host", "echo in").output) == "in\n" }
        let count = connections(daemon)
        #expect(count >= 200)
        try daemon.events.events(count, of: "connection_open")
        let all = try daemon.events.all("connection_open")
        #expect(all.count == count)
        #expect(Set(all.map { $0.number("connection_id") }).count == count)
        #expect(try daemon.events.all("audit_gap").allSatisfy { $0["reason"] == "torn_line" })
      }
    }

    @Test(.timeLimit(.minutes(5))) func `the next daemon continues the journal of one that was killed`()
      throws
    {
      try withDaemon { daemon throws in
        let port = try Daemon.freePort()
        try daemon.makeLocalFile("sent", megabytes: 8)
        for _ in 0..<50 {
          let another = try Client(
            [
              Daemon.python, Daemon.client("subreaper.py"), daemon.server, "run", "-D", "-c",
              "\(daemon.directory)/server.yaml", "-p", String(port),
            ])
          let pid = pid_t(try another.output.line { $0.hasPrefix("pid ") }.dropFirst(4))!
          try another.errors.line(with: "ready", within: 30)
          let environment = daemon.environment.merging(["PORT": String(port)]) { $1 }
          let clients = try Client(["bash", "-c", "COUNT=10; " + Self.connect], environment: environment)
          let transfer = try Client(
            [
              "scp", "-q", "-F", "\(daemon.directory)/ssh_config", "-P", String(port), "-o",
              "StrictHostKeyChecking=no", "\(daemon.directory)/sent", "host:taken",
            ], environment: environment)
          usleep(UInt32.random(in: 0...150_000))
          kill(pid, SIGKILL)
          try another.output.line { $0 == "exit -9" }
          clients.end()
          transfer.end()
          another.closeInput()
          try another.wait()
        }
        try connect(daemon, 3)
        try daemon.events.events(3, of: "connection_open")
        #expect(try daemon.events.problem() == nil)
        #expect(try daemon.events.all("daemon_started").count <= 51)
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a reload whose journal cannot be written changes nothing`() throws {
      try withDaemon { daemon throws in
        try daemon.events.event("daemon_started")
        let path = "\(daemon.directory)/later"
        let text = try daemon.configuration.replacingOccurrences(of: "audit/audit.log", with: "later/audit.log")
        // A file is in the place of the directory.
        try Data().write(to: URL(fileURLWithPath: path))
        try daemon.configure(text)
        daemon.signal(SIGHUP)
        try daemon.log.line(
          with: "audit.exporters[0].path: the journal cannot be written", "Not a directory", within: 30)
        try daemon.log.line(with: "the new configuration is not used")
        try connect(daemon, 1)
        try daemon.events.event("connection_open")
        try FileManager.default.removeItem(atPath: path)
        try daemon.reload(text)
        try connect(daemon, 1)
        let later = DaemonJournal(path: "\(path)/audit.log")
        try later.event("connection_open")
        try #require(try later.problem() == nil)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a directory that was removed is created again, and the journal continues there`()
      throws
    {
      try withDaemon { daemon throws in
        try daemon.events.event("daemon_started")
        try FileManager.default.removeItem(atPath: "\(daemon.directory)/audit")
        try connect(daemon, 1)
        try daemon.log.line(with: "its directory has been removed", within: 30)
        try connect(daemon, 1)
        try daemon.events.event("connection_open")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }
  }
}
