import Foundation
import Testing

extension Interop {
  /// What one login can do to the history of others.
  @Suite(.serialized) struct JournalFlood {
    /// One MiB of each series is kept.
    private static let audit: Daemon.Keys = [
      "exporters": "[{type: file, path: DIRECTORY/audit/audit.log, rotate: {max_size: 256KiB, max_backups: 3}}]"
    ]

    /// SFTP requests, as a client sends them that does not wait for replies. draft-ietf-secsh-filexfer-02
    private struct Requests {
      private(set) var data = Data([0, 0, 0, 5, 1, 0, 0, 0, 3])
      private var number: UInt32 = 0

      private static func bytes(_ value: UInt32) -> Data {
        Data([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) })
      }

      mutating func add(_ type: UInt8, _ paths: [String], _ rest: [UInt32] = []) {
        number += 1
        var body = Data([type]) + Self.bytes(number)
        for path in paths { body += Self.bytes(UInt32(path.utf8.count)) + Data(path.utf8) }
        for value in rest { body += Self.bytes(value) }
        data += Self.bytes(UInt32(body.count)) + body
      }
    }

    private func flood(_ daemon: Daemon, _ requests: Requests) throws {
      let file = "\(daemon.directory)/flood"
      try requests.data.write(to: URL(fileURLWithPath: file))
      #expect(try daemon.shell("$SSH -s host sftp <\(file) >/dev/null").status == 0)
    }

    @Test(.timeLimit(.minutes(4)))
    func `a flood of file events removes no login, command or denial, and verify says what it removed`() throws {
      try withDaemon(audit: Self.audit) { daemon throws in
        let home = daemon.user.home
        #expect(try daemon.ssh("host", "echo before").status == 0)
        var first = Requests()
        first.add(3, ["/etc/before"], [0x1a, 0])
        try flood(daemon, first)
        try daemon.events.events(2, of: "session_end")
        let before = try daemon.events.lines().lines
        #expect(try daemon.events.all("transfer_denied").count == 1)

        var requests = Requests()
        requests.add(3, ["\(home)/a"], [0x1a, 0])
        for number in 0..<6000 {
          requests.add(18, number % 2 == 0 ? ["\(home)/a", "\(home)/b"] : ["\(home)/b", "\(home)/a"])
          if number % 2 == 0 { requests.add(9, ["\(home)/b"], [4, 0o600]) }
          if number % 2 == 1 { requests.add(3, ["/etc/forbidden"], [0x1a, 0]) }
        }
        try flood(daemon, requests)
        try daemon.events.events(3, of: "session_end", within: 60)

        // Nothing from before is missing, and nothing from afterwards in the main series.
        let main = try daemon.events.lines().lines
        #expect(Array(main.prefix(before.count)) == before && main[0].contains("\"seq\":1,"))
        let counted = try daemon.events.all("events_counted")
        let numbers = counted.map { $0["details"] ?? "" }.reduce(into: [String: Int]()) { sums, details in
          for part in details.split(separator: ", ") {
            let words = part.split(separator: " ")
            if let count = words.first.flatMap({ Int($0) }), words.count > 1 {
              sums[String(words[1]), default: 0] += count
            }
          }
        }
        let denied = main.filter { $0.contains("\"transfer_denied\"") }.count
        #expect(numbers["attributes_changed"] == 2000)
        #expect((numbers["transfer_denied"] ?? 0) + denied == 3001 && denied > 30)
        #expect(!main.contains { $0.contains("file_renamed") })
        let files = try daemon.events.ofFiles.lines().lines
        #expect(files.contains { $0.contains("\"file_renamed\"") })

        let outcome = try run([daemon.server, "audit", "verify", "--file", daemon.events.path])
        let output = outcome.output
        let gone = try #require(
          DaemonJournal.Event(files[0]).number("seq").map { $0 - 1 }, "no number in \(files[0])")
        #expect(outcome.status == 0 && gone > 1000)
        #expect(output.contains("audit.log: "))
        #expect(output.contains("audit-files.log: lines 1 to \(gone) were removed by rotation, the last of them on 20"))
        #expect(!output.contains("audit.log: lines 1 to \(gone) were"))
      }
    }

    @Test(.timeLimit(.minutes(4))) func `a login that runs commands without end waits, and none of them is omitted`()
      throws
    {
      try withDaemon(shell: ["allowed_commands": "['true']"], audit: Self.audit) { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 0)
        try daemon.events.event("session_end")
        let count = 40
        let script = """
          LONG=$(head -c 4000 /dev/zero | tr '\\0' x)
          $SSH -M -S $USER_HOME/.master -N -f host
          for i in $(seq \(count)); do $SSH -S $USER_HOME/.master host "$LONG" 2>/dev/null; done
          $SSH -S $USER_HOME/.master -O exit host 2>/dev/null
          """
        _ = try daemon.shell(script)
        try daemon.log.line(with: "makes more events than the journal keeps for a day", within: 60)
        daemon.signal(SIGTERM)
        #expect(try daemon.exitCode() == 0)
        #expect(try daemon.events.all("command_blocked").count == count)
        #expect(try daemon.events.lines().lines[0].contains("\"seq\":1,"))
      }
    }

    /// Causes more events than a user's budget allows, on one connection.
    private static let flood = """
      LONG=$(head -c 4000 /dev/zero | tr '\\0' x)
      for i in $(seq 40); do $SSH -S $USER_HOME/.master host "true $LONG"; done
      """

    @Test(.timeLimit(.minutes(4)))
    func `the terminals of a login that waits for its budget are told, and another login starts its program`() throws {
      try withDaemon(audit: Self.audit) { daemon throws in
        let environment = daemon.environment
        #expect(try daemon.shell("$SSH -M -S $USER_HOME/.master -N -f host").status == 0)
        let line = "exec $SSH -tt -S $USER_HOME/.master host 'echo here; read line'"
        let terminal = try Client(["bash", "-c", line], environment: environment)
        try terminal.output.line { $0.contains("here") }
        let flood = try Client(["bash", "-c", Self.flood], environment: environment)
        try terminal.output.line { $0.contains("further requests wait, up to ") }
        #expect(try daemon.ssh("host", "echo other").output == "other\n")
        flood.end()
        try terminal.send("\n")
        #expect(try daemon.shell("$SSH -S $USER_HOME/.master -O exit host").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(4)), arguments: isRoot ? ["rescue", "root"] : ["rescue"])
    func `those who may have to repair the server do not wait for a budget`(kind: String) throws {
      var audit = Self.audit
      if kind == "rescue" { (audit["on_failure"], audit["rescue_users"]) = ("refuse", "[nobody]") }
      try withDaemon(audit: audit) { daemon throws in
        if kind == "rescue" {
          let configuration = try daemon.configuration
          try daemon.reload(configuration.replacingOccurrences(of: "[nobody]", with: "[\(daemon.user.name)]"))
        } else {
          let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
          let user = "{name: \(daemon.user.name), run_as: root, authorized_keys: [\"\(key.filter { $0 != "\n" })\"]}"
          try daemon.reload(try daemon.configuration + "auth: {password: {users: [\(user)]}}\n")
        }
        let outcome = try daemon.shell(
          """
          $SSH -M -S $USER_HOME/.master -N -f host
          \(Self.flood)
          $SSH -S $USER_HOME/.master host id -u
          $SSH -S $USER_HOME/.master -O exit host 2>/dev/null
          """)
        if kind == "root" { #expect(outcome.output == "0\n") }
        try daemon.events.events(41, of: "command_executed", within: 30)
        #expect(!daemon.log.all.contains("makes more events than the journal keeps"))
      }
    }
  }
}
