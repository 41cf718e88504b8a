import Foundation
import IPC
import System
import Testing

extension Interop {
  /// The exporters of a daemon: whatever happens to them and to their receivers, all events of the journal arrive.
  @Suite(.serialized) struct Exporters {
    /// A type of exporter, and how it is used.
    enum Kind: CaseIterable {
      case logstash, logstashTLS, grpc, httpProtobuf, httpJSON, syslog
    }

    /// A receiver, and the entry of `audit.exporters` that reaches it.
    private struct Destination {
      let kind: Kind
      let receiver: EventReceiver
      let entry: String
      /// Its name in the log.
      let name: String

      init(_ kind: Kind, in folder: String) throws {
        self.kind = kind
        switch kind {
        case .logstash:
          receiver = try EventReceiver(rsyslog: LogstashExporter.plain, in: folder)
          entry = "{type: logstash, host: 127.0.0.1, port: \(receiver.port)}"
          name = "logstash 127.0.0.1:\(receiver.port)"
        case .logstashTLS:
          _ = try TestCertificates(in: folder)
          chmod("\(folder)/client.key", 0o600)
          receiver = try EventReceiver(rsyslog: LogstashExporter.encrypted, in: folder)
          let files = "ca: \(folder)/ca.pem, certificate: \(folder)/client.pem, key: \(folder)/client.key"
          entry = "{type: logstash, host: localhost, port: \(receiver.port), tls: {enabled: true, \(files)}}"
          name = "logstash localhost:\(receiver.port)"
        case .grpc, .httpProtobuf, .httpJSON:
          let transport: OTelSettings.Transport =
            kind == .grpc ? .grpc : kind == .httpJSON ? .httpJSON : .httpProtobuf
          receiver = try EventReceiver(collector: transport, in: folder)
          let place = "endpoint: \"http://127.0.0.1:\(receiver.port)\", protocol: \(transport.rawValue)"
          entry = "{type: otel, \(place), headers: {X-Token: \(Self.secret)}, resource: {deployment.environment: lab}}"
          name = "otel http://127.0.0.1:\(receiver.port)"
        case .syslog:
          receiver = try EventReceiver(rsyslog: SyslogExporter.rsyslog, in: folder)
          eventually(within: 30, "the socket of rsyslog") { (try? Descriptor.datagram(to: "\(folder)/log")) != nil }
          entry = "{type: syslog, socket: \(folder)/log, facility: local3}"
          name = "syslog \(folder)/log"
        }
      }

      /// Nobody but the collector may see it.
      static let secret = "opensesame-4711"

      /// Waits until these events of each series of a journal have arrived, each series in order.
      func expect(_ series: [[String]], sourceLocation: SourceLocation = #_sourceLocation) {
        for ids in series {
          switch kind {
          case .logstash, .logstashTLS, .syslog: receiver.events.expect(ids, sourceLocation: sourceLocation)
          case .grpc, .httpProtobuf, .httpJSON:
            receiver.events.expect(ids, ReceivedEvents.ofRecord, sourceLocation: sourceLocation)
          }
        }
      }
    }

    /// A folder that everyone can enter, for the files of receivers; removed with its last owner.
    private final class Folder {
      let path = NSTemporaryDirectory() + "bssh-receivers-\(UUID().uuidString)"

      init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o755)
      }

      deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func audit(_ destinations: [Destination], file: String = "") -> Daemon.Keys {
      let journal = "{type: file, path: DIRECTORY/audit/audit.log\(file)}"
      return ["exporters": "[" + ([journal] + destinations.map(\.entry)).joined(separator: ", ") + "]"]
    }

    private func logIn(_ daemon: Daemon) throws {
      let before = try daemon.events.all("connection_closed").count
      #expect(try daemon.ssh("host", "echo in").output == "in\n")
      #expect(try daemon.scp("\(daemon.directory)/id.pub", "host:copy").status == 0)
      try daemon.events.events(before + 2, of: "connection_closed")
    }

    /// The output of `audit stats`.
    private func waiting(_ destination: Destination, _ daemon: Daemon) throws -> Int? {
      let outcome = try run([daemon.server, "audit", "stats", "--file", daemon.events.path])
      let row = outcome.output.components(separatedBy: "Events that wait for receivers\n").last?.split(separator: "\n")
        .first { $0.contains(destination.name) }
      return row?.split(separator: " ").last.flatMap { Int($0) }
    }

    /// The ids of the events of each series of the journal.
    private func ids(_ daemon: Daemon) throws -> [[String]] {
      try [daemon.events, daemon.events.ofFiles].map { series in
        try series.lines().lines.map { try DaemonJournal.Event($0).id }
      }
    }

