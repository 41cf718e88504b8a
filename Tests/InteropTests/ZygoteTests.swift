import Foundation
import Testing

extension Interop {
  /// The zygotes, from which other processes are copied.
  @Suite(.serialized) struct Zygotes {
    private func zygote(_ daemon: Daemon, of name: String) throws -> RunningProcess {
      try #require(daemon.processes(name).first { $0.arguments.first?.hasSuffix(": zygote") == true })
    }

    @Test(.timeLimit(.minutes(3))) func `a zygote that hangs is replaced`() throws {
      try withDaemon { daemon in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        let zygote = try zygote(daemon, of: "bssh-session")
        kill(zygote.pid, SIGSTOP)
        #expect(try daemon.ssh("host", "echo in").output == "")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(!RunningProcess.isRunning(zygote.pid))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a process that crashes dies at once and exposes its memory to nobody`() throws
    {
      try withDaemon { daemon in
        let client = try daemon.startSSH("host", "echo in; cat")
        try client.output.line { $0 == "in" }
        for process in daemon.processes where process.name.hasPrefix("bssh-") {
          let caught = UInt64(process.status("SigCgt"), radix: 16)
          #expect(caught == 0, "\(process.arguments)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `after a crash no transport with the same memory layout is used`() throws {
      try withDaemon { daemon in
        let client = try daemon.startSSH("host", "echo in; cat")
        try client.output.line { $0 == "in" }
        let before = daemon.processes("bssh-transport")
        let serving = try #require(before.first { $0.arguments.first?.contains("[") == true })
        kill(serving.pid, SIGSEGV)
        eventually("all transports are new ones") {
          let now = daemon.processes("bssh-transport").map(\.pid)
          return now.count > 1 && !before.contains { now.contains($0.pid) }
        }
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }
  }
}
