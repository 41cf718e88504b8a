import Foundation
import Testing

extension Interop {
  /// The events of commands, whatever their users do.
  @Suite(.serialized) struct CommandEvents {
    @Test(.timeLimit(.minutes(3))) func `a command does not run before it is in the journal`() throws {
      try withDaemon(arguments: ["-v", "-v"]) { daemon throws in
        try daemon.events.event("daemon_started")
        let writer = try #require(daemon.processes("bssh-journal").first)
        kill(writer.pid, SIGSTOP)
        defer { kill(writer.pid, SIGCONT) }
        let client = try daemon.startSSH("host", "touch \(daemon.directory)/ran 2>/dev/null; echo ran")
        try daemon.log.line(with: "channel 0: command", "starts", within: 30)
        // The login itself does not wait: a second one is answered.
        let other = try daemon.startSSH("host", "true")
        try daemon.log.line(with: "channel 0: command", "'true' starts", within: 30)
        #expect(client.output.all.isEmpty)
        kill(writer.pid, SIGCONT)
        try client.output.line(with: "ran", within: 30)
        #expect(try daemon.events.all("command_started").contains { $0["command"]?.hasPrefix("touch") == true })
        #expect(try client.wait() == 0)
        #expect(try other.wait() == 0)
      }
    }

    private func lost(_ daemon: Daemon) throws -> DaemonJournal.Event {
      let lost = try daemon.events.event("session_lost", within: 30)
      #expect(lost["user"] == daemon.user.name && lost["session_id"] != nil && lost["result"] == "error")
      try daemon.events.event("session_end", within: 30)
      let types = try daemon.events.all().map(\.type)
      // It is reported before the end of the login.
      #expect(types.firstIndex(of: "session_lost")! < types.firstIndex(of: "session_end")!)
      return lost
    }

    @Test(.timeLimit(.minutes(3))) func `the commands of a user who kills their session process are in the journal`()
      throws
    {
      try withDaemon { daemon throws in
        let script = "setsid sh -c 'echo $$ >\(daemon.user.home)/pid; exec sleep 1000' & kill -9 $PPID; wait"
        #expect(try daemon.ssh("host", script).status == 255)
        let started = try daemon.events.event("command_started")
        #expect(started["command"]?.contains("sleep 1000") == true)
        let lost = try lost(daemon)
        #expect(lost["reason"] == "killed")
        #expect(lost["details"]?.hasPrefix("1 command without an end: channel 0: exec 'setsid sh -c") == true)
        #expect(try daemon.events.all("command_executed").isEmpty)
        daemon.killProcess(running: "1000")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a session process that its user stops is reported at the end`() throws {
      try withDaemon { daemon throws in
        let script = "echo ready; read go; kill -STOP $PPID; echo stopped; cat"
        let client = try daemon.startSSH("host", script)
        // The process that it stops has sent its output by then.
        try client.output.line(with: "ready")
        try client.send("go\n")
        try client.output.line(with: "stopped")
        client.end()
        let lost = try lost(daemon)
        #expect(lost["reason"] == "stopped")
        #expect(lost["details"] == "1 command without an end: channel 0: exec '\(script)'")
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a transfer that its user kills leaves the open file and its end in the journal`()
      throws
    {
      try withDaemon { daemon throws in
        try daemon.makeLocalFile("sent", megabytes: 64)
        let kills = try daemon.startSSH(
          "host", "echo ready; while ! pkill -9 -x bssh-transfer; do sleep 0.01; done; echo killed")
        try kills.output.line(with: "ready")
        _ = try daemon.shell("scp -q -F $DIRECTORY/ssh_config $DIRECTORY/sent host:taken; true")
        try kills.output.line(with: "killed", within: 30)
        let end = try daemon.events.event("command_executed") { $0["protocol"] == "sftp" }
        #expect(end["signal"] == "KILL" && end["result"] == "failure")
        let start = try daemon.events.event("command_started") { $0["protocol"] == "sftp" }
        #expect(start["session_id"] == end["session_id"])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `ps shows whose session process it is, and on which terminals`()
      throws
    {
      try withDaemon { daemon throws in
        let master = try daemon.startSSH("-M", "-S", "\(daemon.directory)/mux", "-tt", "host", "tty; cat")
        let first = try master.output.line(with: "/dev/pts/").trimmingCharacters(in: .whitespacesAndNewlines)
        let title = { daemon.processes.map(\.title).first { $0.hasPrefix("bssh-session: \(daemon.user.name)") } }
        #expect(title() == "bssh-session: \(daemon.user.name)@\(first.dropFirst(5))")
        let second = try daemon.shell("$SSH -S $DIRECTORY/mux -tt host 'tty; ps -o args= -p $PPID'").output
        #expect(second.contains("bssh-session: \(daemon.user.name)@pts/") && second.contains(",pts/"))
        eventually("one terminal again") { title() == "bssh-session: \(daemon.user.name)@\(first.dropFirst(5))" }
        master.end()
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      .enabled(if: isRoot && access("/proc/self/loginuid", F_OK) == 0, "needs root, and a kernel with audit user ids"))
    func `programs of a login have its user's audit user id, and the process that fetches keys has none`() throws {
      try withDaemon { daemon throws in
        for _ in 0..<2 {
          let seen = try daemon.ssh("host", "cat /proc/self/loginuid; echo; cat /proc/$PPID/loginuid").output
          #expect(seen == "\(daemon.user.uid)\n\(daemon.user.uid)")
        }
        for process in daemon.processes where process.name == "bssh-session" && process.title.hasSuffix("zygote") {
          let text = try String(contentsOfFile: "/proc/\(process.pid)/loginuid", encoding: .utf8)
          #expect(text == "4294967295")
        }
      }
    }
  }
}
