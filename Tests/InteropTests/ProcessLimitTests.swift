import Foundation
import Testing

extension Interop {
  /// How many processes a login may have, and which are killed first when memory runs out.
  @Suite(.serialized) struct ProcessLimits {
    /// Creates processes until this fails, prints how many, and exits at the end of its input.
    private static let bomb = """
      import os, sys, time
      count = 0
      try:
          while count < 60:
              if os.fork() == 0:
                  time.sleep(60)
                  os._exit(0)
              count += 1
      except OSError:
          pass
      print(count, flush=True)
      sys.stdin.read()
      """
    /// The limit according to bash: the soft limit, and the hard limit.
    private static let limits = "bash -c 'ulimit -u; ulimit -Hu'"

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account has as many processes as shell.max_processes says, whatever starts them`() throws {
      try withDaemon(shell: ["max_processes": "12"]) { daemon throws in
        #expect(try daemon.ssh("host", Self.limits).output == "12\n12\n")
        try Data(Self.bomb.utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/bomb.py"))
        let own = { RunningProcess.all.count { $0.uid == daemon.user.uid && !$0.isZombie } }
        let first = try daemon.startSSH("host", "exec \(Daemon.python) \(daemon.directory)/bomb.py")
        try first.output.line { Int($0) != nil }
        #expect(own() == 12)
        // Another login of the account gets no process either, and logins of others do.
        #expect(try daemon.ssh("host", "echo in").output.isEmpty)
        #expect(own() <= 13)
        try succeed("pkill", "-KILL", "-u", String(daemon.user.uid))
        _ = try first.wait()
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        // It can be set per login, and lifted.
        let match = "match: [{users: [\(daemon.user.name)], shell: {max_processes: 30}}]\n"
        try daemon.reload(try daemon.configuration + match)
        #expect(try daemon.ssh("host", Self.limits).output == "30\n30\n")
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: "max_processes: 30", with: "max_processes: 0"))
        #expect(try daemon.ssh("host", Self.limits).output == daemon.shell(Self.limits).output)
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `root's processes are not limited, and a lower limit of the daemon is kept`() throws {
      let launcher = ["bash", "-c", "ulimit -u 700; exec \"$@\"", "bash"]
      try withDaemon(shell: ["max_processes": "900"], launcher: launcher) { daemon throws in
        #expect(try daemon.ssh("host", Self.limits).output == "700\n700\n")
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8).dropLast()
        try daemon.apply(others: ["{name: root, authorized_keys: ['\(key)']}"])
        let few = try daemon.configuration.replacingOccurrences(of: "max_processes: 900", with: "max_processes: 9")
        try daemon.reload(few)
        #expect(try daemon.ssh("host", Self.limits).output == "9\n9\n")
        #expect(try daemon.ssh("root@host", Self.limits).output == "700\n700\n")
      }
    }

    /// True if this process can lower the OOM score of others.
    private static let mayProtect =
      isRoot && (try? run(["sh", "-c", "echo -1000 > /proc/self/oom_score_adj"]).status) == 0

    @Test(.timeLimit(.minutes(3)), .enabled(if: mayProtect, "needs CAP_SYS_RESOURCE"), arguments: [0, 123, -200])
    func `running out of memory never ends the supervisor, and other processes have the daemon's original score`(
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
        // Nobody can use the protection for themselves.
        #expect(try daemon.ssh("host", "echo -1000 > /proc/self/oom_score_adj").status != 0)
        // A reload, and the process that serves logins after a stop, belong to the supervisor.
        try daemon.reload(try daemon.configuration)
        #expect(try daemon.ssh("host", "cat /proc/self/oom_score_adj").output == "\(score)\n")
        client.closeInput()
        try client.wait()
      }
    }
  }
}
