import Foundation
import Testing

extension Interop {
  /// The recorder hangs or dies while recordings are being opened.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct RecorderFailures {
    /// What happens to it.
    enum Fate: CaseIterable {
      case killed
      /// Another one has replaced it.
      case killedInRetirement
      /// It no longer reads anything.
      case hangs
    }

    private static let clients = 5

    private func recorded(_ onFailure: String) -> Daemon.Keys {
      ["recording": "{enabled: true, directory: DIRECTORY/audit/first}", "on_failure": onFailure]
    }

    /// Has another recorder take over, for another directory.
    private func retire(_ recorder: RunningProcess, _ daemon: Daemon) throws {
      try daemon.reload(try daemon.configuration.replacing("/audit/first}", with: "/audit/second}"))
      eventually(within: 30, "another recorder") { daemon.recorders.contains { $0.pid != recorder.pid } }
      #expect(daemon.recorders.contains { $0.pid == recorder.pid })
    }

    /// Stops the recorder, and has clients request terminals until it was asked for all of their recordings.
    private func ask(_ recorder: RunningProcess, _ daemon: Daemon) throws -> [Client] {
      kill(recorder.pid, SIGSTOP)
      func start(_ number: Int) throws -> Client { try daemon.startSSH("-tt", "host", "echo ran \(number)") }
      let first = try start(0)
      var size = 0
      try eventually(within: 30, "a request for a file") {
        size = try daemon.waiting(for: recorder)
        return size > 0
      }
      let others = try (1..<Self.clients).map(start)
      // All names have the same length.
      try eventually(within: 30, "all requests") { try daemon.waiting(for: recorder) == size * Self.clients }
      return [first] + others
    }

    /// The supervisor's processes by name, and how many descriptors it has. Each process has some of them, so that two
    /// numbers can be compared only with the same processes.
    private func possessions(_ daemon: Daemon) -> (processes: [String: Int], descriptors: Int) {
      let names = daemon.processes.filter { $0.parent == daemon.pid && !$0.isZombie }.map { $0.title }
      return (names.reduce(into: [:]) { $0[$1, default: 0] += 1 }, RunningProcess(daemon.pid)?.descriptors.count ?? 0)
    }

    /// Logs in until the login is recorded.
    private func recordsAgain(_ daemon: Daemon, in directory: String) throws {
      eventually(within: 30, "a recording") {
        _ = try? daemon.ssh("-tt", "host", "echo in")
        let finished = (try? daemon.events.all("recording_finished")) ?? []
        return finished.last?["path"]?.hasPrefix("\(daemon.directory)/audit/\(directory)/") == true
          && finished.count >= 2
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Fate.allCases, ["continue", "refuse"])
    func `when a recorder is lost, everyone who waits for it gets an end, and the next logins are recorded`(
      fate: Fate, onFailure: String
    ) throws {
      try withDaemon(audit: recorded(onFailure)) { daemon throws in
        // The memory of the first configuration stays open, in addition to that of the last one.
        try daemon.reload(try daemon.configuration)
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        try daemon.events.event("recording_finished")
        eventually(within: 30, "nobody is there") { daemon.logins.isEmpty }
        eventually(within: 30, "one recorder") { daemon.recorders.count == 1 }
        let spares = "bssh-transport: spare"
        eventually(within: 30, "two spares") { possessions(daemon).processes[spares] == 2 }
        let before = possessions(daemon)
        let recorder = try #require(daemon.recorders.first)
        let clients = try ask(recorder, daemon)
        switch fate {
        case .killed: kill(recorder.pid, SIGKILL)
        case .killedInRetirement:
          try retire(recorder, daemon)
          kill(recorder.pid, SIGKILL)
        case .hangs: break
        }
        let isMust = onFailure == "refuse"
        for (number, client) in clients.enumerated() {
          let status = try client.wait(within: 40)
          #expect(status == (isMust ? 255 : 0))
          #expect(try client.output.whole() == (isMust ? "" : "ran \(number)\r\n"))
          #expect(try client.errors.whole().contains("This login must be recorded") == isMust)
        }
        let failed = try daemon.events.events(Self.clients, of: "recording_started") { $0["result"] == "error" }
        #expect(failed.count == Self.clients)
        #expect(failed.allSatisfy { $0["reason"] == "recording_failed" })
        let why = fate == .hangs ? "no file within 10 s" : "the recorder killed by signal 9"
        #expect(failed.contains { $0["details"] == why })
        try daemon.log.line(with: "recorder \(recorder.pid) killed by signal 9")
        if fate == .killedInRetirement {
          // It was not missed.
          #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        }
        try recordsAgain(daemon, in: fate == .killedInRetirement ? "second" : "first")
        #expect(daemon.recorders.count == 1)
        eventually(within: 30, "nobody is left") { daemon.logins.isEmpty }
        eventually(within: 30, "no descriptor is left: \(before)") { possessions(daemon) == before }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a recorder that is being replaced creates the files that it was asked for`()
      throws
    {
      try withDaemon(audit: recorded("refuse")) { daemon throws in
        let recorder = try #require(daemon.recorders.first)
        let clients = try ask(recorder, daemon)
        try retire(recorder, daemon)
        kill(recorder.pid, SIGCONT)
        for (number, client) in clients.enumerated() {
          #expect(try client.wait() == 0)
          #expect(try client.output.whole() == "ran \(number)\r\n")
        }
        let finished = try daemon.events.events(Self.clients, of: "recording_finished")
        #expect(finished.allSatisfy { $0["path"]?.hasPrefix("\(daemon.directory)/audit/first/") == true })
        #expect(finished.allSatisfy { $0["result"] == "success" })
        eventually(within: 30, "it has ended") { !RunningProcess.isRunning(recorder.pid) }
        #expect(!daemon.log.all.contains("recorder \(recorder.pid) takes too long"))
        try recordsAgain(daemon, in: "second")
      }
    }
  }
}
