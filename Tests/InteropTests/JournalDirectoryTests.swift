import Foundation
import Testing

extension Interop {
  /// Where a journal, recordings and cursors can be, and where not.
  @Suite(.serialized) struct JournalDirectories {
    private func mode(_ path: String) -> mode_t {
      var status = stat()
      return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    /// A directory that only root can enter.
    private func makeClosed(_ preparation: Daemon.Preparation) throws {
      let path = "\(preparation.directory)/closed"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      chmod(path, 0o700)
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a journal, recordings and cursors may be below a directory that only root can enter`() throws {
      let keys = [
        "exporters": """
        [{type: file, path: DIRECTORY/closed/deep/audit.log}, {type: syslog, socket: DIRECTORY/socket}]
        """,
        "recording": "{enabled: true, directory: DIRECTORY/closed/recordings}",
      ]
      try withDaemon(audit: keys, prepare: makeClosed) { daemon throws in
        daemon.keepsJournal = false
        let closed = "\(daemon.directory)/closed"
        let journal = DaemonJournal(path: "\(closed)/deep/audit.log")
        try journal.event("daemon_started")
        #expect(try daemon.ssh("-tt", "host", "echo in").output.contains("in"))
        let recording = try journal.event("recording_finished")
        #expect(recording["path"]?.hasPrefix("\(closed)/recordings/") == true && recording["result"] == "success")
        eventually("the exporter's lock") {
          (try? FileManager.default.contentsOfDirectory(atPath: "\(closed)/deep/cursors"))?.isEmpty == false
        }
        // A new journal process works there as well.
        let writer = try #require(daemon.processes("bssh-journal").first)
        kill(writer.pid, SIGKILL)
        #expect(try daemon.ssh("host", "echo again").output == "again\n")
        try journal.events(2, of: "session_end")
        let before = try daemon.configuration
        try daemon.reload(before.replacingOccurrences(of: "closed/deep/", with: "closed/other/"))
        let other = DaemonJournal(path: "\(closed)/other/audit.log")
        try other.event("configuration_loaded")
        #expect(mode(closed) == 0o700)
        #expect(try journal.problem() == nil && other.problem() == nil)
        var status = stat()
        #expect(stat("\(closed)/other", &status) == 0 && status.st_uid == getpwnam("bssh-audit").pointee.pw_uid)
      }
    }

    /// Runs the daemon's command with another configuration.
    private func server(_ daemon: Daemon, _ command: String..., audit: String) throws -> Outcome {
      let text = try daemon.configuration
      let start = try #require(text.range(of: "audit:\n"))
      let rest = text[start.upperBound...].drop { _ in false }
      let end = rest.range(of: "\nauth:")?.lowerBound ?? rest.range(of: "\nsecurity:")?.lowerBound ?? rest.endIndex
      let other = text[..<start.lowerBound] + "audit: \(audit)" + rest[end...]
      let path = "\(daemon.directory)/other.yaml"
      try Data(other.utf8).write(to: URL(fileURLWithPath: path))
      chmod(path, 0o600)
      let outcome = try run(
        [daemon.server] + command + ["-c", path, "-p", "\(try Daemon.freePort())"], within: 30)
      return outcome
    }

    @Test(
      .timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      arguments: [
        ("DIRECTORY/foreign/audit.log", "'DIRECTORY/foreign' belongs to nobody"),
        ("DIRECTORY/plain/audit.log", "'DIRECTORY/plain' belongs to root, and bssh-audit may not write there"),
        ("/tmp/audit.log", "everyone can write to '/tmp'"), ("/proc/bssh/audit.log", "/proc"),
        ("DIRECTORY/server.yaml/audit.log", "Not a directory"), ("DIRECTORY/foreign/", "is a directory"),
      ])
    func `a journal needs a directory of its own: neither a check nor a start accepts another one`(
      path: String, reason: String
    ) throws {
      try withDaemon { daemon throws in
        for name in ["foreign", "plain"] {
          try FileManager.default.createDirectory(
            atPath: "\(daemon.directory)/\(name)", withIntermediateDirectories: false)
        }
        chown("\(daemon.directory)/foreign", getpwnam("nobody").pointee.pw_uid, 65534)
        let place = path.replacingOccurrences(of: "DIRECTORY", with: daemon.directory)
        for command in ["check-config", "run"] {
          let outcome = try server(
            daemon, command, audit: "{exporters: [{type: file, path: \"\(place)\"}]}")
          #expect(outcome.status == 78, "\(command): \(outcome.errors)")
          let lines = outcome.errors.split(separator: "\n").filter { $0.contains("the journal cannot be written") }
          #expect(lines.count == 1 && !outcome.errors.contains("chown"), "\(outcome.errors)")
          #expect(lines.first?.contains("other.yaml:") == true)
          #expect(
            lines.first?.contains(reason.replacingOccurrences(of: "DIRECTORY", with: daemon.directory)) == true,
            "\(outcome.errors)")
          if reason.contains("belongs") || reason.contains("everybody") {
            #expect(outcome.errors.contains("needs a directory of its own, as /var/log/bssh"))
          }
        }
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a first start with a full disk fails, and says what to do`() throws {
      try withDaemon { daemon throws in
        let folder = "\(daemon.directory)/small"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let owner = getpwnam("bssh-audit").pointee
        // The directory and two files, none of which has room for a byte.
        try succeed(
          "mount", "-t", "tmpfs", "-o", "nr_blocks=1,mode=700,uid=\(owner.pw_uid),gid=\(owner.pw_gid)", "none", folder)
        defer { _ = try? run(["umount", "-l", folder]) }
        try Data([0]).write(to: URL(fileURLWithPath: "\(folder)/filler"))
        let outcome = try server(
          daemon, "run", "-D", audit: "{exporters: [{type: file, path: \(folder)/audit.log}]}")
        #expect(outcome.status == 73 && outcome.errors.contains("No space left on device"), "\(outcome.errors)")
        #expect(outcome.errors.contains("not started: audit.exporters names a file elsewhere"))
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a journal with the mode 0640 can be read by the group bssh-audit, and by nobody else`() throws {
      let keys = ["exporters": "[{type: file, path: DIRECTORY/audit/audit.log, mode: \"0640\"}]"]
      let prepare = { (preparation: Daemon.Preparation) throws in
        // As it was created for a journal that only its owner can read.
        let owner = getpwnam("bssh-audit").pointee
        let folder = "\(preparation.directory)/audit"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        chmod(folder, 0o700)
        chown(folder, owner.pw_uid, owner.pw_gid)
      }
      try withDaemon(audit: keys, prepare: prepare) { daemon throws in
        try daemon.events.event("daemon_started")
        let group = getpwnam("bssh-audit").pointee.pw_gid
        func read(_ group: gid_t) throws -> Outcome {
          try run([
            "setpriv", "--reuid=65533", "--regid=65533", "--groups=\(group)", "cat", daemon.events.path,
          ])
        }
        #expect(try read(group).output.contains("daemon_started"))
        #expect(try read(65532).status != 0)
        #expect(mode("\(daemon.directory)/audit") == 0o750 && mode(daemon.events.path) == 0o640)
        chmod(daemon.directory, 0o700)
        defer { chmod(daemon.directory, 0o755) }
        let checked = try run([daemon.server, "check-config", "-c", "\(daemon.directory)/server.yaml"])
        #expect(
          checked.status == 0
            && checked.errors.contains(
              "the group bssh-audit cannot read the journal: it may not search '\(daemon.directory)'"),
          "\(checked.errors)")
      }
    }
  }
}
