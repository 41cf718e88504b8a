import Foundation
import System
import Testing

extension Interop {
  /// The effect of an upgrade on a running daemon: its files are replaced, and it continues with those that it was
  /// started with until it is restarted.
  @Suite(.serialized) struct Upgrades {
    /// Runs a daemon whose executables are copies, with a connection that other clients can share.
    private func withCopies(_ body: (Daemon, _ folder: String, _ master: Client) throws -> Void) throws {
      var folder = ""
      let audit = [
        "exporters": "[{type: file, path: DIRECTORY/audit/audit.log}, {type: syslog, socket: DIRECTORY/nobody}]",
        "recording": "{enabled: true}",
      ]
      try withDaemon(
        audit: audit,
        prepare: { files in
          folder = files.ownExecutables
          try Daemon.copyExecutables(from: files.executables, to: folder)
        },
        { daemon throws in
          let master = try daemon.startSSH("-M", "-S", "\(daemon.directory)/shared", "host", "echo ready; cat")
          try master.output.line(with: "ready")
          try body(daemon, folder, master)
          master.closeInput()
          #expect(try master.wait() == 0)
        })
    }

    /// Logs in again and over the shared connection, and transfers files in both directions.
    private func serves(_ daemon: Daemon, isLettingIn: Bool = true) throws {
      let shared = "\(daemon.directory)/shared"
      #expect(try daemon.ssh("-S", shared, "host", "echo over").output == "over\n")
      for options in [["-o", "ControlPath=\(shared)"], []] where isLettingIn || !options.isEmpty {
        try daemon.makeLocalFile("sent")
        let words = options + ["\(daemon.directory)/sent", "host:taken"]
        let configuration = ["-q", "-F", "\(daemon.directory)/ssh_config"]
        for protocolName in ["-s", "-O"] {
          let copy = try run(["scp", protocolName] + configuration + words, environment: daemon.environment)
          #expect(copy.status == 0, "\(protocolName) \(options): \(copy.errors)\n\(daemon.log.all.suffix(3000))")
          #expect(try daemon.digest("\(daemon.user.home)/taken") == daemon.digest("\(daemon.directory)/sent"))
          try FileManager.default.removeItem(atPath: "\(daemon.user.home)/taken")
        }
      }
      if isLettingIn { #expect(try daemon.ssh("host", "echo in").output == "in\n") }
    }

    /// Kills every process that serves no connection, and waits for its successor.
    private func replaceProcesses(_ daemon: Daemon) throws {
      let titles = [
        "bssh-transport: zygote", "bssh-session: zygote", "bssh-authority", "bssh-journal", "bssh-recorder",
        "bssh-exporter",
      ]
      let before = daemon.processes.filter { process in titles.contains { process.title.hasPrefix($0) } }
      #expect(Set(before.map(\.name)).count == titles.count)
      for process in before { kill(process.pid, SIGKILL) }
      let old = Set(before.map(\.pid))
      // The next login on a terminal needs a zygote and a recorder, and causes their start.
      eventually(within: 30, "somebody logs in, and is recorded") {
        (try? daemon.ssh("-tt", "host", "echo in").output) == "in\r\n" && !daemon.recorders.isEmpty
      }
      eventually(within: 30, "each is started again") {
        let now = daemon.processes.filter { !old.contains($0.pid) && !$0.isZombie }
        return titles.allSatisfy { title in now.contains { $0.title.hasPrefix(title) } }
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a running daemon continues with the executables that it was started with, replaced or removed`() throws {
      try withCopies { daemon, folder, _ in
        // Other programs have the names: starting one of them gives no reply.
        for name in Daemon.programs {
          try FileManager.default.copyItem(atPath: "/bin/false", toPath: "\(folder)/\(name)~")
          #expect(rename("\(folder)/\(name)~", "\(folder)/\(name)") == 0)
        }
        try replaceProcesses(daemon)
        try serves(daemon)
        try FileManager.default.removeItem(atPath: folder)
        try replaceProcesses(daemon)
        try serves(daemon)
        // A new bssh-server would load it, if there were one.
        try daemon.reload(try daemon.configuration)
        try serves(daemon)
        // So is the process that runs a user's file before the shell.
        try daemon.makeUserDirectory(".ssh/none")
        try daemon.makeUserFile(".ssh/rc", "echo rc\n")
        #expect(try daemon.ssh("host", "echo in").output == "rc\nin\n")
        let events = try daemon.events.all("connection_open")
        #expect(events.count >= 8)
      }
    }

    /// The executables of the processes of this daemon and of the previous one: files in its folder, or deleted ones.
    private func executables(of daemon: Daemon) -> [(name: String, isOld: Bool)] {
      RunningProcess.all.compactMap { process in
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/exe")
        guard let link, link.hasPrefix(daemon.directory), !process.isZombie else { return nil }
        return (process.name, link.hasSuffix(" (deleted)"))
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `after a restart old logins have the old executables, and new ones the new`() throws {
      try withCopies { daemon, folder, _ in
        let built = "\(daemon.directory)/built"
        try FileManager.default.moveItem(atPath: folder, toPath: built)
        try Daemon.copyExecutables(from: built, to: folder)
        try FileManager.default.removeItem(atPath: built)
        try daemon.restart(SIGUSR1)
        try serves(daemon)
        for isOld in [true, false] {
          let options = isOld ? ["-o", "ControlPath=\(daemon.directory)/shared"] : []
          let transfer = try Client(
            ["sftp", "-q", "-F", "\(daemon.directory)/ssh_config"] + options + ["host"], environment: daemon.environment
          )
          defer { transfer.end() }
          var programs: [(name: String, isOld: Bool)] = []
          eventually("a transfer of \(isOld ? "an old" : "a new") login") {
            programs = executables(of: daemon)
            return programs.contains { $0 == ("bssh-transfer", isOld) }
          }
          let names = Set(programs.filter { $0.isOld == isOld }.map(\.name))
          #expect(
            names.isSuperset(of: ["bssh-supervisor", "bssh-session", "bssh-transport", "bssh-journal"]), "\(names)")
        }
      }
    }

    /// Changes the message version of an executable, as if it were of another build.
    private func changeVersion(of path: String) throws {
      var program = try Data(contentsOf: URL(fileURLWithPath: path))
      let header = Data(MessageVersion.header)
      let place = try #require(program.range(of: header))
      #expect(program.range(of: header, in: place.upperBound..<program.endIndex) == nil)
      program[place.upperBound - 1] += 1
      try program.write(to: URL(fileURLWithPath: path + "~"))
      chmod(path + "~", 0o755)
      #expect(rename(path + "~", path) == 0)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Daemon.programs)
    func `an executable of another build is refused with an error that says what to do`(name: String) throws {
      let words = "their executables are not of one build; install all of one build, and restart bssh-server"
      try withCopies { daemon, folder, _ in
        try changeVersion(of: "\(folder)/\(name)")
        // The running daemon has the old executables.
        try serves(daemon)
        if name == "bssh-server" {
          let outcome = try run(["\(folder)/\(name)", "reload", String(daemon.pid)])
          #expect(outcome.status != 0 && outcome.errors.contains(words), "\(outcome)")
        }
        let port = try Daemon.freePort()
        let text = try daemon.configuration.replacingOccurrences(of: "port: \(daemon.port)", with: "port: \(port)")
          .replacingOccurrences(of: "/audit/audit.log", with: "/audit/other.log")
        let path = "\(daemon.directory)/other.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o600)
        let mixed = try Client(
          [Daemon.python, Daemon.client("subreaper.py"), daemon.server, "run", "-D", "-c", path],
          environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"])
        defer { mixed.end() }
        // These are not started before a login or a transfer.
        let isStartedLater = ["bssh-session", "bssh-transfer"].contains(name)
        if isStartedLater {
          try mixed.errors.line(with: "ready")
          let options = ["-o", "Port=\(port)", "-o", "StrictHostKeyChecking=no"]
          let login = try daemon.ssh(options + ["host", "echo in"])
          #expect(login.output == (name == "bssh-transfer" ? "in\n" : ""))
          _ = try run(
            ["scp", "-q", "-F", "\(daemon.directory)/ssh_config"] + options + ["\(daemon.directory)/sent", "host:x"],
            environment: daemon.environment)
        }
        let line = try mixed.errors.line(with: words)
        #expect(line.contains("version 2") && line.contains("version 1"), "\(line)")
        #expect(!mixed.errors.all.contains("killed by signal 4") && !mixed.errors.all.contains("killed by signal 11"))
        let process = try mixed.output.line { $0.hasPrefix("pid ") }
        if let pid = pid_t(process.dropFirst(4)) { kill(pid, SIGTERM) }
        try mixed.output.line(within: 15) { $0.hasPrefix("exit ") }
      }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a process is named after its program, not after the file from which it was started`() throws {
      try withCopies { daemon, folder, _ in
        // From Linux 6.14 on the name is that of the file at that time, before it is the descriptor's number.
        for name in Daemon.programs { #expect(rename("\(folder)/\(name)", "\(folder)/\(name.dropFirst(5))-1") == 0) }
        try replaceProcesses(daemon)
        let client = try Client(["sftp", "-S", "\(daemon.directory)/ssh", "host"], environment: daemon.environment)
        try daemon.log.line(with: "SFTP started")
        eventually("the transfer has its name") { daemon.processes("bssh-transfer").count == 1 }
        let names = Set(daemon.processes.filter { !$0.isZombie }.map(\.name))
        #expect(names.isSuperset(of: Set(Daemon.programs).subtracting(["bssh-server"])), "\(names)")
        #expect(names.allSatisfy { !$0.contains("-1") && Int($0) == nil }, "\(names)")
        client.end()
      }
    }
  }
}
