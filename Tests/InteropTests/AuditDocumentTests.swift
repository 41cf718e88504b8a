import Foundation
import Testing

extension Interop {
  /// The examples of Documentation/AUDIT.md, run unchanged.
  @Suite(.serialized) struct AuditDocument {
    static let text = try? String(
      contentsOfFile: Daemon.repository + "/Documentation/AUDIT.md", encoding: .utf8)

    /// The code blocks in this language.
    func blocks(_ language: String) throws -> [String] {
      let text = try #require(Self.text)
      return text.matches(of: /```(\w+)\n((?:[^`]|`[^`])*?)```/).filter { $0.1 == language }.map { String($0.2) }
    }

    @Test(.timeLimit(.minutes(2))) func `every shell command prints what the document says`() throws {
      let lines = try blocks("sh")
      #expect(lines.count >= 7)
      let deny = "[{pattern: '*.secret', action: deny, operations: [upload]}]"
      try withDaemon(filter: ["enabled": "true", "rules": deny]) { daemon throws in
        try Data("0123456789".utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/ten"))
        #expect(try daemon.ssh("host", "exit 7").status == 7)
        let put = try daemon.sftp("put \(daemon.directory)/ten ten\n-put \(daemon.directory)/ten no.secret")
        #expect(put.status == 0)
        #expect(try daemon.ssh("-o", "PubkeyAuthentication=no", "host", "true").status == 255)
        try daemon.events.events(2, of: "session_end")
        try daemon.events.events(3, of: "connection_closed")
        let user = daemon.user.name
        let expected = [
          "127.0.0.1 \(user) none", "\t\(user)\t127.0.0.1\tpublickey\tSHA256:", #""command":"exit 7","exit_status":7"#,
          #""files": 1"#, "file_uploaded", #"{"rule":"rule 1","count":1}"#, "fits",
        ]
        try #require(lines.count == expected.count)
        for (line, expected) in zip(lines, expected) {
          let script = line.replacingOccurrences(of: "/var/log/bssh/audit.log", with: daemon.events.path)
            .replacingOccurrences(of: "/var/log/bssh/audit-files.log", with: daemon.events.ofFiles.path)
            .replacingOccurrences(of: "bssh-server audit", with: "\(daemon.server) audit")
            .replacingOccurrences(of: "audit grep", with: "audit grep --file \(daemon.events.path)")
            .replacingOccurrences(of: "audit show", with: "audit show --file \(daemon.events.path)")
          let outcome = try daemon.shell("set -o pipefail\n" + script)
          #expect(outcome.status == 0 && outcome.output.contains(expected), "\(line)\(outcome)")
        }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `every action of audit reads the journal of a running daemon`() throws {
      try withDaemon { daemon throws in
        let tail = try Client([daemon.server, "audit", "tail", "-f", "-n", "0", "--file", daemon.events.path])
        defer { tail.end() }
        func audit(_ words: String) throws -> Outcome {
          try daemon.shell("\(daemon.server) audit \(words) --file \(daemon.events.path)")
        }
        #expect(try daemon.ssh("host", "exit 7").status == 7)
        #expect(try daemon.ssh("-o", "PubkeyAuthentication=no", "host", "true").status == 255)
        try daemon.events.events(2, of: "connection_closed")
        let user = daemon.user.name
        try tail.output.line(with: "command_executed", "exited with 7", within: 30)
        let session = try #require(daemon.events.all("session_end").first?["session_id"])
        for (words, expected) in [
          ("grep --type command_executed --user \(user)", "exited with 7"), ("show \(session)", "logged out"),
          ("verify", ": valid"), ("stats", "auth_failure"), ("last", user), ("lastb", user),
        ] {
          let outcome = try audit(words)
          #expect(outcome.status == 0 && outcome.output.contains(expected), "\(words): \(outcome)")
        }
        #expect(try audit("grep --type file_uploaded").status == 1)
      }
    }
  }
}
