import Foundation
import Testing

extension Interop {
  /// Commands on pipes: their input, output and end.
  @Suite(.serialized) struct Commands {
    @Test(.timeLimit(.minutes(3))) func `standard error is separate from standard output`() throws {
      try withDaemon { daemon throws in
        let outcome = try daemon.ssh("host", "for i in 1 2 3; do echo out $i; echo err $i >&2; done")
        #expect(outcome.output == "out 1\nout 2\nout 3\n")
        #expect(outcome.errors == "err 1\nerr 2\nerr 3\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the two ends of file are independent`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.shell("printf x | $SSH host 'cat; echo done'").output == "xdone\n")
        // The program's output ends first; its input stays open.
        let file = "\(daemon.user.home)/file"
        let script = "(echo first; sleep 0.3; echo second) | $SSH host 'exec >&- 2>&-; cat >\(file)'"
        #expect(try daemon.shell(script).status == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "first\nsecond\n")
        // Nobody reads the program's input; the client's EOF is no obstacle.
        #expect(try daemon.shell("head -c 10M /dev/zero | $SSH host 'exec <&-; echo done'").output == "done\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a command whose output nobody reads any more ends`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.shell("$SSH host yes | head -1").output == "y\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a client without a common cipher learns what is offered`() throws {
      try withDaemon { daemon throws in
        for _ in 0..<6 {
          let outcome = try daemon.ssh("-o", "Ciphers=aes128-cbc", "host", "true")
          #expect(outcome.status == 255)
          #expect(outcome.errors.contains("no matching cipher found"))
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [0, 1, 42, 126, 127, 255])
    func `the exit status is returned`(code: Int32) throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("host", "exit \(code)").status == code)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["TERM", "KILL", "SEGV", "USR1"])
    func `death by a signal is reported as that signal`(signal: String) throws {
      try withDaemon { daemon throws in
        let outcome = try daemon.ssh("-v", "host", "ulimit -c 0; kill -\(signal) $$")
        #expect(outcome.status == 255)
        #expect(outcome.errors.contains("rtype exit-signal"))
        try daemon.claim("paramiko_client.py", "exit-signal", environment: ["SIGNAL": signal])
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a gigabyte arrives complete from a command, and in one`() throws {
      try withDaemon { daemon throws in
        let data = "head -c 1G /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null"
        let script = """
          set -o pipefail
          wanted=$(\(data) | sha256sum)
          test "$wanted" = "$($SSH host '\(data)' | sha256sum)" && echo down
          test "$wanted" = "$(\(data) | $SSH host sha256sum)" && echo up
          """
        let outcome = try daemon.shell(script, within: 170)
        #expect(outcome.output == "down\nup\n", "\(outcome.errors)\(daemon.log.all.suffix(4000))")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `transfers in both directions do not block each other`() throws {
      try withDaemon { daemon throws in
        let data = "head -c 100M /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null"
        let script = "test \"$(\(data) | sha256sum)\" = \"$(\(data) | $SSH host cat | sha256sum)\" && echo same"
        #expect(try daemon.shell(script).output == "same\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `compression changes only the size`() throws {
      try withDaemon(server: ["compression": "true"]) { daemon throws in
        let outcome = try daemon.shell("seq 1 1000000 | $SSH -v -C host cat | sha256sum")
        #expect(outcome.output == (try daemon.shell("seq 1 1000000 | sha256sum").output))
        #expect(outcome.errors.contains("zlib@openssh.com"))
      }
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("-v", "-C", "host", "echo in").errors.contains("compression: none"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `20 connections at once are 20 logins`() throws {
      try withDaemon { daemon throws in
        let script = "for i in $(seq 20); do $SSH host \"echo $i\" & done | sort -n | tr '\\n' ' '; wait"
        let expected = (1...20).map { "\($0) " }.joined()
        #expect(try daemon.shell(script).output == expected)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `ten channels share one connection`() throws {
      try withDaemon { daemon throws in
        let script = """
          $SSH -M -S $DIRECTORY/control -o ControlPersist=yes -fN host </dev/null >/dev/null 2>&1
          for i in $(seq 10); do echo $i | $SSH -S $DIRECTORY/control host 'cat; seq 1 100000' & done | sha256sum
          wait
          $SSH -S $DIRECTORY/control -O exit host 2>/dev/null
          """
        let outcome = try daemon.shell(script)
        #expect(outcome.status == 0)
        #expect(!outcome.output.isEmpty)
        #expect(daemon.log.all.components(separatedBy: "logged in").count == 2)
        #expect(daemon.log.all.components(separatedBy: "command started").count == 11)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a program that closes its outputs continues, and its end is reported`() throws
    {
      try withDaemon { daemon throws in
        // The client closes the channel as soon as both sides have sent EOF.
        let outcome = try daemon.ssh("-n", "-v", "host", "exec >&- 2>&-; sleep 1; exit 7")
        #expect(outcome.status == 7, "\(outcome)")
        let script = """
          for i in $(seq 20); do
            $SSH -n -S $DIRECTORY/control -o ControlMaster=yes -o ControlPersist=yes host 'exec >&- 2>&-; sleep 0.05' ||
              echo "$i: $?"
            $SSH -S $DIRECTORY/control -O exit host 2>/dev/null
          done
          """
        #expect(try daemon.shell(script).output == "")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a shell without a terminal reads its commands from the client`() throws {
      try withDaemon { daemon throws in
        let outcome = try daemon.shell("printf 'echo $0\\ntty\\nexit 3\\n' | $SSH -T host")
        #expect(outcome.output == "-sh\nnot a tty\n")
        #expect(outcome.status == 3)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["signals", "many-commands", "standard-streams"])
    func `Paramiko's client is served like OpenSSH's`(claim: String) throws {
      try withDaemon { try $0.claim("paramiko_client.py", claim) }
    }

    @Test(.timeLimit(.minutes(3))) func `a disabled shell runs nothing`() throws {
      try withDaemon(shell: ["enabled": "false"]) { daemon throws in
        let outcome = try daemon.ssh("host", "echo in")
        #expect(outcome.status == 126 && outcome.output.isEmpty)
        #expect(outcome.errors == "bssh: commands are not allowed for this login (no_commands)\n")
        #expect(try daemon.shell("echo 'echo in' | $SSH -T host").output.isEmpty)
        try daemon.log.line(with: "command 'echo in' refused: no_commands")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a background job that keeps the pipes open keeps the connection open, as with sshd`() throws {
      try withReference { daemon, reference throws in
        var results: [String] = []
        for options in [[], reference.options] {
          let go = "\(daemon.user.home)/go\(results.count)"
          let job = "(while [ ! -e \(go) ]; do sleep 0.05; done; echo late) & echo started"
          let client = try daemon.startSSH(options + ["-v", "host", job])
          client.closeInput()
          try client.output.line(with: "started")
          try client.errors.line(with: "rtype exit-status")
          // A client that has finished exits immediately after this line.
          _ = try? client.errors.line(with: "Transferred:", within: 0.5)
          let held = RunningProcess.isRunning(client.pid)
          try Data().write(to: URL(fileURLWithPath: go))
          let status = try client.wait()
          results.append("held: \(held), status: \(status), output: \(try client.output.whole())")
        }
        #expect(results[0] == results[1])
        #expect(results[0] == "held: true, status: 0, output: started\nlate\n")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a job that closes its pipes outlives the connection, as with sshd`() throws {
      try withReference { daemon, reference throws in
        for options in [[], reference.options] {
          let job = "setsid sleep 4711 </dev/null >/dev/null 2>&1 & echo $!"
          let outcome = try daemon.ssh(options + ["host", job])
          let pid = try #require(pid_t(outcome.line))
          #expect(RunningProcess.isRunning(pid))
          kill(pid, SIGKILL)
        }
      }
    }
  }
}
