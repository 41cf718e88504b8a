import Foundation
import Testing

extension Interop {
  /// How connections, and what runs in them, end.
  @Suite(.serialized) struct Lifetime {
    /// True when of the daemon nothing is left but what it is without a login.
    private func isIdle(_ daemon: Daemon) -> Bool {
      daemon.processes.allSatisfy { $0.uid != daemon.user.uid || !daemon.runsAsRoot }
        && daemon.processes(running: "100").isEmpty
    }

    @Test(.timeLimit(.minutes(1))) func `a client that is killed leaves nothing behind within 5 seconds`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; sleep 100")
        try client.output.line(with: "ready")
        client.signal(SIGKILL)
        eventually(within: 5, "nothing is left") { isIdle(daemon) }
      }
    }

    @Test(.timeLimit(.minutes(1))) func `a program that ignores SIGHUP holds up neither the daemon nor others`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "trap '' HUP; echo ready $$; sleep 100")
        let line = try client.output.line(with: "ready")
        client.signal(SIGKILL)
        try daemon.log.line(with: "closed:")
        eventually("the session process has ended") { daemon.processes("bssh-session").isEmpty }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        // As under sshd it may live on, for it asked to.
        if let pid = pid_t(line.dropFirst(6)) { kill(-pid, SIGKILL) }
        for process in daemon.processes(running: "100") { kill(process.pid, SIGKILL) }
      }
    }

    @Test(.timeLimit(.minutes(1))) func `a silent client is found dead and dropped`() throws {
      try withDaemon(server: ["keepalive_interval": "1s", "keepalive_count_max": "2"]) { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; sleep 100")
        try client.output.line(with: "ready")
        client.signal(SIGSTOP)
        try daemon.log.line(with: "closed:", "keepalive_timeout")
        eventually("nothing is left") { isIdle(daemon) }
      }
    }

    @Test(.timeLimit(.minutes(1))) func `a client that answers is not dropped`() throws {
      try withDaemon(server: ["keepalive_interval": "1s", "keepalive_count_max": "1"]) { daemon throws in
        #expect(try daemon.ssh("host", "sleep 3.5; echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(1))) func `a client's keepalives are answered`() throws {
      try withDaemon { daemon throws in
        let options = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"]
        #expect(try daemon.ssh(options + ["host", "sleep 3.5; echo in"]).output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(1))) func `the number of connections is limited`() throws {
      try withDaemon(server: ["max_connections": "2"]) { daemon throws in
        let clients = try (0..<2).map { _ in try daemon.startSSH("host", "echo ready; cat") }
        for client in clients { try client.output.line(with: "ready") }
        let third = try daemon.ssh("host", "echo in")
        #expect(third.status == 255)
        #expect(third.output.isEmpty)
        clients[0].closeInput()
        try clients[0].wait()
        try daemon.log.line(with: "closed:")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        clients[1].closeInput()
        try clients[1].wait()
      }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["bssh-transport", "bssh-session"])
    func `the death of one connection's process ends that connection alone`(role: String) throws {
      try withDaemon { daemon throws in
        let first = try daemon.startSSH("host", "echo ready; cat")
        try first.output.line(with: "ready")
        let before = Set(daemon.processes(role).map(\.pid))
        let second = try daemon.startSSH("host", "echo ready; sleep 100")
        try second.output.line(with: "ready")
        let serving = try process(role, of: "sleep", in: daemon, notIn: before)
        kill(serving, SIGKILL)
        #expect(try second.wait(within: 10) == 255)
        try daemon.log.line(with: "killed by signal 9")
        eventually("its programs are gone") { daemon.processes(running: "100").isEmpty }
        try first.send("still here\n")
        try first.output.line(with: "still here")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        first.closeInput()
        #expect(try first.wait() == 0)
      }
    }

    /// The process of this role that serves the newest login.
    private func process(_ role: String, of: String, in daemon: Daemon, notIn: Set<pid_t>) throws -> pid_t {
      if role == "bssh-session" {
        let program = try #require(daemon.processes(running: "100").first)
        var current = program
        while current.name != role { current = try #require(RunningProcess(current.parent)) }
        return current.pid
      }
      // A transport with a connection has a socket of the network.
      let line = try #require(
        try run(["ss", "-tnpH", "state", "established", "sport = :\(daemon.port)"]).output.split(separator: "\n").map(
          String.init
        ).filter { $0.contains(role) }.compactMap { line in
          line.firstMatch(of: /pid=(\d+)/).flatMap { pid_t($0.1) }
        }.max())
      return line
    }

    @Test(.timeLimit(.minutes(1))) func `the death of an authority harms no session, and another takes its place`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        let authorities = daemon.processes("bssh-authority")
        #expect(!authorities.isEmpty)
        for authority in authorities { kill(authority.pid, SIGKILL) }
        try daemon.log.line(with: "authority", "killed by signal 9")
        try client.send("still here\n")
        try client.output.line(with: "still here")
        eventually(within: 10, "somebody logs in") { (try? daemon.ssh("host", "echo in").output) == "in\n" }
        client.closeInput()
        #expect(try client.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(1))) func `the death of a spare transport is made good`() throws {
      try withDaemon { daemon throws in
        let spares = daemon.processes("bssh-transport")
        #expect(spares.count >= 2)
        for spare in spares { kill(spare.pid, SIGKILL) }
        try daemon.log.line(with: "transport", "killed by signal 9")
        eventually(within: 10, "somebody logs in") { (try? daemon.ssh("host", "echo in").output) == "in\n" }
        eventually("there are spares again") { daemon.processes("bssh-transport").count >= 2 }
      }
    }
  }
}
