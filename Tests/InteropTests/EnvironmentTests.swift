import Foundation
import Testing

extension Interop {
  /// The environment of a program.
  @Suite(.serialized) struct Environment {
    /// The lines of `env`, by name.
    private func variables(_ text: String) -> [String: String] {
      let lines = text.replacingOccurrences(of: "\r", with: "").split(separator: "\n")
      return Dictionary(
        lines.compactMap { line in
          line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }, uniquingKeysWith: { first, _ in first })
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)), arguments: [false, true])
    func `a program finds the variables that Debian's sshd sets`(onTerminal: Bool) throws {
      try withReference { daemon, reference throws in
        let words = (onTerminal ? ["-tt"] : []) + ["host", "env"]
        let ours = variables(try daemon.ssh(words).output)
        let theirs = variables(try daemon.ssh(reference.options + words).output)
        #expect(ours.keys.sorted() == theirs.keys.sorted())
        for name in ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "MAIL", "TERM", "PWD"] {
          #expect(ours[name] == theirs[name], "\(name)")
        }
        // Addresses and ports of the connection: three and four words.
        #expect(ours["SSH_CLIENT"]?.split(separator: " ").count == 3)
        #expect(ours["SSH_CLIENT"]?.hasPrefix("127.0.0.1 ") == true)
        #expect(ours["SSH_CLIENT"]?.hasSuffix(" \(daemon.port)") == true)
        #expect(ours["SSH_CONNECTION"]?.split(separator: " ").count == 4)
        #expect(ours["SSH_CONNECTION"]?.hasSuffix(" 127.0.0.1 \(daemon.port)") == true)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `only allowed variables of the client are set`() throws {
      try withDaemon { daemon throws in
        let set = ["LANG=x1", "LC_TIME=x2", "COLORTERM=x3", "TERM_PROGRAM=x4", "NO_COLOR=1", "EVIL=x5", "PATH=/evil"]
        let more = ["LD_PRELOAD=/evil.so", "HOME=/evil", "IFS=x", "BASH_ENV=/evil", "SHELL=/evil"]
        let options = ["-o", "SetEnv=" + (set + more).joined(separator: " ")]
        let found = variables(try daemon.ssh(options + ["host", "env"]).output)
        for (name, value) in [("LANG", "x1"), ("LC_TIME", "x2"), ("COLORTERM", "x3"), ("TERM_PROGRAM", "x4")] {
          #expect(found[name] == value)
        }
        for name in ["EVIL", "LD_PRELOAD", "BASH_ENV"] { #expect(found[name] == nil) }
        #expect(!found.values.contains { $0.contains("evil") })
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the configuration's variables and umask apply to the program`() throws {
      let shell = ["env": "{GREETING: hello world}", "umask": "\"027\"", "accept_env": "[WANTED_*]"]
      try withDaemon(shell: shell) { daemon throws in
        let outcome = try daemon.ssh(
          "-o", "SetEnv=WANTED_1=yes LANG=no", "host",
          "echo $GREETING; umask; echo $WANTED_1 $LANG; touch f; stat -c %a f")
        #expect(outcome.output == "hello world\n0027\nyes\n640\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a program has its own descriptors and signals, and no others`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("host", "ls /proc/self/fd | tr '\\n' ' '").output == "0 1 2 3 ")
        let words = try daemon.ssh("host", "awk '/^Sig(Blk|Ign)/ { print $2 }' /proc/self/status").output
        for word in words.split(separator: "\n") {
          // Signals 1 to 31; higher ones are the C library's.
          #expect((UInt64(word, radix: 16) ?? .max) & 0x7fff_ffff == 0)
        }
        let limits = try daemon.ssh(
          "host", "grep Seccomp: /proc/self/status; grep NoNewPrivs /proc/self/status")
        #expect(limits.output.contains("Seccomp:\t0"))
        #expect(limits.output.contains("NoNewPrivs:\t0"))
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a program has its user's groups and no other privileges`() throws {
      try withDaemon { daemon throws in
        try succeed("usermod", "-aG", "tty,games", daemon.user.name)
        let groups = try daemon.ssh("host", "id -Gn; grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | sort -u")
        #expect(groups.output.contains("tty"))
        #expect(groups.output.contains("games"))
        #expect(!groups.output.split(separator: "\n")[0].contains("root"))
        for line in groups.output.split(separator: "\n").dropFirst() { #expect(line.hasSuffix("0000000000000000")) }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account's own shell runs its commands`() throws {
      try withDaemon(loginShell: "/bin/bash") { daemon throws in
        #expect(try daemon.ssh("host", "[[ a == a ]] && echo ${BASH_VERSION:+bash}").output == "bash\n")
        #expect(try daemon.shell("echo 'shopt -q login_shell && echo $0' | $SSH -T host").output == "-bash\n")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `~/.ssh/rc runs as with Debian's sshd`() throws {
      try withReference { daemon, reference throws in
        let text = "echo rc of $USER; cat; pwd; echo complaint >&2; exit 7\n"
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(daemon.user.home)/.ssh/rc"))
        for script in [
          "echo data | $SSH OPTIONS host 'cat; exit 3' 2>&1", "echo 'echo $0; exit 4' | $SSH OPTIONS -T host 2>&1",
          "$SSH OPTIONS -tt host 'echo in' </dev/null 2>/dev/null",
        ] {
          func outcome(_ options: [String]) throws -> Outcome {
            try daemon.shell(script.replacingOccurrences(of: "OPTIONS", with: options.joined(separator: " ")))
          }
          let (ours, theirs) = (try outcome([]), try outcome(reference.options))
          #expect(ours.output == theirs.output && ours.status == theirs.status, "\(script)")
        }
        // With sshd the file's output breaks transfers.
        #expect(try daemon.shell("echo pwd | sftp -q -S $SSH -b - host").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `an account without a home directory still gets a shell`() throws {
      let prepare = { (files: Daemon.Preparation) throws in
        let folder = "\(files.directory)/keys/\(files.user.name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      let auth = ["publickey": "{authorized_keys_dir: DIRECTORY/keys}"]
      try withDaemon(auth: auth, prepare: prepare) { daemon throws in
        let keys = "\(daemon.directory)/keys/\(daemon.user.name)/authorized_keys"
        try FileManager.default.copyItem(atPath: daemon.user.authorizedKeys, toPath: keys)
        chmod(keys, 0o644)
        try FileManager.default.moveItem(atPath: daemon.user.home, toPath: "\(daemon.user.home).away")
        #expect(try daemon.ssh("host", "pwd; echo in").output == "/\nin\n")
      }
    }
  }
}
