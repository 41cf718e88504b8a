import Foundation
import Testing

extension Interop {
  /// `security.idle_timeout`, `security.session_timeout`, `shell.command_timeout` and `server.timeout`, set to a few
  /// seconds here.
  @Suite(.serialized) struct TimeLimits {
    @Test(.timeLimit(.minutes(3)))
    func `an idle terminal is warned before its login ends, keepalives or not, and a key restarts the time`()
      throws
    {
      try withDaemon(security: ["idle_timeout": "6s"]) { daemon throws in
        try daemon.claim("terminal.py", "idle-terminal")
        try daemon.log.line(with: "closed: idle_timeout, after")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a login without a channel is idle`() throws {
      try withDaemon(security: ["idle_timeout": "1s"]) { daemon throws in
        let outcome = try daemon.ssh("-N", "-o", "ServerAliveInterval=1", "host")
        #expect(outcome.status == 255)
        #expect(outcome.errors.contains("Nothing came or went for 1 seconds (idle_timeout)"))
        try daemon.log.line(with: "closed: idle_timeout, after")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        // From the server, to it, and by SFTP, for longer than the limit.
        "$SSH host 'for i in $(seq 40); do echo $i; sleep 0.2; done' | tail -n 1",
        "for i in $(seq 40); do echo $i; sleep 0.2; done | $SSH host 'tail -n 1 2>/dev/null; exit 0'",
        "(for i in $(seq 39); do echo pwd; sleep 0.2; done; echo '!echo 40') | sftp -S $SSH host | tail -n 1",
      ])
    func `a login with traffic on its channels is not idle`(script: String) throws {
      try withDaemon(security: ["idle_timeout": "4s"]) { daemon throws in
        let outcome = try daemon.shell(script)
        #expect(outcome.output == "40\n" && outcome.status == 0, "\(outcome)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a login ends when its time is over, busy or not`() throws {
      try withDaemon(security: ["session_timeout": "4s"]) { daemon throws in
        try daemon.claim("terminal.py", "terminal-whose-time-is-over")
        let outcome = try daemon.shell("$SSH host 'yes' >/dev/null")
        #expect(outcome.status == 255)
        #expect(outcome.errors.contains("The session's time of 4 seconds is over (session_timeout)"))
        try daemon.log.line(with: "closed: session_timeout, after 4.")
        eventually("nothing is left running") { daemon.processes("yes").isEmpty }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a command that exceeds its time is ended, and the client is told why`() throws
    {
      try withDaemon(shell: ["command_timeout": "1s"]) { daemon throws in
        let outcome = try daemon.ssh("host", "exec sleep 1000")
        // A signal ended it; ssh has 255 for that.
        #expect(outcome.status == 255)
        #expect(outcome.errors.contains("bssh: the command has run for 1 s, and is ended (command_timeout)"))
        try daemon.log.line(with: "command_timeout")
        #expect(daemon.processes("sleep").isEmpty)
        // A program that handles the signal determines its exit status.
        let clean = try daemon.ssh("host", "trap 'echo cleaned; exit 7' TERM; while :; do sleep 0.1; done")
        #expect(clean.output == "cleaned\n" && clean.status == 7)
        // A program that does not end is killed.
        let stubborn = try daemon.ssh("host", "trap '' TERM; while :; do sleep 0.1; done")
        #expect(stubborn.status == 255)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the terminal of a command is warned before its time is over`() throws {
      try withDaemon(environment: ["BSSH_COMMAND_TIMEOUT": "2"]) { daemon throws in
        try daemon.claim("terminal.py", "command-on-a-terminal-whose-time-is-over")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `shells and file transfers do not count as commands`() throws {
      try withDaemon(shell: ["command_timeout": "1s"]) { daemon throws in
        #expect(try daemon.shell("(echo 'sleep 3; echo still') | $SSH -T host").output == "still\n")
        let transfer = "(echo pwd; sleep 3; echo '!echo still') | sftp -S $SSH host | tail -n 1"
        #expect(try daemon.shell(transfer).output == "still\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client that does not log in in time is told so`() throws {
      try withDaemon(server: ["timeout": "1s"]) { daemon throws in
        try daemon.claim("hostile.py", "client-that-does-not-log-in")
        try daemon.log.line(with: "closed: login_timeout, after 1.")
      }
    }
  }
}
