import Foundation
import Testing

extension Interop {
  /// The daemon as a service manager, or a user of a shell, sees it.
  @Suite(.serialized) struct Service {
    @Test(.timeLimit(.minutes(3))) func `the service manager is told of start, reload and end`() throws {
      let path = "/tmp/bssh-notified-\(UInt32.random(in: 0...999_999_999))"
      defer { unlink(path) }
      let manager = try Client([Daemon.python, Daemon.client("notified.py"), path])
      defer { manager.end() }
      try manager.output.line(with: "bound")
      try withDaemon(environment: ["NOTIFY_SOCKET": path]) { daemon throws in
        try manager.output.line(with: "READY=1", "STATUS=listening on 127.0.0.1:\(daemon.port)")
        daemon.signal(SIGHUP)
        try manager.output.line(with: "RELOADING=1", "MONOTONIC_USEC=")
        try daemon.log.line(with: "the new configuration applies")
      }
      try manager.output.line(with: "STOPPING=1")
      #expect(manager.output.all.split(separator: "\n").count { $0.contains("READY=1") } == 2)
    }

    @Test(.timeLimit(.minutes(3)))
    func `the contents of a journal add nothing else to the service manager's status and the log`()
      throws
    {
      let path = "/tmp/bssh-notified-\(UInt32.random(in: 0...999_999_999))"
      defer { unlink(path) }
      let manager = try Client([Daemon.python, Daemon.client("notified.py"), path])
      defer { manager.end() }
      try manager.output.line(with: "bound")
      let replace = { (files: Daemon.Preparation) in try files.standIn("fake_journal.py", for: "bssh-journal") }
      try withDaemon(environment: ["NOTIFY_SOCKET": path], prepare: replace) { daemon throws in
        let escaped = "disk\\x0aMAINPID=4242\\x0aEXTEND_TIMEOUT_USEC=1\\x0a<3>forged \\u{202e}"
        try daemon.log.line(with: "events cannot be written: \(escaped)")
        let line = try manager.output.line(with: "CANNOT BE WRITTEN")
        #expect(line.contains(escaped))
        #expect(!line.contains(" MAINPID=4242") && !line.contains(" EXTEND_TIMEOUT_USEC"))
        #expect(!daemon.log.all.split(separator: "\n").contains { $0.hasPrefix("MAINPID") || $0.hasPrefix("<3>") })
        daemon.keepsJournal = false
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: access("/usr/bin/systemd-socket-activate", X_OK) == 0))
    func `the sockets of a service manager override the configured address`() throws {
      try withDaemon { daemon throws in
        let port = try Daemon.freePort()
        let activated = try Client([
          "systemd-socket-activate", "-l", "127.0.0.1:\(port)", daemon.server, "run", "-D", "-c",
          "\(daemon.directory)/server.yaml",
        ])
        defer { activated.end() }
        try activated.errors.line(with: "Listening on")
        let script = "$SSH -p \(port) -o StrictHostKeyChecking=no host echo in"
        #expect(try daemon.shell(script).output == "in\n")
        #expect(activated.errors.all.contains("listening on 127.0.0.1:\(port)"))
        activated.signal(SIGTERM)
        #expect(try activated.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without -D it detaches once it listens, and prints where`() throws {
      try withDaemon { daemon throws in
        let port = try Daemon.freePort()
        let pidFile = "\(daemon.directory)/detached.pid"
        let run = try Client([
          daemon.server, "run", "-c", "\(daemon.directory)/server.yaml", "-p", "\(port)", "--pid-file", pidFile,
        ])
        #expect(try run.wait() == 0)
        let pid = try #require(pid_t(try String(contentsOfFile: pidFile, encoding: .utf8).filter(\.isNumber)))
        #expect(try run.output.whole() == "bssh-server: listening on 127.0.0.1:\(port), pid \(pid)\n")
        #expect(try daemon.shell("$SSH -p \(port) -o StrictHostKeyChecking=no host echo in").output == "in\n")
        kill(pid, SIGTERM)
        eventually(within: 10, "the end of the detached daemon") {
          !FileManager.default.fileExists(atPath: pidFile)
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a port in use is an error that says so`() throws {
      try withDaemon { daemon throws in
        for foreground in [["-D"], []] {
          let second = try Client([daemon.server, "run", "-c", "\(daemon.directory)/server.yaml"] + foreground)
          #expect(try second.wait() == 71)
          #expect(try second.errors.whole().contains("listen on 127.0.0.1:\(daemon.port): Address already in use"))
        }
      }
    }
  }
}
