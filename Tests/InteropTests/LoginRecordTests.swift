import Foundation
import System
import Testing

extension Interop {
  /// Login records, as the system's own programs show them; in a mount namespace, with private files.
  @Suite(.serialized) struct LoginRecords {
    /// The number of logins, according to who(1).
    private func present(_ pid: pid_t) -> Int? { (try? LoginRecordFiles.look(pid, "who | wc -l")).flatMap { Int($0) } }

    /// Values that differ between logins: numbers of terminals and processes, and times.
    private func normal(_ text: String) -> String {
      text.replacing(/pts\/[0-9]+/, with: "pts/N").replacing(/[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]+/, with: "DATE")
        .replacing(/[A-Z][a-z]{2} +[0-9]+ (?=[0-9]{2}:)/, with: "DATE ").replacing(
          /[0-9]{2}:[0-9]{2}(:[0-9]{2})?/, with: "TIME"
        )
        .replacing(/[ ]20[0-9]{2}\b/, with: " YEAR").replacing(/[0-9]+\.[0-9]{2}s/, with: "IDLE")
        .replacing(/[ ]+/, with: " ").replacing(/[ ]\n/, with: "\n")
    }

    /// What the system's programs show during a login on a terminal.
    private static let during =
      "who; who -q; last -w -n1 -f /var/log/wtmp; lastlog -u \"$(id -un)\"; w -hs"

