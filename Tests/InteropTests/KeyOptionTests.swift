import Foundation
import Testing

extension Interop {
  /// Options of authorized_keys, as OpenSSH's client sees them.
  @Suite(.serialized) struct KeyOptions {
    @Test(.timeLimit(.minutes(2))) func `from= and expiry-time= decide about their line, and other lines still count`()
      throws
    {
      try withDaemon { daemon throws in
        let key = try daemon.key
        let lines: [(String, Bool, String)] = [
          ("from=\"127.0.0.0/8\" \(key)", true, "authorized_keys:1"),
          ("from=\"10.0.0.0/8,127.0.0.?\" \(key)", true, "authorized_keys:1"),
          ("from=\"10.0.0.0/8\" \(key)", false, "wrong_source"),
          ("from=\"*,!127.0.0.1\" \(key)", false, "wrong_source"),
          ("from=\"localhost\" \(key)", false, "wrong_source"),
          ("from=\"10.0.0.0/8\" \(key)\(key)", true, "authorized_keys:2"),
          ("expiry-time=\"29990101\" \(key)", true, "authorized_keys:1"),
          ("expiry-time=\"20200101\" \(key)", false, "expired_key"),
          ("expiry-time=\"202001010000Z\" \(key)", false, "expired_key"),
          ("no-such-option \(key)", false, "option 1 of the line is unknown"),
          ("cert-authority \(key)", false, "no_such_key"),
          ("nonsense \(String(repeating: "x", count: 9000)) \(key)", false, "longer than 8192 bytes"),
        ]
        for (line, isGood, words) in lines {
          try daemon.user.authorize(line + "\n")
          try daemon.login(isGood, log: words)
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a time without Z is in the daemon's time zone`() throws {
      // Always an hour ahead of UTC, and always an hour behind.
      for (zone, isGood) in [("XYZ+1", true), ("XYZ-1", false)] {
        try withDaemon(environment: ["TZ": zone]) { daemon throws in
          let now = try run(["date", "-u", "-d", "+1 minute", "+%Y%m%d%H%M"]).line
          try daemon.user.authorize("expiry-time=\"\(now)\" \(try daemon.key)\n")
          try daemon.login(isGood, log: isGood ? "accepted" : "expired_key")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `keys in the configuration have options too`() throws {
      let keys = "authorized_keys: ['from=\"10.0.0.0/8\" KEY', '# none']"
      try withDaemon { daemon throws in
        let user = "{name: \(daemon.user.name), home: \(daemon.user.home), shell: /bin/sh, \(keys)}"
        let text = try daemon.configuration.components(separatedBy: "auth:\n")[0]
        let key = try daemon.key.trimmingCharacters(in: .newlines)
        let auth = "auth: {password: {users: [\(user.replacingOccurrences(of: "KEY", with: key))]}}\n"
        try daemon.user.authorize("")
        try daemon.reload(text + auth.replacingOccurrences(of: ", '# none'", with: ""))
        try daemon.login(false, log: "wrong_source")
        try daemon.reload(
          text + auth.replacingOccurrences(of: ", '# none'", with: "").replacingOccurrences(of: "10.0", with: "127.0"))
        try daemon.login(true, log: "by authorized_keys of '\(daemon.user.name)':1")
      }
    }

    @Test(
      .timeLimit(.minutes(2)), .enabled(if: hasSecurityKeys, "needs the package openssh-tests"),
      arguments: ["ed25519-sk", "ecdsa-sk"])
    func `a security key is touched and verifies its user, as its line requires`(type: String) throws {
      try withDaemon { daemon throws in
        let provider = "SecurityKeyProvider=\(securityKeys)"
        for (name, made) in [("touched", []), ("spared", ["-O", "no-touch-required"])] {
          try succeed(
            ["ssh-keygen", "-q", "-N", "", "-t", type, "-w", securityKeys, "-f", "\(daemon.directory)/\(name)"] + made)
        }
        let lines: [(String, String, Bool, String)] = [
          ("touched", "", true, "accepted"), ("spared", "", false, "no_user_presence"),
          ("spared", "no-touch-required", true, "accepted"),
          ("touched", "verify-required", false, "no_user_verification"),
        ]
        for (name, options, isGood, words) in lines {
          let key = try String(contentsOfFile: "\(daemon.directory)/\(name).pub", encoding: .utf8)
          try daemon.user.authorize("\(options) \(key)")
          try daemon.login(
            isGood, log: words, ["-o", "IdentityFile=none", "-o", provider, "-i", "\(daemon.directory)/\(name)"])
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a variable is set if the configuration permits it`() throws {
      try withDaemon(auth: ["publickey": "{permit_user_environment: [COLOUR, LD_*]}"]) { daemon throws in
        let options = "environment=\"COLOUR=red\",environment=\"SHAPE=round\",environment=\"LD_PRELOAD=/x\""
        try daemon.user.authorize("\(options) \(try daemon.key)")
        let outcome = try daemon.ssh("host", "echo $COLOUR $SHAPE $LD_PRELOAD")
        #expect(outcome.output == "red\n")
        try daemon.log.line(with: "environment= does not set SHAPE")
        try daemon.log.line(with: "environment= does not set LD_PRELOAD")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `command= runs whatever is requested, and knows what was requested`() throws {
      try withDaemon { daemon throws in
        try daemon.user.authorize("command=\"echo \\\"forced: $SSH_ORIGINAL_COMMAND\\\"\" \(try daemon.key)")
        #expect(try daemon.ssh("host", "id; ls").output == "forced: id; ls\n")
        #expect(try daemon.ssh("host").output == "forced: \n")
        #expect(try daemon.ssh("-s", "host", "sftp").output == "forced: internal-sftp\n")
        #expect(try daemon.ssh("host", "scp -f /etc/passwd").output == "forced: scp -f /etc/passwd\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `restrict and no-pty take away the terminal, pty gives it back`() throws {
      try withDaemon { daemon throws in
        for (options, isTerminal) in [
          ("pty", true), ("no-pty", false), ("restrict", false), ("restrict,pty", true), ("pty,restrict", false),
        ] {
          try daemon.user.authorize("\(options) \(try daemon.key)")
          let outcome = try daemon.ssh("-tt", "host", "test -t 0 && echo terminal")
          #expect(outcome.output.contains("terminal") == isTerminal, "\(options)")
        }
      }
    }
  }
}

/// A library of OpenSSH's own tests that emulates a security key.
let securityKeys = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so"
let hasSecurityKeys = FileManager.default.fileExists(atPath: securityKeys)

extension Daemon {
  /// The public key of the client.
  var key: String {
    get throws { try String(contentsOfFile: "\(directory)/id.pub", encoding: .utf8) }
  }

  /// Attempts a login, expects that it is accepted or not, and that the log contains these words.
  func login(
    _ isGood: Bool, log words: String, _ options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let start = log.count
    let outcome = try ssh(options + ["host", "echo in"])
    #expect(outcome.output == (isGood ? "in\n" : ""), "\(words): \(outcome.errors)", sourceLocation: sourceLocation)
    try log.line(with: words, after: start)
  }
}
