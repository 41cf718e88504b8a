import Foundation
import Testing

extension Interop {
  /// `shell.allowed_commands`, `shell.blocked_commands` and `shell.forced_command`, and attempts to bypass them.
  @Suite(.serialized) struct CommandRules {
    private let allowed = ["allowed_commands": "[echo in, 'echo [*]', 'cat \"*\"', true]", "accept_env": "['*']"]

    @Test(.timeLimit(.minutes(3))) func `an allowed command runs`() throws {
      try withDaemon(shell: allowed) { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        #expect(try daemon.ssh("host", "echo [a b/c]").output == "[a b/c]\n")
        try Data("found\n".utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/a file"))
        #expect(try daemon.ssh("host", "cat \"\(daemon.directory)/a file\"").output == "found\n")
        #expect(try daemon.ssh("-tt", "host", "echo in").output == "in\r\n")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "id", "", "echo", "echo in ", " echo in", "echo in; id", "echo in\nid", "echo in && id", "echo in || id",
        "echo in | sh", "echo in & id", "echo [$(id)]", "echo [`id`]", "echo [a]; id; echo [b]", "echo [>evil]",
        "echo [\n] ; id [\n]", "cat \"/dev/null\" ; id \"\"", "cat \"$HOME/x\"", "cat \"a\" \"b\"", "echo in #",
        "echo [# ]", "echo [{a,b}]", "echo [\\]", "exec sh", "/bin/sh", "internal-sftp", "scp -t .",
      ])
    func `a command that is not allowed does not run, however it is written`(line: String) throws {
      try withDaemon(shell: allowed) { daemon throws in
        let outcome = try daemon.ssh("host", line)
        #expect(outcome.status == 126 && outcome.output.isEmpty)
        // ssh requests a shell if the command is empty.
        #expect(outcome.errors.contains(line.isEmpty ? "(shell_not_allowed)" : "(command_not_allowed)"))
        try daemon.log.line(with: "refused: ", line.isEmpty ? "shell_not_allowed" : "command_not_allowed")
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/evil]"))
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        ("$SSH -T host </dev/null", "shell_not_allowed"), ("$SSH -tt host </dev/null", "shell_not_allowed"),
        ("$SSH -s host sftp </dev/null", "command_not_allowed"), ("$SSH -s host shell", ""),
        ("echo pwd | sftp -S $SSH host", "command_not_allowed"),
        ("scp -O -S $SSH /etc/hostname host:x", "command_not_allowed"),
        ("scp -S $SSH /etc/hostname host:x", "command_not_allowed"),
        ("rsync -e $SSH /etc/hostname host:x", "command_not_allowed"),
      ])
    func `no other kind of channel or request bypasses the list`(script: String, code: String) throws {
      try withDaemon(shell: allowed) { daemon throws in
        let outcome = try daemon.shell(script)
        #expect(outcome.status != 0 && outcome.output.isEmpty)
        if !code.isEmpty { try daemon.log.line(with: "refused: \(code)") }
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/x"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `no variable of the client makes a command run something else`() throws {
      let script = """
        echo 'echo walked' >$USER_HOME/walk
        $SSH -o SetEnv=BASH_ENV=$USER_HOME/walk host '/bin/bash /dev/null'
        """
      // The attack works without restrictions, or this test would prove nothing.
      try withDaemon(shell: ["accept_env": "['*']"]) { daemon throws in
        #expect(try daemon.shell(script).output == "walked\n")
      }
      for rule in [["allowed_commands": "[/bin/bash /dev/null]"], ["forced_command": "/bin/bash /dev/null"]] {
        try withDaemon(shell: rule.merging(["accept_env": "['*', BASH_ENV]"]) { $1 }) { daemon throws in
          let outcome = try daemon.shell(script)
          #expect(outcome.output.isEmpty && outcome.status == 0)
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a restricted login receives no signals from its client`() throws {
      for (shell, what) in [
        (["allowed_commands": "[cat]"], "allowed"), (["forced_command": "cat"], "forced"), ([:], "free"),
      ] {
        try withDaemon(shell: shell) { daemon throws in
          try daemon.claim("commands.py", "signals", environment: ["REFUSED": what == "free" ? "" : "yes"])
          if what != "free" { try daemon.log.line(with: "signal TERM refused: no_signals") }
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a shell and SFTP are available if they are listed`() throws {
      try withDaemon(shell: ["allowed_commands": "[/bin/sh, internal-sftp, 'scp *']"]) { daemon throws in
        #expect(try daemon.shell("echo 'echo in' | $SSH -T host").output == "in\n")
        #expect(try daemon.shell("echo pwd | sftp -b - -S $SSH host").status == 0)
        #expect(try daemon.shell("scp -O -S $SSH /etc/hostname host:x").status == 0)
        #expect(try daemon.ssh("host", "true").status == 126)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a blocked command is refused, and so is a shell`() throws {
      try withDaemon(shell: ["blocked_commands": "['*evil*', internal-sftp]"]) { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        for line in ["evil", "echo in; evil -x", "echo\nevil"] {
          let outcome = try daemon.ssh("host", line)
          #expect(outcome.status == 126 && outcome.errors.contains("(command_blocked)"))
        }
        #expect(try daemon.shell("echo 'echo in' | $SSH -T host").output.isEmpty)
        #expect(try daemon.shell("echo pwd | sftp -b - -S $SSH host").status != 0)
        try daemon.log.line(with: "SFTP refused: command_blocked")
        try daemon.log.line(with: "shell refused: shell_not_allowed")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a forced command runs instead of everything`() throws {
      let forced = "'echo \"<${SSH_ORIGINAL_COMMAND-none}>\"'"
      try withDaemon(shell: ["forced_command": forced, "accept_env": "['*']"]) { daemon throws in
        #expect(try daemon.ssh("host", "id; ls 'a b'").output == "<id; ls 'a b'>\n")
        #expect(try daemon.ssh("-o", "SetEnv=SSH_ORIGINAL_COMMAND=x", "host", "id").output == "<id>\n")
        #expect(try daemon.shell("$SSH -T host </dev/null").output == "<none>\n")
        #expect(try daemon.shell("$SSH -tt host </dev/null").output == "<none>\r\n")
        #expect(try daemon.ssh("-s", "host", "sftp").output == "<internal-sftp>\n")
        #expect(try daemon.ssh("-s", "host", "netconf").status == 255)
        let copy = try daemon.shell("scp -O -S $SSH /etc/hostname host:x 2>&1")
        #expect(copy.status != 0 && !FileManager.default.fileExists(atPath: "\(daemon.user.home)/x"))
        try daemon.log.line(with: "forced command started")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `SFTP as the forced command uses its options, and is all that is available`()
      throws
    {
      try withDaemon(shell: ["forced_command": "internal-sftp -R -d DIRECTORY"]) { daemon throws in
        let batch = "pwd\nget server.yaml \(daemon.directory)/copy\n-put /etc/hostname \(daemon.user.home)/x\n"
        chmod("\(daemon.directory)/server.yaml", 0o644)
        try Data(batch.utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/batch"))
        let look = try daemon.shell("sftp -b $DIRECTORY/batch -S $SSH host")
        #expect(look.status == 0 && look.output.contains("Remote working directory: \(daemon.directory)\n"))
        #expect(look.errors.contains("ermission denied"))
        #expect(FileManager.default.fileExists(atPath: "\(daemon.directory)/copy"))
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/x"))
        for script in ["$SSH host id", "$SSH -T host </dev/null", "scp -O -S $SSH /etc/hostname host:x"] {
          let outcome = try daemon.shell(script)
          #expect(outcome.status != 0 && outcome.output.isEmpty)
          #expect(outcome.errors.contains("bssh: this login is restricted to SFTP (forced_command)"))
        }
      }
    }
  }
}
