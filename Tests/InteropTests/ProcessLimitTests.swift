import Foundation
import Testing

extension Interop {
  /// How many processes a login has, and which of them go first when memory runs out.
  @Suite(.serialized) struct ProcessLimits {
    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account has as many processes as shell.max_processes says, whatever starts them`() throws {
      try withDaemon(shell: ["max_processes": "12"]) { daemon throws in
        #expect(try daemon.ssh("host", "ulimit -u; ulimit -Hu").output == "12\n12\n")
        // Of twenty at most ten start beside the shell and the session: of one login, and of two.
        let bomb =
          "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 30 & done 2>/dev/null; echo over"
        let first = try daemon.startSSH("host", bomb + "; cat")
        let count = { RunningProcess.all.count { $0.uid == daemon.user.uid && !$0.isZombie } }
        eventually(within: 20, "the limit is reached") { count() == 12 }
        let second = try daemon.ssh("host", "for i in 1 2 3; do sleep 30 & done; wait")
        #expect(second.status != 0)
        #expect(count() <= 12 + 1)
        try succeed("pkill", "-KILL", "-u", String(daemon.user.uid))
        first.closeInput()
        _ = try first.wait()
        // It can be had per login, and lifted.
        let match = "match: [{users: [\(daemon.user.name)], shell: {max_processes: 30}}]\n"
        try daemon.reload(try daemon.configuration + match)
        #expect(try daemon.ssh("host", "ulimit -u").output == "30\n")
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: "max_processes: 30", with: "max_processes: 0"))
        let own = try daemon.shell("ulimit -Hu").line
        #expect(try daemon.ssh("host", "ulimit -Hu").line == own)
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `root's processes are not limited, and a lower limit of the daemon's stays`() throws {
      let launcher = ["sh", "-c", "ulimit -u 700; exec \"$@\"", "sh"]
      try withDaemon(shell: ["max_processes": "900"], launcher: launcher) { daemon throws in
        #expect(try daemon.ssh("host", "ulimit -u; ulimit -Hu").output == "700\n700\n")
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8).dropLast()
        try daemon.apply(others: ["{name: root, authorized_keys: ['\(key)']}"])
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: "max_processes: 900", with: "max_processes: 5"))
        #expect(try daemon.ssh("host", "ulimit -Hu").output == "5\n")
        #expect(try daemon.ssh("root@host", "ulimit -Hu").output == "700\n")
      }
    }

    /// True where this process may make others harder to kill.
    private static let mayProtect =
      isRoot && (try? run(["sh", "-c", "echo -1000 > /proc/self/oom_score_adj"]).status) == 0

    @Test(.timeLimit(.minutes(1)), .enabled(if: mayProtect, "needs CAP_SYS_RESOURCE"), arguments: [0, 123, -200])
    func `memory that runs out never ends the supervisor, and others have what the daemon was started with`(
      score: Int
    ) throws {
      let launcher = ["sh", "-c", "echo \(score) > /proc/self/oom_score_adj; exec \"$@\"", "sh"]
      try withDaemon(launcher: launcher) { daemon throws in
        let scores = { (process: RunningProcess) in
          try String(contentsOfFile: "/proc/\(process.pid)/oom_score_adj", encoding: .utf8).dropLast()
        }
        let client = try daemon.startSSH("host", "cat /proc/self/oom_score_adj; cat")
        try client.output.line(with: String(score))
        for process in daemon.processes where !process.isZombie && process.name.hasPrefix("bssh-") {
          let expected = process.name == "bssh-supervisor" ? -1000 : score
          #expect(try scores(process) == String(expected), "\(process.title)")
        }
        // Nobody can take the protection for themselves.
        #expect(try daemon.ssh("host", "echo -1000 > /proc/self/oom_score_adj").status != 0)
        // A reload, and who goes on for logins after a stop, are the supervisor's.
        try daemon.reload(try daemon.configuration)
        #expect(try daemon.ssh("host", "cat /proc/self/oom_score_adj").output == "\(score)\n")
        client.closeInput()
        try client.wait()
      }
    }
  }
}
