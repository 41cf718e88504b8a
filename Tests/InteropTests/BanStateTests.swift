import Foundation
import Testing

extension Interop {
  /// `security.ban_state_file`: bans survive a restart.
  @Suite(.serialized) struct BanState {
    private func withBans(
      _ security: Daemon.Keys = [:], sourceLocation: SourceLocation = #_sourceLocation, _ body: (Daemon) throws -> Void
    ) throws {
      let keys = ["max_auth_attempts": "1"].merging(security) { $1 }
      try withDaemon(
        auth: ["methods": "[publickey, password]"], security: keys, userKeys: Factors.password,
        sourceLocation: sourceLocation, body)
    }

    private func access(_ daemon: Daemon, _ claim: String, from source: String = "127.0.0.2") throws {
      let environment = ["SOURCE": source, "ATTEMPTS": "1", "PASSWORD": Access.password]
      try daemon.claim("access.py", claim, environment: environment)
    }

    /// The lines of the file, once it contains this many bans.
    private func lines(_ daemon: Daemon, bans: Int) throws -> [String] {
      let path = "\(daemon.directory)/bans"
      var lines: [String] = []
      eventually(within: 30, "\(bans) bans in the file") {
        lines = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
        return lines.last == "end \(bans)"
      }
      return lines
    }

    @Test(.timeLimit(.minutes(3)), arguments: [SIGTERM, SIGUSR1, SIGKILL])
    func `a ban survives a restart, and does not become longer`(signal: Int32) throws {
      try withBans(["ban_time": "5s"]) { daemon throws in
        try access(daemon, "wrong-passwords")
        let banned = Date()
        // Two signals save the state; the third leaves no time to do so.
        if signal == SIGKILL { _ = try lines(daemon, bans: 1) }
        try daemon.restart(signal)
        let end = try lines(daemon, bans: 1)[1]
        try access(daemon, "refused")
        try access(daemon, "welcome", from: "127.0.0.3")
        try daemon.log.line(with: "1 bans of the time before the restart go on")
        try daemon.log.line(with: "unbanned 127.0.0.2 after ban 1 in a row", within: 30)
        #expect(Date().timeIntervalSince(banned) > 4.5)
        try access(daemon, "welcome")
        // The next one is the second, and longer: 10 seconds.
        let start = daemon.log.count
        try access(daemon, "wrong-passwords")
        try daemon.log.line(with: "banned 127.0.0.2 for 10 s, ban 2 in a row", after: start)
        eventually(within: 30, "another end") { ((try? lines(daemon, bans: 1)[1]) ?? end) != end }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the end of a ban is the same before and after a restart`() throws {
      try withBans { daemon throws in
        try access(daemon, "wrong-passwords")
        let before = try lines(daemon, bans: 1)
        try daemon.restart()
        // Another ban, so that the file is written again.
        try access(daemon, "wrong-passwords", from: "127.0.0.4")
        let after = try lines(daemon, bans: 2)
        let ends = [before[1], try #require(after.first { $0.hasPrefix("127.0.0.2 ") })].compactMap { line in
          line.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        }
        #expect(ends.count == 2 && abs(ends[0] - ends[1]) < 1, "\(before) \(after)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `bans are saved before a hand-over, and the login continues`() throws {
      try withBans { daemon throws in
        let session = try daemon.startSSH("host", "echo ready; cat")
        try session.output.line(with: "ready")
        try access(daemon, "wrong-passwords")
        try daemon.restart(SIGUSR1)
        try access(daemon, "refused")
        try session.send("still here\n")
        try session.output.line(with: "still here")
        session.closeInput()
        #expect(try session.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["127.0.0.2 1.000", "others"])
    func `an unusable file is named, and the daemon starts without it`(fault: String) throws {
      try withBans { daemon throws in
        try access(daemon, "wrong-passwords")
        _ = try lines(daemon, bans: 1)
        let path = "\(daemon.directory)/bans"
        if fault == "others" {
          chmod(path, 0o666)
        } else {
          try Data("\(fault)\n".utf8).write(to: URL(fileURLWithPath: path))
        }
        try daemon.restart(SIGKILL)
        try daemon.log.line(with: "\(path)", "security.ban_state_file", "starting without the earlier bans")
        try access(daemon, "welcome")
        // The next ban replaces it by a valid file.
        try access(daemon, "wrong-passwords")
        try daemon.restart()
        try access(daemon, "refused")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without a file bans end with the daemon`() throws {
      try withBans(["ban_state_file": "null"]) { daemon throws in
        try access(daemon, "wrong-passwords")
        try daemon.restart()
        try access(daemon, "welcome")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a file that cannot be written is named once, and bans apply`() throws {
      try withBans(["ban_state_file": "/proc/bans/bans"]) { daemon throws in
        try access(daemon, "wrong-passwords")
        try daemon.log.line(with: "bans cannot be saved, and will end with a restart: /proc/bans/bans: ")
        try access(daemon, "wrong-passwords", from: "127.0.0.4")
        try access(daemon, "refused")
        try daemon.restart()
        #expect(daemon.log.all.components(separatedBy: "bans cannot be saved").count <= 2)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `explain reports bans`() throws {
      try withBans { daemon throws in
        try access(daemon, "wrong-passwords")
        _ = try lines(daemon, bans: 1)
        for (source, isBanned) in [("127.0.0.2", true), ("127.0.0.3", false)] {
          let outcome = try run([
            daemon.server, "explain", "-c", "\(daemon.directory)/server.yaml", "--user", daemon.user.name, "--from",
            source, "--key", "\(daemon.directory)/id.pub",
          ])
          #expect(outcome.status == (isBanned ? 1 : 0), "\(outcome.output)")
          #expect(outcome.output.contains("refused: ") == isBanned)
          #expect(outcome.output.contains("banned, by security.ban_state_file (\(daemon.directory)/bans)") == isBanned)
        }
      }
    }
  }
}
