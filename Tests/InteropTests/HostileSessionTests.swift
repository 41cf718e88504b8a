import Foundation
import IPC
import Testing

extension Interop {
  /// A compromised session process names terminals of others. It writes to its own socket.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct HostileSessions {
    /// What must not change of the other login.
    private struct Victim: Equatable {
      let present: LoginRecordEntry
      let history: [LoginRecordEntry]
      let recording: Data

      /// - Parameter terminal: relative to /dev.
      init(_ daemon: Daemon, on terminal: String, recorded path: String) throws {
        present = try #require(try daemon.utmp().first { $0.terminal == terminal })
        history = try daemon.wtmp().filter { $0.terminal == terminal }
        recording = try Data(contentsOf: URL(fileURLWithPath: path))
      }
    }

    /// Has `account` on a recorded terminal, and another login of the daemon's user without one; checks whether
    /// anything of the first changes by what the second one's session process reports.
    private func attack(
      _ account: TestAccount, _ daemon: Daemon, _ body: (RunningProcess, String) throws -> Void
    ) throws {
      let victim = try daemon.startSSH("-l", account.name, "-tt", "host", "echo ready $(tty); read line")
      defer { victim.end() }
      let said = try victim.output.line(with: "ready /dev/pts/", within: 30)
      let path = said.trimmingCharacters(in: .whitespacesAndNewlines).dropFirst("ready ".count)
      let terminal = String(path.dropFirst("/dev/".count))
      eventually(within: 30, "its entry") { (try? daemon.utmp().contains { $0.terminal == terminal }) == true }
      let recording = try #require(try daemon.events.event("recording_started")["path"])
      eventually(within: 30, "its recording") {
        (try? String(contentsOfFile: recording, encoding: .utf8).contains("ready")) == true
      }
      let before = try Victim(daemon, on: terminal, recorded: recording)
      #expect(before.present.type == USER_PROCESS)
      #expect(before.present.user == account.name)
      #expect(before.history.count == 1)

      let others = Set(daemon.sessions(of: daemon.user).map(\.pid))
      let attacker = try daemon.startSSH("host", "echo ready; read line")
      defer { attacker.end() }
      try attacker.output.line(with: "ready", within: 30)
      let session = try #require(daemon.sessions(of: daemon.user).first { !others.contains($0.pid) })
      try body(session, String(path))
      #expect(try Victim(daemon, on: terminal, recorded: recording) == before)
      attacker.end()
      eventually(within: 30, "the attacker is gone") { !RunningProcess.isRunning(session.pid) }
      #expect(try Victim(daemon, on: terminal, recorded: recording) == before)
      #expect(try daemon.events.all("recording_finished").isEmpty)
      #expect(try daemon.events.all("recording_started").count == 1)

      try victim.send("\n")
      #expect(try victim.wait() == 0)
      eventually(within: 30, "its end") { (try? daemon.wtmp().filter { $0.terminal == terminal }.count) == 2 }
      #expect(try daemon.utmp().allSatisfy { $0.type == DEAD_PROCESS })
      #expect(try daemon.events.event("recording_finished")["result"] == "success")
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["began", "ended"])
    func `a session that names another user's terminal loses the login, and nothing changes`(what: String) throws {
      try withLoginRecords(audit: ["recording": "{enabled: true}"]) { daemon throws in
        let account = try TestAccount(in: daemon.directory)
        defer { account.remove() }
        try account.authorize(try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8))
        try attack(account, daemon) { session, terminal in
          let use: TerminalUse =
            what == "began"
            ? .began(channel: 0, name: terminal, process: session.pid) : .ended(name: terminal)
          try daemon.say([SessionToSupervisor.terminal(use)], as: session)
          let event = try daemon.events.event("suspicious_activity")
          #expect(event["reason"] == "session_misbehaved")
          #expect(event["user"] == daemon.user.name)
          let why = what == "began" ? "that is not its user's" : "that it does not have"
          #expect(event["details"]?.contains(why) == true)
          eventually(within: 30, "the session process is gone") { !RunningProcess.isRunning(session.pid) }
        }
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a session that names a terminal of another login of the same user changes nothing of that one`() throws {
      try withLoginRecords(audit: ["recording": "{enabled: true}"]) { daemon throws in
        try attack(daemon.user, daemon) { session, terminal in
          let messages: [SessionToSupervisor] = [
            .terminal(.began(channel: 0, name: terminal, process: session.pid)), .terminal(.ended(name: terminal)),
            .terminal(.began(channel: 0, name: terminal, process: session.pid)), .log("has said it all"),
          ]
          try daemon.say(messages, as: session)
          try daemon.log.line(with: "has said it all", within: 30)
          try daemon.log.line(with: "is not in the login records: is another login's")
        }
      }
    }
  }
}
