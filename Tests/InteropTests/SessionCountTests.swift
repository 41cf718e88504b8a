import Foundation
import Testing

extension Interop {
  /// `security.max_sessions_per_user`.
  @Suite(.serialized) struct SessionCounts {
    /// Logs in, and stays.
    private func login(_ daemon: Daemon) throws -> Client {
      let client = try daemon.startSSH("host", "echo in; exec cat")
      try client.output.line(with: "in")
      return client
    }

    @Test(.timeLimit(.minutes(3))) func `a login beyond the limit is refused once it is proven, until another ends`()
      throws
    {
      try withDaemon(security: ["max_sessions_per_user": "2"]) { daemon throws in
        let first = try login(daemon)
        let second = try login(daemon)
        let refused = try daemon.ssh("host", "echo in")
        #expect(refused.status == 255 && refused.output.isEmpty)
        #expect(refused.errors.contains("There are 2 logins of this user, and no more are allowed (too_many_sessions)"))
        try daemon.log.line(with: "refused '\(daemon.user.name)' by publickey: too_many_sessions, 2 are open")
        try daemon.log.line(with: "closed: too_many_sessions")
        // A client that proves nothing learns nothing of it.
        let stranger = try daemon.ssh("-o", "PubkeyAuthentication=no", "host", "true")
        #expect(!stranger.errors.contains("too_many_sessions"))
        // Channels of one login are one login.
        first.closeInput()
        #expect(try first.wait() == 0)
        let logins = daemon.log.count
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try daemon.log.line(with: "closed: client_disconnected", after: logins)
        let third = try login(daemon)
        // A client that disappears frees its place, too.
        third.end()
        eventually("a place is free") { (try? daemon.ssh("host", "echo in").output) == "in\n" }
        second.closeInput()
        try second.wait()
        eventually("nobody is left") { daemon.logins.isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a user's own limit applies`() throws {
      try withDaemon(userKeys: "max_sessions: 1") { daemon throws in
        let first = try login(daemon)
        #expect(try daemon.ssh("host", "true").errors.contains("too_many_sessions"))
        first.closeInput()
        try first.wait()
      }
    }

    @Test(.timeLimit(.minutes(3))) func `many channels of one login are one`() throws {
      try withDaemon(security: ["max_sessions_per_user": "1"]) { daemon throws in
        let options = "-o ControlPath=$DIRECTORY/mux"
        let script = """
          $SSH \(options) -o ControlMaster=yes -fN host || exit
          for i in 1 2 3; do $SSH \(options) host cat </dev/zero >/dev/null & done
          $SSH \(options) host echo in
          $SSH -o ControlPath=none host echo out 2>/dev/null
          kill $(jobs -p); $SSH \(options) -O exit host
          """
        let outcome = try daemon.shell(script)
        #expect(outcome.output == "in\n", "\(outcome)")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `another name of the same account has logins of its own`() throws {
      let key = { (daemon: Daemon) in try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8) }
      try withDaemon(security: ["max_sessions_per_user": "1"]) { daemon throws in
        let line = try key(daemon).trimmingCharacters(in: .newlines)
        let users =
          "auth:\n  password: {users: [{name: other, run_as: \(daemon.user.name), authorized_keys: ['\(line)']}]}\n"
        try daemon.reload(try daemon.configuration + users)
        let first = try login(daemon)
        #expect(try daemon.ssh("host", "true").status == 255)
        #expect(try daemon.ssh("-l", "other", "host", "whoami").output == "\(daemon.user.name)\n")
        first.closeInput()
        try first.wait()
      }
    }
  }
}
