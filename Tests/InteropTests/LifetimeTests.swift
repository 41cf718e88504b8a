import Foundation
import Testing

extension Interop {
  /// How connections, and what runs in them, end.
  @Suite(.serialized) struct Lifetime {
    @Test(.timeLimit(.minutes(3))) func `a client that is killed leaves nothing behind within 5 seconds`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        client.signal(SIGKILL)
        eventually(within: 5, "nothing is left") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a program that continues delays neither the daemon nor others`() throws {
      try withDaemon { daemon throws in
        let client = try daemon.startSSH("host", "echo ready $$; sleep 100")
        let line = try client.output.line(with: "ready")
        client.signal(SIGKILL)
        try daemon.log.line(with: "closed:")
        eventually("the session process has ended") { daemon.logins.allSatisfy { $0.name != "bssh-session" } }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        // It lives on, as with sshd.
        if let pid = pid_t(line.dropFirst(6)) { kill(-pid, SIGKILL) }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a dead client is detected and dropped`() throws {
      try withDaemon(server: ["keepalive_interval": "1s", "keepalive_count_max": "2"]) { daemon throws in
        let client = try daemon.startSSH("host", "echo ready; cat")
        try client.output.line(with: "ready")
        client.signal(SIGSTOP)
        try daemon.log.line(with: "closed:", "keepalive_timeout")
        eventually("nothing is left") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client that responds is not dropped`() throws {
      try withDaemon(server: ["keepalive_interval": "2s", "keepalive_count_max": "1"]) { daemon throws in
        #expect(try daemon.ssh("host", "sleep 6; echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client's keepalives are answered`() throws {
      try withDaemon { daemon throws in
        let options = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"]
        #expect(try daemon.ssh(options + ["host", "sleep 3.5; echo in"]).output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the number of connections is limited`() throws {
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

    @Test(.timeLimit(.minutes(3)), arguments: ["bssh-transport", "bssh-session"])
    func `the death of one connection's process ends that connection alone`(role: String) throws {
      try withDaemon { daemon throws in
        let first = try daemon.startSSH("host", "echo ready; cat")
        try first.output.line(with: "ready")
        let before = Set(daemon.logins.map(\.pid))
        let second = try daemon.startSSH("host", "echo ready; cat; echo over")
        try second.output.line(with: "ready")
        let serving = try #require(daemon.logins.first { $0.name == role && !before.contains($0.pid) })
        kill(serving.pid, SIGKILL)
        #expect(try second.wait(within: 10) == 255)
        try daemon.log.line(with: "killed by signal 9")
        eventually("its programs are gone") { daemon.processes("cat").count == 1 }
        try first.send("still here\n")
        try first.output.line(with: "still here")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        first.closeInput()
        #expect(try first.wait() == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the death of an authority harms no session, and another one replaces it`()
      throws
    {
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

    @Test(
      .timeLimit(.minutes(3)), arguments: ["bssh-transport: spare", "bssh-transport: zygote", "bssh-session: zygote"])
    func `prepared processes that die are replaced`(title: String) throws {
      try withDaemon { daemon throws in
        let prepared = { daemon.processes.filter { $0.title == title } }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        eventually("it is prepared") { !prepared().isEmpty }
        let old = Set(prepared().map(\.pid))
        for pid in old { kill(pid, SIGKILL) }
        eventually(within: 10, "somebody logs in") { (try? daemon.ssh("host", "echo in").output) == "in\n" }
        eventually("there are others") { prepared().contains { !old.contains($0.pid) } }
      }
    }
  }
}