    @Test(.timeLimit(.minutes(4)))
    func `receivers of every type get every event of a daemon's life, in order and across its restart`() throws {
      let folder = try Folder()
      let destinations = try Kind.allCases.map { try Destination($0, in: folder.path) }
      try withDaemon(audit: audit(destinations)) { daemon throws in
        try logIn(daemon)
        try daemon.restart()
        try logIn(daemon)
        let events = try daemon.events.all()
        for type in ["daemon_started", "connection_open", "file_uploaded", "daemon_stopped"] {
          #expect(events.contains { $0.type == type }, "\(type)")
        }
        for destination in destinations { destination.expect(try ids(daemon)) }
        let record = try #require(
          FileManager.default.contents(atPath: destinations[2].receiver.events.path)?.split(separator: 10).first)
        #expect(String(decoding: record, as: UTF8.self).contains("\"deployment.environment\": \"lab\""))
        #expect(String(decoding: record, as: UTF8.self).contains(Destination.secret))
        // The credential for the receiver appears nowhere else.
        #expect(!daemon.log.all.contains(Destination.secret))
        #expect(try !daemon.events.lines().lines.joined().contains(Destination.secret))
        for process in daemon.processes {
          let environment = FileManager.default.contents(atPath: "/proc/\(process.pid)/environ") ?? Data()
          #expect(!process.title.contains(Destination.secret))
          #expect(!String(decoding: environment, as: UTF8.self).contains(Destination.secret))
        }
      }
    }

    @Test(.timeLimit(.minutes(5)))
    func `exporters and receivers that are killed come back, the journal rotates, and no event is missed`() throws {
      let folder = try Folder()
      let destinations = try Kind.allCases.map { try Destination($0, in: folder.path) }
      let file = ", rotate: {max_size: 4KiB, max_backups: 500}"
      try withDaemon(audit: audit(destinations, file: file)) { daemon throws in
        try logIn(daemon)
        for destination in destinations { destination.expect(try ids(daemon)) }
        // Receivers are down while events happen.
        for destination in destinations { try destination.receiver.kill() }
        try logIn(daemon)
        for destination in destinations {
          try daemon.log.line(with: "\(destination.name): ", "events wait, and are sent again", within: 60)
        }
        // Their exporters are killed, and events continue to happen.
        let exporters = daemon.processes("bssh-exporter")
        #expect(exporters.count == destinations.count)
        for exporter in exporters { kill(exporter.pid, SIGKILL) }
        try logIn(daemon)
        for destination in destinations {
          try daemon.log.line(with: "\(destination.name): its exporter killed by signal 9", within: 30)
          try destination.receiver.start()
        }
        try logIn(daemon)
        for destination in destinations { destination.expect(try ids(daemon)) }
        // Killed while they work.
        for exporter in daemon.processes("bssh-exporter") { kill(exporter.pid, SIGKILL) }
        for destination in destinations { try destination.receiver.kill() }
        for destination in destinations { try destination.receiver.start() }
        try logIn(daemon)
        let events = try daemon.events.all()
        for destination in destinations { destination.expect(try ids(daemon)) }
        #expect(events.allSatisfy { $0.type != "audit_gap" })
        #expect(daemon.events.files.count > 3)
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `file events arrive in order as well, and each series has a cursor that survives a restart`() throws {
      let folder = try Folder()
      let destination = try Destination(.logstash, in: folder.path)
      try withDaemon(audit: audit([destination])) { daemon throws in
        try logIn(daemon)
        destination.expect(try ids(daemon))
        #expect(try ids(daemon)[1].count >= 3)
        try daemon.restart()
        let cursors = "\(daemon.directory)/audit/cursors"
        let names = try FileManager.default.contentsOfDirectory(atPath: cursors).filter { $0.hasPrefix("audit") }
        #expect(
          names.filter { $0.hasPrefix("audit-files.log_") && !$0.hasSuffix(".lock") && !$0.hasSuffix(".new") }.count
            == 1, "\(names)")
        for _ in 0..<3 { try logIn(daemon) }
        destination.expect(try ids(daemon))
      }
    }

    @Test(.timeLimit(.minutes(2))) func `events are also sent without root`() throws {
      let folder = try Folder()
      let destination = try Destination(.httpJSON, in: folder.path)
      try withDaemon(mode: .unprivileged, audit: audit([destination])) { daemon throws in
        try logIn(daemon)
        destination.expect(try ids(daemon))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `events of logins that continue after a restart are sent by the next exporter`()
      throws
    {
      let folder = try Folder()
      let destination = try Destination(.grpc, in: folder.path)
      try withDaemon(audit: audit([destination])) { daemon throws in
        let open = try daemon.startSSH("host", "echo ready; cat")
        try open.output.line(with: "ready")
        try daemon.restart(SIGUSR1)
        eventually(within: 30, "one exporter, of the new daemon") { daemon.processes("bssh-exporter").count == 1 }
        open.closeInput()
        #expect(try open.wait() == 0)
        try daemon.events.event("command_executed")
        try logIn(daemon)
        destination.expect(try ids(daemon))
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `receivers that are behind, and by how much, are in the log and the service's status`()
      throws
    {
      let folder = try Folder()
      let destination = try Destination(.logstash, in: folder.path)
      try destination.receiver.kill()
      let path = folder.path + "/notified"
      let manager = try Client([Daemon.python, Daemon.client("notified.py"), path])
      defer { manager.end() }
      try manager.output.line(with: "bound")
      // These events are an hour old, and no receiver has them.
      let old = try TestJournal()
      old.time = Int64(Date().timeIntervalSince1970 * 1000) - 3_650_000
      try old.append(40)
      let prepare = { (preparation: Daemon.Preparation) throws in
        let audit = preparation.directory + "/audit"
        try FileManager.default.createDirectory(atPath: audit, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: old.path, toPath: audit + "/audit.log")
        let owner = isRoot ? getpwnam("bssh-audit").pointee.pw_uid : preparation.user.uid
        for file in [audit, audit + "/audit.log"] { chown(file, owner, owner == 0 ? 0 : gid_t.max) }
        chmod(audit, 0o700)
        chmod(audit + "/audit.log", 0o600)
      }
      try withDaemon(audit: audit([destination]), environment: ["NOTIFY_SOCKET": path], prepare: prepare) {
        daemon throws in
        let line = try daemon.log.line(with: "\(destination.name): is behind: ", " events wait, the oldest for 36")
        let count = try #require(line.components(separatedBy: "is behind: ").last?.split(separator: " ").first)
        #expect(Int(count) ?? 0 >= 40)
        try manager.output.line(with: "STATUS=", "\(destination.name) is behind: ", " events wait", within: 30)
        eventually(within: 30, "what waits, in numbers") { (try? waiting(destination, daemon)) ?? 0 >= 40 }
        try destination.receiver.start()
        try daemon.log.line(with: "\(destination.name): has caught up", within: 60)
        let start = manager.output.count
        destination.expect(try ids(daemon))
        #expect(try ids(daemon)[0].count > 40 && Array(try ids(daemon)[0].prefix(40)) == old.ids)
        eventually(within: 30, "nothing waits") { (try? waiting(destination, daemon)) == 0 }
        daemon.signal(SIGHUP)
        let status = try manager.output.line(after: start, within: 30) { $0.contains("STATUS=") }
        #expect(!status.contains("behind"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `events that rotation removed before they were sent are reported in an event`()
      throws
    {
      let folder = try Folder()
      let destination = try Destination(.logstash, in: folder.path)
      let file = ", rotate: {max_size: 4KiB, max_backups: 1}"
      try withDaemon(audit: audit([destination], file: file)) { daemon throws in
        try daemon.events.event("configuration_loaded")
        destination.expect(try ids(daemon))
        try destination.receiver.kill()
        let before = try #require(try daemon.events.all().last?.number("seq"))
        eventually(within: 120, "the journal has forgotten") {
          _ = try? daemon.ssh("host", "true")
          return (try? daemon.events.all().first?.number("seq")) ?? 0 > before + 5
        }
        try destination.receiver.start()
        let gap = try daemon.events.event("audit_gap", within: 90) { $0["reason"] == "no_longer_in_journal" }
        #expect(gap["result"] == "error")
        let words = (gap["details"] ?? "").split(separator: " ")
        let (count, first) = (words.first.flatMap { Int($0) } ?? 0, words.dropFirst(4).first.flatMap { Int($0) } ?? 0)
        #expect(count >= 5 && first > before - 40 && first <= before + 1, "\(gap)")
        #expect(gap["details"]?.hasSuffix("do not reach \(destination.name)") == true)
        try daemon.log.line(
          with: "\(destination.name): \(count) events from number \(first) on are no longer in the journal")
        // What is still there arrives, including the event of the gap.
        eventually(within: 60, "the rest") { destination.receiver.events.ids().contains(gap.id) }
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a reload starts new exporters, ends removed ones, and leaves the others alone`() throws {
      let folder = try Folder()
      let (first, second) = (
        try Destination(.logstash, in: folder.path), try Destination(.syslog, in: folder.path)
      )
      try withDaemon(audit: audit([first])) { daemon throws in
        try logIn(daemon)
        first.expect(try ids(daemon))
        let exporter = try #require(daemon.processes("bssh-exporter").first)
        let one = try daemon.configuration
        try daemon.reload(one.replacingOccurrences(of: first.entry, with: "\(first.entry), \(second.entry)"))
        try logIn(daemon)
        for destination in [first, second] { destination.expect(try ids(daemon)) }
        #expect(daemon.processes("bssh-exporter").count == 2)
        #expect(RunningProcess.isRunning(exporter.pid))
        try daemon.reload(one.replacingOccurrences(of: first.entry, with: second.entry))
        eventually(within: 30, "its exporter has ended") { !RunningProcess.isRunning(exporter.pid) }
        #expect(daemon.processes("bssh-exporter").count == 1)
        let count = first.receiver.events.ids().count
        try logIn(daemon)
        second.expect(try ids(daemon))
        #expect(first.receiver.events.ids().count == count)
        // It continues where it was.
        try daemon.reload(one)
        first.expect(try ids(daemon))
        try daemon.reload(one.replacingOccurrences(of: "audit:\n", with: "audit:\n  enabled: false\n"))
        eventually(within: 30, "no exporter is left") { daemon.processes("bssh-exporter").isEmpty }
      }
    }

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      .enabled(if: access(Journald.path, X_OK) == 0, "needs systemd-journald"))
    func `journald has every event with its fields, even after it was killed`() throws {
      let journald = try Journald()
      let keys = ["exporters": "[{type: file, path: DIRECTORY/audit/audit.log}, {type: syslog, facility: daemon}]"]
      try withDaemon(audit: keys, launcher: journald.launcher) { daemon throws in
        try logIn(daemon)
        for series in try ids(daemon) { try journald.expect(series) }
        try journald.kill()
        try logIn(daemon)
        try daemon.log.line(with: "syslog /dev/log: ", "events wait, and are sent again", within: 60)
        try journald.start()
        for series in try ids(daemon) { try journald.expect(series) }
        let event = try daemon.events.event("file_uploaded")
        let entry = try #require(try journald.entries().first { $0["BSSH_ID"] as? String == event.id })
        let wanted: [String: String?] = [
          "BSSH_EVENT_TYPE": "file_uploaded", "BSSH_USER": event["user"], "BSSH_CLIENT_IP": "127.0.0.1",
          "BSSH_PATH": event["path"], "SYSLOG_FACILITY": "3", "PRIORITY": "6", "_COMM": "bssh-exporter",
        ]
        for (name, value) in wanted { #expect(entry[name] as? String == value, "\(name)") }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the configuration that AUDIT.md shows loads without a warning`() throws {
      let folder = try Folder()
      _ = try TestCertificates(in: folder.path)
      let document = try String(contentsOfFile: Daemon.repository + "/Documentation/AUDIT.md", encoding: .utf8)
      let parts = document.components(separatedBy: "```")
      let sample = try #require(parts.first { $0.hasPrefix("yaml\n") && $0.contains("type: logstash") })
      let text = ["logs-ca.pem": "ca.pem", "logs.pem": "client.pem", "logs.key": "client.key"]
        .reduce(sample.dropFirst(5)) { text, names in
          text.replacingOccurrences(of: "/etc/bssh/\(names.key)", with: "\(folder.path)/\(names.value)")[...]
        }
      chmod("\(folder.path)/client.key", 0o600)
      try withDaemon { daemon throws in
        let file = "\(folder.path)/server.yaml"
        let server = "server: {host_keys: [\"\(daemon.directory)/host0\"]}\n"
        try Data((server + text).utf8).write(to: URL(fileURLWithPath: file))
        chmod(file, 0o600)
        let outcome = try run([daemon.server, "check-config", "-c", file])
        // Not every machine that runs tests has a syslog socket.
        let warnings = outcome.errors.split(separator: "\n").filter { !$0.contains("'/dev/log' does not exist") }
        #expect(outcome.status == 0 && warnings.isEmpty, "\(outcome.errors)")
        #expect(outcome.output.contains("type: otel") && !outcome.output.contains("Bearer"))
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the process of an exporter has its account, read access to the journal, its cursor, and nothing else`() throws
    {
      let folder = try Folder()
      let destination = try Destination(.logstash, in: folder.path)
      try withDaemon(audit: audit([destination])) { daemon throws in
        try logIn(daemon)
        destination.expect(try ids(daemon))
        let process = try #require(daemon.processes("bssh-exporter").first)
        #expect(process.uid == getpwnam("bssh-audit").pointee.pw_uid)
        #expect(process.status("Groups").isEmpty)
        #expect(process.status("NoNewPrivs") == "1" && process.status("Seccomp") == "2")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(process.status(set) == "0000000000000000") }
        for target in process.descriptors.values {
          let isKnown = [
            "socket:", "pipe:", "anon_inode:", "/dev/null", "/memfd:exporter", "\(daemon.directory)/audit",
          ].contains { target.hasPrefix($0) }
          #expect(isKnown, "\(target)")
        }
        let cursors = "\(daemon.directory)/audit/cursors"
        let attributes = try FileManager.default.attributesOfItem(atPath: cursors)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
      }
    }
  }
}
