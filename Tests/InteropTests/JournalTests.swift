import Foundation
import Testing

extension Interop {
  /// The journal of a daemon: what becomes of events, whatever happens to the processes that write them.
  @Suite(.serialized) struct JournalWriting {
    /// Keys of `audit` with these keys of its file.
    private func file(_ keys: String, _ more: Daemon.Keys = [:]) -> Daemon.Keys {
      ["exporters": "[{type: file, path: DIRECTORY/audit/audit.log, \(keys)}]"].merging(more) { $1 }
    }

    private func connections(_ daemon: Daemon, _ count: Int) throws {
      for _ in 0..<count {
        let outcome = try daemon.shell("exec 3<>/dev/tcp/127.0.0.1/$PORT; head -c 4 <&3; printf 'SSH-2.0-x\\r\\n' >&3")
        #expect(outcome.output == "SSH-")
      }
    }

    /// The single process that writes the journal.
    private func writer(_ daemon: Daemon) throws -> RunningProcess {
      let limit = Date(timeIntervalSinceNow: 30)
      while true {
        if let process = daemon.processes("bssh-journal").first(where: { !$0.isZombie }) { return process }
        if Date() > limit { throw Failure("no bssh-journal runs") }
        usleep(5000)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `start, configurations, connections and end are in the journal, in order`()
      throws
    {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 0)
        let good = try daemon.configuration
        try daemon.configure(good + "nonsense: 1\n")
        daemon.signal(SIGHUP)
        let rejected = try daemon.events.event("configuration_rejected")
        #expect(rejected["result"] == "failure")
        #expect(rejected["details"]?.contains("nonsense: unknown key") == true)
        try daemon.reload(good)
        try daemon.events.events(2, of: "configuration_loaded")
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        let all = try daemon.events.all()
        let types = all.map(\.type).filter { $0.hasPrefix("daemon") || $0.hasPrefix("configuration") }
        #expect(
          types == [
            "daemon_started", "configuration_loaded", "configuration_rejected", "configuration_loaded",
            "daemon_stopped",
          ])
        #expect(all[0]["details"]?.hasPrefix("bssh-server ") == true)
        #expect(all[1]["path"] == "\(daemon.directory)/server.yaml")
        #expect(all.allSatisfy { $0["host"] == ProcessInfo.processInfo.hostName })
        let open = try #require(all.first { $0.type == "connection_open" })
        #expect(open["client_ip"] == "127.0.0.1")
        #expect(open.number("client_port") ?? 0 > 0 && open.number("connection_id") ?? 0 > 0)
        #expect(all.map { $0.number("seq") } == Array(1...all.count))
      }
    }

    @Test(.timeLimit(.minutes(2))) func `the chain continues across restarts of the daemon`() throws {
      try withDaemon { daemon throws in
        let port = try Daemon.freePort()
        for count in 1...3 {
          let another = try Client(
            [
              Daemon.python, Daemon.client("subreaper.py"), daemon.server, "run", "-D", "-c",
              "\(daemon.directory)/server.yaml", "-p", String(port),
            ])
          try another.errors.line(with: "ready", within: 30)
          let line = try another.output.line { $0.hasPrefix("pid ") }
          kill(pid_t(line.dropFirst(4))!, SIGTERM)
          try another.output.line { $0 == "exit 0" }
          another.closeInput()
          try another.wait()
          // The first daemon writes to the same journal all the time.
          try connections(daemon, 3)
          try daemon.events.events(count, of: "daemon_stopped")
        }
        try daemon.events.events(9, of: "connection_open")
        try #require(try daemon.events.problem() == nil)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `with audit.enabled false there is no journal and no process for it`() throws {
      try withDaemon(audit: ["enabled": "false"]) { daemon throws in
        daemon.keepsJournal = false
        #expect(try daemon.ssh("host", "true").status == 0)
        #expect(daemon.processes("bssh-journal").isEmpty)
        #expect(!FileManager.default.fileExists(atPath: daemon.events.path))
        let off = try daemon.configuration
        try daemon.reload(off.replacingOccurrences(of: "enabled: false", with: "enabled: true"))
        try daemon.events.event("configuration_loaded")
        try daemon.reload(off)
        eventually(within: 30, "the journal's process has ended") { daemon.processes("bssh-journal").isEmpty }
        let loaded = try daemon.events.all("configuration_loaded")
        #expect(loaded.count == 2)
        #expect(loaded.last?["details"] == "audit.enabled is false: nothing more is written here")
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the process of the journal has its account, its files and nothing else`() throws {
      try withDaemon { daemon throws in
        try daemon.events.event("daemon_started")
        let process = try writer(daemon)
        let account = getpwnam("bssh-audit").pointee
        #expect(process.uid == account.pw_uid)
        #expect(process.status("Groups").isEmpty)
        #expect(process.status("NoNewPrivs") == "1")
        #expect(process.status("Seccomp") == "2")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(process.status(set) == "0000000000000000") }
        for target in process.descriptors.values {
          let isKnown = ["socket:", "pipe:", "/dev/null", "\(daemon.directory)/audit"].contains { target.hasPrefix($0) }
          #expect(isKnown, "\(target)")
        }
        for name in ["", "/audit.log", "/audit.log.head"] {
          let attributes = try FileManager.default.attributesOfItem(atPath: "\(daemon.directory)/audit\(name)")
          #expect(attributes[.posixPermissions] as? Int == (name.isEmpty ? 0o700 : 0o600), "\(name)")
          #expect(attributes[.ownerAccountID] as? uid_t == account.pw_uid, "\(name)")
        }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a file that is moved away is followed by a new one at SIGHUP`() throws {
      try withDaemon { daemon throws in
        try connections(daemon, 2)
        try daemon.events.events(2, of: "connection_open")
        let path = daemon.events.path
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        let start = daemon.log.count
        daemon.signal(SIGHUP)
        try daemon.log.line(with: "the new configuration applies", after: start)
        eventually(within: 30, "a new file") { FileManager.default.fileExists(atPath: path) }
        try connections(daemon, 1)
        try daemon.events.events(3, of: "connection_open")
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("connection_open"))
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a new path is a new journal, from the reload on`() throws {
      try withDaemon { daemon throws in
        try connections(daemon, 1)
        try daemon.events.events(1, of: "connection_open")
        try daemon.reload(daemon.configuration.replacingOccurrences(of: "audit/audit.log", with: "audit/other.log"))
        let other = DaemonJournal(path: "\(daemon.directory)/audit/other.log")
        try other.event("configuration_loaded")
        try connections(daemon, 2)
        try other.events(2, of: "connection_open")
        #expect(try daemon.events.all("connection_open").count == 1)
        try #require(try other.problem() == nil)
        #expect(try other.all()[0].number("seq") == 1)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `rotated files are numbered, compressed and limited, and the chain covers all`()
      throws
    {
      try withDaemon(audit: file("rotate: {max_size: 4KiB, max_backups: 3}")) { daemon throws in
        // A file may exceed its size by a whole batch: events that come at once are one batch, so each connection is
        // written before the next one starts.
        for _ in 0..<30 {
          let before = daemon.events.lastNumber
          try connections(daemon, 1)
          eventually(within: 30, "the start and the end of the connection") { daemon.events.lastNumber >= before + 2 }
        }
        let folder = "\(daemon.directory)/audit"
        eventually(within: 30, "three older files, compressed") {
          let names = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted()
          return names
            == [
              "audit-files.log", "audit-files.log.head", "audit.log", "audit.log.1.gz", "audit.log.2.gz",
              "audit.log.3.gz", "audit.log.head",
            ]
        }
      }
    }
  }
}
