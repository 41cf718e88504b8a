import Foundation
import Testing

extension Interop {
  /// Recordings of terminals, as an administrator finds them.
  @Suite(.serialized) struct Recordings {
    private static let on: Daemon.Keys = ["recording": "{enabled: true}"]

    /// A finished recording, as another program reads it.
    private struct Cast {
      let path: String
      let header: [String: Any]
      let events: [(time: Double, type: String, text: String)]

      init(_ path: String) throws {
        self.path = path
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        func parse(_ line: Substring) throws -> Any { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        header = try #require(try parse(lines[0]) as? [String: Any])
        events = try lines.dropFirst().map { line in
          let event = try #require(try parse(line) as? [Any])
          return (
            try #require(event[0] as? Double), try #require(event[1] as? String), try #require(event[2] as? String)
          )
        }
      }

      func text(_ type: String) -> String { events.filter { $0.type == type }.map(\.text).joined() }
    }

    /// Waits for the end of this many recordings, and returns their events in order.
    private func finished(_ daemon: Daemon, _ count: Int = 1) throws -> [DaemonJournal.Event] {
      try daemon.events.events(count, of: "recording_finished")
    }

    /// The default directory of recordings.
    private func directory(_ daemon: Daemon) -> String { "\(daemon.directory)/audit/recordings" }

