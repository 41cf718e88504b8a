import Foundation
import IPC
import Testing

extension Interop {
  /// The process that keeps the login records hangs, or dies before it has written everything.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct SlowRecorders {
    /// How it continues.
    enum Fate: CaseIterable {
      case goesOn
      /// What it has not read is lost with it.
      case killed
      /// Another one has replaced it.
      case killedInRetirement
    }

    /// Beginnings of logins without an end, and ends without a beginning.
    private func unpaired(_ entries: [LoginRecordEntry]) -> [LoginRecordEntry] {
      var open: [LoginRecordEntry] = []
      var faults: [LoginRecordEntry] = []
      for entry in entries {
        let begin = open.firstIndex { $0.terminal == entry.terminal }
        if entry.type == USER_PROCESS {
          if let begin { faults.append(open.remove(at: begin)) }
          open.append(entry)
        } else if let begin {
          open.remove(at: begin)
        } else {
          faults.append(entry)
        }
      }
      return faults + open
    }

    /// Lets it continue in this way.
    private func release(_ recorder: RunningProcess, _ daemon: Daemon, _ fate: Fate) throws {
      switch fate {
      case .goesOn: kill(recorder.pid, SIGCONT)
      case .killed: kill(recorder.pid, SIGKILL)
      case .killedInRetirement:
        // Recordings are somewhere else, so it must be another one.
        let on = "login_records: true\n  recording: {enabled: true, directory: \(daemon.directory)/audit/r}"
        try daemon.reload(try daemon.configuration.replacing("login_records: true", with: on))
        #expect(daemon.recorders.contains { $0.pid == recorder.pid })
        kill(recorder.pid, SIGKILL)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Fate.allCases)
    func `logins that were sent to a hanging recorder are in the records, whatever happens to it`(fate: Fate) throws {
      try withLoginRecords { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "who | wc -l").output == "1\r\n")
        eventually(within: 30, "its end") { (try? daemon.wtmp().count) == 2 }
        let recorder = try #require(daemon.recorders.first)
        kill(recorder.pid, SIGSTOP)
        // Nobody waits for it longer than half a second.
        for number in 0..<5 {
          #expect(try daemon.ssh("-tt", "host", "echo in \(number)").output == "in \(number)\r\n")
        }
        let socket = "\(daemon.directory)/mux"
        let staying = try daemon.startSSH("-M", "-S", socket, "-tt", "host", "echo ready; read line")
        try staying.output.line(with: "ready", within: 30)
        #expect(try daemon.wtmp().count == 2)
        try release(recorder, daemon, fate)
        eventually(within: 30, "six logins, and five ends") { (try? daemon.wtmp().count) == 2 + 11 }
        let entries = try daemon.wtmp()
        #expect(entries.filter { $0.type == USER_PROCESS }.allSatisfy { $0.user == daemon.user.name })
        #expect(unpaired(entries).map(\.type) == [Int32(USER_PROCESS)])
        #expect(try daemon.utmp().filter { $0.type == USER_PROCESS }.count == 1)
        try staying.send("\n")
        try staying.wait()
        eventually(within: 30, "the last end") { (try? daemon.wtmp().count) == 2 + 12 }
        #expect(unpaired(try daemon.wtmp()).isEmpty)
        #expect(try daemon.utmp().allSatisfy { $0.type == DEAD_PROCESS })
        #expect(try daemon.ssh("-tt", "host", "who | wc -l").output == "1\r\n")
        eventually(within: 30, "one recorder") { daemon.recorders.count == 1 }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `an end during the delay after a recorder's death is in the records`() throws {
      try withLoginRecords { daemon throws in
        let ssh = try daemon.startSSH("-tt", "host", "echo ready; read line")
        try ssh.output.line(with: "ready", within: 30)
        eventually(within: 30, "its beginning") { (try? daemon.wtmp().count) == 1 }
        kill(try #require(daemon.recorders.first).pid, SIGKILL)
        try daemon.log.line(with: "recorder", "killed by signal 9")
        try ssh.send("\n")
        try ssh.wait()
        eventually(within: 30, "its end") { (try? daemon.wtmp().count) == 2 }
        #expect(unpaired(try daemon.wtmp()).isEmpty)
        #expect(try daemon.utmp().allSatisfy { $0.type == DEAD_PROCESS })
      }
    }

    @Test(.timeLimit(.minutes(2))) func `when the daemon ends during that delay, so do the logins in the records`()
      throws
    {
      try withLoginRecords { daemon throws in
        let ssh = try daemon.startSSH("-tt", "host", "echo ready; sleep 100")
        try ssh.output.line(with: "ready", within: 30)
        eventually(within: 30, "its beginning") { (try? daemon.wtmp().count) == 1 }
        kill(try #require(daemon.recorders.first).pid, SIGKILL)
        try daemon.log.line(with: "recorder", "killed by signal 9")
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        try ssh.wait()
        #expect(unpaired(try daemon.wtmp()).isEmpty)
        #expect(try daemon.utmp().allSatisfy { $0.type == DEAD_PROCESS })
      }
    }

    @Test(.timeLimit(.minutes(5)), arguments: [Fate.goesOn, .killed])
    func `a loop of logins with a hanging recorder is bounded, delays nobody, and accepted records are written`(
      fate: Fate
    ) throws {
      try withLoginRecords { daemon throws in
        let recorder = try #require(daemon.recorders.first)
        kill(recorder.pid, SIGSTOP)
        let names = (0..<8).map { "\(daemon.directory)/mux\($0)" }
        let logins = try names.map { try daemon.startSSH("-M", "-S", $0, "-tt", "host", "echo ready; read line") }
        for login in logins { try login.output.line(with: "ready", within: 60) }
        let before = memory(daemon)
        // Each of them reports its terminal's end and beginning as often as it likes.
        for session in daemon.sessions(of: daemon.user) {
          let name = try #require(session.terminal)
          let messages: [SessionToSupervisor] = (0..<400).flatMap { _ in
            [.terminal(.ended(name: name)), .terminal(.began(channel: 0, name: name, process: session.pid))]
          }
          try daemon.say(messages + [.log("has said it all")], as: session)
        }
        for _ in logins { try daemon.log.line(with: "has said it all", within: 60) }
        try daemon.log.line(with: "is not in the login records: the recorder is slow")
        #expect(memory(daemon) - before < 16 << 10)
        // An honest login is not delayed by that, although it is left out.
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        #expect(try daemon.wtmp().isEmpty)
        if fate == .goesOn { kill(recorder.pid, SIGCONT) } else { kill(recorder.pid, SIGKILL) }
        for login in logins { try login.send("\n") }
        for login in logins { try login.wait() }
        // Everything that was accepted, and its end: nobody is left in utmp, and the next login is as usual.
        eventually(within: 60, "all ends") {
          guard let entries = try? daemon.wtmp() else { return false }
          return entries.count >= 1024 && unpaired(entries).isEmpty
        }
        #expect(try daemon.wtmp().count <= 1024 + logins.count)
        #expect(try daemon.utmp().allSatisfy { $0.type == DEAD_PROCESS })
        #expect(try daemon.ssh("-tt", "host", "who | wc -l").output == "1\r\n")
        #expect(daemon.recorders.count == 1)
      }
    }

    /// Memory of the supervisor in KiB.
    private func memory(_ daemon: Daemon) -> Int {
      Int(RunningProcess(daemon.pid)?.status("VmRSS").split(separator: " ").first ?? "") ?? 0
    }
  }
}

extension RunningProcess {
  /// The terminal of a program that this process started: `/dev/pts/3`.
  fileprivate var terminal: String? {
    RunningProcess.descendants(of: pid).lazy.compactMap { $0.descriptors[0] }.first { $0.hasPrefix("/dev/pts/") }
  }
}