    /// What they show after it.
    private static let after =
      "who; echo ended; last -w -i -f /var/log/wtmp; lastlog -u USER; lastb -w -f /var/log/btmp; "
      + "utmpdump /var/log/wtmp 2>/dev/null | cut -c1-4 | sort | uniq -c"

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot && hasLastlog, "needs root, and lastlog(8)"))
    func `who, w, last, lastlog and lastb show the same as with sshd`() throws {
      var shown: [[String]] = []
      try withLoginRecords { daemon throws in
        shown.append(try logins(daemon.user.name, daemon.pid) { daemon.directory + "/ssh" })
        try addSSHD(daemon, &shown)
      }
      #expect(shown[0][0].contains("still logged in"))
      guard shown.count == 2 else { return }
      for (ours, theirs) in zip(shown[0], shown[1]) { #expect(ours == theirs) }
      for name in ["nosuchuser", "nobodyhere"] {
        #expect(shown[0][1].contains("\n\(name) ssh:notty 127.0.0.1 DATE TIME"))
      }
      #expect(shown[0][0].contains(/[ ]pts\/N DATE TIME \(127\.0\.0\.1\)\n.*\n# users=1\n/))
    }

    private static let hasLastlog = access("/usr/bin/lastlog", X_OK) == 0 && access("/usr/bin/last", X_OK) == 0

    /// Logs in on a terminal, without one, and with wrong passwords; returns what is shown during and after it.
    private func logins(_ user: String, _ pid: pid_t, _ ssh: () -> String) throws -> [String] {
      let environment = ["SSH": ssh()]
      func shell(_ script: String) throws -> Outcome {
        try run(["bash", "-c", script], environment: environment, within: 60)
      }
      let during = try shell("$SSH -tt host 'export TZ=UTC LC_ALL=C; \(Self.during)'")
      #expect(during.status == 0, "\(during.errors)")
      #expect(try shell("$SSH host true").status == 0)
      for (name, password) in [(user, "wrong horse"), ("nosuchuser", "battery staple")] {
        let options = "-o BatchMode=no -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1"
        let script = "sshpass -p '\(password)' $SSH \(options) -o PreferredAuthentications=password \(name)@host true"
        #expect(try shell(script).status != 0)
      }
      #expect(try shell("$SSH -o PreferredAuthentications=publickey nobodyhere@host true").status != 0)
      var after = ""
      eventually(within: 30, "records of the end") {
        after = (try? LoginRecordFiles.look(pid, Self.after.replacing("USER", with: user))) ?? ""
        return after.hasPrefix("ended") && after.contains(" - ")
          && [user, "nosuchuser", "nobodyhere"].allSatisfy { name in
            after.split(separator: "\n").contains { $0.hasPrefix("\(name) ") && $0.contains("ssh:notty") }
          }
      }
      return [normal(during.output.replacing("\r\n", with: "\n")), normal(after)].map {
        // sshd writes two entries for a password with an unknown name, and last(1) treats entries of the current second
        // as open.
        $0.replacing(/sh -c.*/, with: "COMMAND").replacing(/w -hs/, with: "COMMAND")
          .replacing("still running", with: "- TIME (TIME)")
          // Without PAM sshd sets no audit user id, by which last(1) recognizes a login.
          .replacing("gone - no logout", with: "still logged in")
          .replacing(/(?<line>.* ssh:notty .*\n)(\k<line>)+/) { $0.output.line }
      }
    }

    /// The same with Debian's sshd, for the same user and keys, with records of its own.
    private func addSSHD(_ daemon: Daemon, _ shown: inout [[String]]) throws {
      let port = try Daemon.freePort()
      let folder = daemon.directory
      let options = [
        "UsePAM=no", "PasswordAuthentication=yes", "KbdInteractiveAuthentication=yes", "UseDNS=no", "PrintLastLog=no",
        "PrintMotd=no", "AuthorizedKeysFile=\(daemon.user.authorizedKeys)", "StrictModes=no", "ListenAddress=127.0.0.1",
      ]
      let sshd = try Client(
        [
          "unshare", "-m", "\(folder)/private.sh", "\(folder)/sshd-records", "/usr/sbin/sshd", "-D", "-e", "-f",
          "/dev/null",
          "-p", String(port), "-h", "\(folder)/host0",
        ] + options.flatMap { ["-o", $0] })
      defer { sshd.end() }
      try sshd.errors.line(with: "Server listening", within: 30)
      let configuration = try String(contentsOfFile: "\(folder)/ssh_config", encoding: .utf8)
        .replacing("Port \(daemon.port)", with: "Port \(port)").replacing(
          "StrictHostKeyChecking yes", with: "StrictHostKeyChecking no")
      try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(folder)/sshd_client_config"))
      let wrapper = "#!/bin/sh\nexec ssh -F \(folder)/sshd_client_config \"$@\"\n"
      try Data(wrapper.utf8).write(to: URL(fileURLWithPath: "\(folder)/sshd-ssh"))
      chmod("\(folder)/sshd-ssh", 0o755)
      shown.append(try logins(daemon.user.name, sshd.pid) { "\(folder)/sshd-ssh" })
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the first program on a terminal finds its login in the records`() throws {
      try withLoginRecords { daemon throws in
        for _ in 0..<20 {
          let seen = try daemon.ssh("-tt", "host", "who").output
          #expect(seen.hasPrefix("\(daemon.user.name) "), "\(seen)")
        }
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `several terminals of one connection are several logins, and all end with it`() throws {
      try withLoginRecords { daemon throws in
        let socket = "\(daemon.directory)/mux"
        let master = try daemon.startSSH("-M", "-S", socket, "-N", "host")
        eventually(within: 30, "a master") { FileManager.default.fileExists(atPath: socket) }
        let clients = try (0..<3).map { _ in try daemon.startSSH("-S", socket, "-tt", "host", "echo ready; sleep 100") }
        for client in clients { try client.output.line(with: "ready") }
        eventually(within: 30, "three logins") { present(daemon.pid) == 3 }
        let transport = try #require(
          daemon.processes("bssh-transport").first { $0.title.hasPrefix("bssh-transport [") })
        kill(transport.pid, SIGKILL)
        eventually(within: 30, "no login") { present(daemon.pid) == 0 }
        for client in clients { try client.wait() }
        master.end()
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `when the daemon ends, so do the logins in the records`() throws {
      try withLoginRecords { daemon throws in
        let ssh = try daemon.startSSH("-tt", "host", "echo ready; sleep 100")
        try ssh.output.line(with: "ready")
        eventually(within: 30, "a login") { present(daemon.pid) == 1 }
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        try ssh.wait()
        let history = try Data(contentsOf: URL(fileURLWithPath: "\(daemon.directory)/records/log/wtmp"))
        #expect(history.count == 2 * MemoryLayout<utmpx>.stride)
        #expect(try succeed("who", "\(daemon.directory)/records/run/utmp") == "")
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `missing files are not created, and logins are not affected`() throws {
      try withLoginRecords("no-run/utmp no-log/wtmp no-log/lastlog no-log/btmp") { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        try daemon.events.event("command_executed")
        for file in ["run/utmp", "log/wtmp", "log/lastlog", "log/btmp"] {
          #expect(!FileManager.default.fileExists(atPath: "\(daemon.directory)/records/\(file)"), "\(file)")
        }
        #expect(!daemon.log.all.contains("login records:"))
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `without login records nothing is written, and there is no process for it`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        #expect(daemon.recorders.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the process that writes them has the group of their files, and no other privilege`() throws {
      try withLoginRecords { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        let recorder = try #require(daemon.recorders.first)
        let account = getpwnam("bssh-audit").pointee
        #expect(recorder.status("Uid").split(separator: "\t").allSatisfy { $0 == String(account.pw_uid) })
        #expect(recorder.status("Groups") == String(getgrnam("utmp").pointee.gr_gid))
        #expect(recorder.status("CapEff") == "0000000000000000")
        eventually("it has locked itself up") { recorder.status("Seccomp") == "2" }
        #expect(recorder.status("NoNewPrivs") == "1")
        // Its second filter: it opens no existing file for writing, neither the journal nor a recording.
        #expect(recorder.status("Seccomp_filters") == "2")
        let writable = recorder.descriptors.filter { number, _ in
          let text = try? String(contentsOfFile: "/proc/\(recorder.pid)/fdinfo/\(number)", encoding: .utf8)
          let flags = text?.split(separator: "\n").first { $0.hasPrefix("flags:") }?.split(separator: "\t").last
          return flags.flatMap { Int32($0, radix: 8) }.map { $0 & O_ACCMODE != O_RDONLY } ?? true
        }
        let files = writable.values.filter { $0.hasPrefix("/") && $0 != "/dev/null" }
        #expect(files.sorted() == ["/run/utmp", "/var/log/btmp", "/var/log/lastlog", "/var/log/wtmp"])
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `after logrotate the next login, its end and refusals are in the new files`() throws {
      try withLoginRecords { daemon throws in
        let log = "\(daemon.directory)/records/log"
        let entry = MemoryLayout<utmpx>.stride
        func size(_ name: String) -> Int {
          ((try? FileManager.default.attributesOfItem(atPath: "\(log)/\(name)")[.size]) ?? nil) as? Int ?? -1
        }
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        eventually(within: 30, "both entries") { size("wtmp") == 2 * entry }
        for name in ["wtmp", "btmp"] {
          let script = "mv \(name) \(name).1 && : >\(name) && chown root:utmp \(name) && chmod 660 \(name)"
          _ = try succeed("sh", "-c", "cd '\(log)' && \(script)")
        }
        #expect(try daemon.ssh("-tt", "host", "who | wc -l").output == "1\r\n")
        eventually(within: 30, "both entries") { size("wtmp") == 2 * entry }
        #expect(size("wtmp.1") == 2 * entry)
        _ = try daemon.ssh("-o", "PreferredAuthentications=publickey", "nobodyhere@host", "true")
        eventually(within: 30, "what was refused") { size("btmp") == entry }
        #expect(size("btmp.1") == 0)
        try daemon.log.line(with: "the files of login records were replaced")
        #expect(!daemon.log.all.contains("not in the login records"))
      }
    }
  }
}