    private func files(_ daemon: Daemon) -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: directory(daemon))) ?? []
    }

    @Test(.timeLimit(.minutes(2))) func `the file contains what the client saw, and the journal its size and hash`()
      throws
    {
      try withDaemon(audit: Self.on) { daemon throws in
        let script = "stty raw; printf 'a\\033[1mb\\303'; printf '\\244'; head -c 300000 /dev/urandom"
        let seen = try daemon.ssh("-tt", "host", script).output
        let event = try finished(daemon)[0]
        let path = try #require(event["path"])
        #expect(path.hasPrefix(directory(daemon) + "/"))
        let cast = try Cast(path)
        #expect(cast.text("o").utf8.elementsEqual(seen.utf8))
        #expect(cast.header["version"] as? Int == 2)
        #expect((cast.header["title"] as? String)?.hasPrefix("\(daemon.user.name) from 127.0.0.1") == true)
        #expect(cast.events.map(\.type).allSatisfy { $0 == "o" })
        #expect(zip(cast.events, cast.events.dropFirst()).allSatisfy { $0.time <= $1.time })
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect(event.number("bytes") == size)
        let sum = try succeed("sha256sum", path).prefix(64)
        #expect(event["details"] == "sha256:\(sum)")
        #expect(event.number("channel") == 0)
        #expect(event["result"] == "success")
        let started = try daemon.events.event("recording_started")
        #expect(started["path"] == path)
        #expect(started["session_id"] == event["session_id"])
        // Ours and asciinema show the same.
        #expect(try succeed(daemon.server, "replay", "--raw", path) + "" == String(seen))
        let console = try run(
          ["script", "-qec", "asciinema cat '\(path)' > '\(daemon.directory)/seen'", "/dev/null"],
          environment: ["ASCIINEMA_CONFIG_HOME": daemon.directory])
        #expect(console.status == 0, "\(console.output)")
        let theirs = try Data(contentsOf: URL(fileURLWithPath: "\(daemon.directory)/seen"))
        #expect(String(decoding: theirs, as: UTF8.self).utf8.elementsEqual(seen.utf8))
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `without a terminal nothing is recorded, and by default nothing at all`()
      throws
    {
      try withDaemon(audit: Self.on) { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(files(daemon).isEmpty)
      }
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        #expect(!FileManager.default.fileExists(atPath: directory(daemon)))
        #expect(try daemon.events.all("recording_started").isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `the size of the terminal and its changes are recorded, and input is not`()
      throws
    {
      try withDaemon(audit: Self.on) { daemon throws in
        try daemon.claim("terminal.py", "recorded-size")
        let cast = try Cast(try #require(try finished(daemon)[0]["path"]))
        #expect(cast.header["width"] as? Int == 91)
        #expect(cast.header["height"] as? Int == 37)
        #expect((cast.header["env"] as? [String: String])?["TERM"] == "xterm-256color")
        #expect(cast.text("r") == "120x50")
        #expect(cast.text("i") == "")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `input is recorded if that is configured, including input without echo`()
      throws
    {
      try withDaemon(audit: ["recording": "{enabled: true, input: true}"]) { daemon throws in
        let ssh = try daemon.startSSH("-tt", "host", "stty -echo; echo ready; read secret; echo \"got ${#secret}\"")
        try ssh.output.line(with: "ready")
        try ssh.send("open sesame ä\n")
        // dash counts bytes.
        try ssh.output.line(with: "got 14")
        ssh.closeInput()
        try ssh.wait()
        let cast = try Cast(try #require(try finished(daemon)[0]["path"]))
        #expect(cast.text("i").hasPrefix("open sesame ä\n"))
        #expect(!cast.text("o").contains("sesame"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `each terminal of a connection has a recording of its own`() throws {
      try withDaemon(audit: Self.on) { daemon throws in
        let socket = "\(daemon.directory)/mux"
        let master = try daemon.startSSH("-M", "-S", socket, "-N", "host")
        eventually(within: 30, "a master") { FileManager.default.fileExists(atPath: socket) }
        let clients = try (0..<5).map {
          try daemon.startSSH("-S", socket, "-tt", "host", "echo ready \($0); read line; echo end \($0)")
        }
        for (number, client) in clients.enumerated() { try client.output.line(with: "ready \(number)") }
        for client in clients { try client.send("\n") }
        for client in clients { try client.wait() }
        let events = try finished(daemon, 5)
        #expect(Set(events.compactMap { $0["path"] }).count == 5)
        #expect(Set(events.compactMap { $0["session_id"] }).count <= 1)
        let texts = try events.map { try Cast(try #require($0["path"])).text("o") }
        for number in 0..<5 {
          #expect(texts.count { $0.contains("ready \(number)") && $0.contains("end \(number)") } == 1)
        }
        master.end()
      }
    }

    @Test(.timeLimit(.minutes(3))) func `without a journal terminals are still recorded, and the log says so`()
      throws
    {
      try withDaemon(audit: Self.on.merging(["enabled": "false"]) { $1 }) { daemon throws in
        daemon.keepsJournal = false
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        try daemon.log.line(with: "recording finished", "sha256:")
        let name = try #require(files(daemon).first)
        #expect(files(daemon).count == 1)
        #expect(try Cast("\(directory(daemon))/\(name)").text("o") == "in\r\n")
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.directory)/audit/audit.log"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the configuration of recordings that AUDIT.md shows loads`() throws {
      let document = try String(contentsOfFile: Daemon.repository + "/Documentation/AUDIT.md", encoding: .utf8)
      let parts = document.components(separatedBy: "```")
      let sample = try #require(parts.first { $0.hasPrefix("yaml\n") && $0.contains("recording:") })
      try withDaemon { daemon throws in
        let file = "\(daemon.directory)/sample.yaml"
        let server = "server: {host_keys: [\"\(daemon.directory)/host0\"]}\n"
        try Data((server + sample.dropFirst(5)).utf8).write(to: URL(fileURLWithPath: file))
        chmod(file, 0o600)
        let outcome = try run([daemon.server, "check-config", "-c", file])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("ops-*") && outcome.output.contains("/srv/recordings"))
      }
    }

    @Test(.timeLimit(.minutes(2))) func `an existing login is recorded as before after a reload that ends recording`()
      throws
    {
      try withDaemon(audit: Self.on) { daemon throws in
        let ssh = try daemon.startSSH("-M", "-S", "\(daemon.directory)/mux", "-tt", "host", "echo ready; sleep 100")
        try ssh.output.line(with: "ready")
        try daemon.reload(
          try daemon.configuration.replacing("recording: {enabled: true}", with: "recording: {enabled: false}"))
        // How the terminal displays the line does not matter: the client has none.
        let output = try daemon.ssh("-S", "\(daemon.directory)/mux", "-tt", "host", "echo in").output
        #expect(output.contains("in"))
        let end = try finished(daemon)[0]
        #expect(end["result"] == "success")
        #expect(try Cast(try #require(end["path"])).text("o") == output)
        // A new login is not recorded.
        #expect(try daemon.ssh("-S", "none", "-tt", "host", "echo in").output == "in\r\n")
        #expect(try daemon.events.all("recording_started").count == 2)
        ssh.end()
      }
    }

    // MARK: Who is recorded

    @Test(
      .timeLimit(.minutes(2)),
      arguments: [
        ("{enabled: true, users: [USER]}", "", true), ("{enabled: true, users: [nobody, \"x*\"]}", "", false),
        ("{enabled: false}", "{users: [USER], audit: {recording: {enabled: true}}}", true),
        ("{enabled: true}", "{users: [USER], audit: {recording: {enabled: false}}}", false),
        ("{enabled: true}", "{addresses: [127.0.0.1], audit: {recording: {directory: DIRECTORY/audit/other}}}", true),
      ])
    func `users and match blocks decide who is recorded and where`(recording: String, match: String, isRecorded: Bool)
      throws
    {
      try withDaemon { daemon throws in
        var text = try daemon.configuration.replacing(
          "  login_records: false", with: "  login_records: false\n  recording: \(recording)")
        if !match.isEmpty { text += "match:\n  - \(match)\n" }
        text = text.replacing("USER", with: daemon.user.name).replacing("DIRECTORY", with: daemon.directory)
        try daemon.reload(text)
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        try daemon.events.event("command_executed")
        let started = try daemon.events.all("recording_started")
        #expect(started.count == (isRecorded ? 1 : 0))
        let place = match.contains("other") ? "\(daemon.directory)/audit/other/" : directory(daemon) + "/"
        #expect(started.allSatisfy { $0["path"]?.hasPrefix(place) == true })
        if isRecorded {
          #expect(try Cast(try #require(try finished(daemon)[0]["path"])).text("o") == "in\r\n")
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the user can neither read nor change a recording`() throws {
      try withDaemon(audit: Self.on) { daemon throws in
        let folder = directory(daemon)
        let script =
          "cat \(folder)/*; ls \(folder); echo x >> \(folder)/$(date +%s); rm -rf \(folder); "
          + "for fd in /proc/[0-9]*/fd/*; do readlink $fd; done 2>/dev/null | grep -c cast$"
        let outcome = try daemon.ssh("-tt", "host", script)
        #expect(outcome.output.hasSuffix("0\r\n"))
        #expect(outcome.output.components(separatedBy: "Permission denied").count >= 4)
        let path = try #require(try finished(daemon)[0]["path"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.ownerAccountName] as? String == "bssh-audit")
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let above = try FileManager.default.attributesOfItem(atPath: folder)
        #expect(above[.ownerAccountName] as? String == "bssh-audit")
        #expect(above[.posixPermissions] as? Int == 0o700)
        #expect(try Cast(path).text("o") == outcome.output)
      }
    }

    // MARK: Failures

    /// A daemon whose recordings are on a small file system of their own.
    private func withSmallDisk(_ keys: Daemon.Keys, _ body: (Daemon, String) throws -> Void) throws {
      let prepare = { (preparation: Daemon.Preparation) throws in
        let folder = "\(preparation.directory)/small"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let owner = getpwnam("bssh-audit").pointee
        try succeed(
          "mount", "-t", "tmpfs", "-o", "size=128k,mode=700,uid=\(owner.pw_uid),gid=\(owner.pw_gid)", "none", folder)
      }
      let on = ["recording": "{enabled: true, directory: DIRECTORY/small}"]
      try withDaemon(audit: on.merging(keys) { $1 }, prepare: prepare) { daemon throws in
        defer { _ = try? run(["umount", "-l", "\(daemon.directory)/small"]) }
        try body(daemon, "\(daemon.directory)/small")
      }
    }

    /// Writes more than the file system can hold, in lines, and then continues for a while.
    private static let much = "head -c 300000 /dev/zero | tr '\\0' x | fold -w 100; echo behind; sleep 1; echo end"

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `on a full disk the terminal continues, and the journal says that it is not recorded`() throws {
      try withSmallDisk([:]) { daemon, _ throws in
        let outcome = try daemon.ssh("-tt", "host", Self.much)
        #expect(outcome.output.hasSuffix("end\r\n"))
        let event = try finished(daemon)[0]
        #expect(event["result"] == "error")
        #expect(event["reason"] == "recording_failed")
        let path = try #require(event["path"])
        #expect(
          event["details"]
            == "No space left on device, sha256:\(try succeed("sha256sum", path).prefix(64))")
        #expect(event.number("bytes") == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int))
        // The next one has not even a header.
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        try daemon.log.line(with: "recording finished", "No space left on device")
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)), arguments: [false, true])
    func `where logins must be recorded, a full disk ends them, except those of rescue users`(isRescuer: Bool) throws {
      try withSmallDisk(["on_failure": "refuse", "rescue_users": "[root]"]) { daemon, _ throws in
        if isRescuer {
          try daemon.reload(
            try daemon.configuration.replacing("rescue_users: [root]", with: "rescue_users: [\(daemon.user.name)]"))
        }
        let outcome = try daemon.ssh("-tt", "host", Self.much)
        #expect(outcome.output.hasSuffix("end\r\n") == isRescuer)
        #expect(outcome.errors.contains("recording_failed") == !isRescuer)
        #expect((outcome.status == 255) == !isRescuer)
        #expect(try finished(daemon)[0]["result"] == "error")
        eventually("nobody is left") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func `when no file can be created, nothing runs where recording is required, and everything elsewhere`(isMust: Bool)
      throws
    {
      let keys = [
        "recording": "{enabled: true, directory: DIRECTORY/blocked/r}", "on_failure": isMust ? "refuse" : "continue",
      ]
      let prepare = { (preparation: Daemon.Preparation) throws in
        // A file in the place of the directory.
        try Data().write(to: URL(fileURLWithPath: "\(preparation.directory)/blocked"))
      }
      try withDaemon(audit: keys, prepare: prepare) { daemon throws in
        try daemon.log.line(with: "audit.recording.directory", "recordings cannot be created")
        let outcome = try daemon.ssh("-tt", "host", "touch \(daemon.user.home)/ran; echo in")
        #expect(outcome.output == (isMust ? "" : "in\r\n"))
        #expect(outcome.errors.contains("This login must be recorded, which is not possible now") == isMust)
        #expect(FileManager.default.fileExists(atPath: "\(daemon.user.home)/ran") == !isMust)
        let event = try daemon.events.event("recording_started")
        #expect(event["result"] == "error")
        #expect(event["details"]?.contains("blocked/r") == true)
        // Without a terminal nothing is recorded anyway.
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `when a transport is killed, its recording is reported as lost, and can be played`()
      throws
    {
      try withDaemon(audit: Self.on) { daemon throws in
        let ssh = try daemon.startSSH("-tt", "host", "echo ready; sleep 0.7; echo more; sleep 100")
        try ssh.output.line(with: "more")
        let path = try #require(try daemon.events.event("recording_started")["path"])
        eventually("something is written") {
          (try? String(contentsOfFile: path, encoding: .utf8))?.contains("ready") == true
        }
        let transport = try #require(
          daemon.processes("bssh-transport").first { $0.title.hasPrefix("bssh-transport [") })
        kill(transport.pid, SIGKILL)
        let event = try finished(daemon)[0]
        #expect(event["reason"] == "transport_lost")
        #expect(event["path"] == path)
        #expect(try succeed(daemon.server, "replay", path).hasPrefix("ready"))
        try ssh.wait()
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a recorder that dies is restarted`() throws {
      try withDaemon(audit: Self.on) { daemon throws in
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
        let recorder = try #require(daemon.recorders.first)
        kill(recorder.pid, SIGKILL)
        try daemon.log.line(with: "recorder", "\(recorder.pid)")
        eventually(within: 20, "a recording") {
          _ = try? daemon.ssh("-tt", "host", "echo in")
          return (try? daemon.events.all("recording_finished").count) ?? 0 >= 2
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a transport may write files only where logins are recorded`() throws {
      for (keys, limit) in [([:], "0"), (Self.on, "unlimited")] as [(Daemon.Keys, String)] {
        try withDaemon(audit: keys) { daemon throws in
          let transport = try #require(daemon.processes.first { $0.title == "bssh-transport: spare" })
          let limits = try String(contentsOfFile: "/proc/\(transport.pid)/limits", encoding: .utf8)
          let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max file size") })
          #expect(line.split(separator: " ").dropFirst(3).first.map(String.init) == limit)
        }
      }
    }
  }
}
