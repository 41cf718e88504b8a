import Foundation
import Testing

extension Interop {
  /// Certificates and revocation lists made by ssh-keygen, as OpenSSH's client presents them.
  @Suite(.serialized) struct Certificates {
    /// Runs `body` with a daemon that trusts the CA key `ca` and lists no key.
    private func withAuthority(
      _ type: [String] = ["-t", "ed25519"], publicKey: String = "", user lines: (String) -> String = { _ in "" },
      _ body: (Daemon) throws -> Void
    ) throws {
      let make = { (files: Daemon.Preparation) in
        for name in ["ca", "other"] {
          try succeed(["ssh-keygen", "-q", "-N", "", "-f", "\(files.directory)/\(name)"] + type)
        }
        try Data("# nothing\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/revoked"))
      }
      let keys = "{trusted_user_ca_keys: DIRECTORY/ca.pub, revoked_keys: DIRECTORY/revoked\(publicKey)}"
      try withDaemon(auth: ["publickey": keys], prepare: make) { daemon throws in
        try daemon.user.authorize("")
        try body(daemon)
      }
    }

    @Test(
      .timeLimit(.minutes(2)),
      arguments: [
        ["-t", "ed25519"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "384"], ["-t", "ecdsa", "-b", "521"],
        ["-t", "rsa", "-b", "2048"],
      ])
    func `certificates of every type log in, signed by CA keys of every type`(type: [String]) throws {
      try withAuthority(type) { daemon throws in
        try succeed(["ssh-keygen", "-q", "-N", "", "-f", "\(daemon.directory)/key"] + type)
        try daemon.certify("-n", daemon.user.name, key: "key")
        let options = ["-o", "IdentityFile=none", "-i", "\(daemon.directory)/key"]
        try daemon.login(true, log: "certificate 'test' serial 0, CA SHA256:", options)
        if type.contains("rsa") {
          for algorithm in ["rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com"] {
            try daemon.login(true, log: "accepted", options + ["-o", "PubkeyAcceptedAlgorithms=\(algorithm)"])
          }
          try daemon.certify("-t", "ssh-rsa", "-n", daemon.user.name, key: "key")
          try daemon.login(false, log: "ca_key_refused", options)
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: hasSecurityKeys, "needs the package openssh-tests"))
    func `security keys are certified, and sign certificates`() throws {
      try withAuthority(["-t", "ed25519-sk", "-w", securityKeys]) { daemon throws in
        let directory = daemon.directory
        try succeed(
          "ssh-keygen", "-q", "-N", "", "-t", "ecdsa-sk", "-w", securityKeys, "-O", "no-touch-required", "-f",
          "\(directory)/key")
        let options = [
          "-o", "IdentityFile=none", "-i", "\(directory)/key", "-o", "SecurityKeyProvider=\(securityKeys)",
        ]
        try daemon.certify("-w", securityKeys, "-n", daemon.user.name, key: "key")
        try daemon.login(false, log: "no_user_presence", options)
        try daemon.certify("-w", securityKeys, "-n", daemon.user.name, "-O", "no-touch-required", key: "key")
        try daemon.login(true, log: "accepted", options)
        try daemon.certify(
          "-w", securityKeys, "-n", daemon.user.name, "-O", "no-touch-required", "-O", "verify-required", key: "key")
        try daemon.login(false, log: "no_user_verification", options)
      }
    }

    @Test(.timeLimit(.minutes(2))) func `the contents of a certificate are enforced`() throws {
      try withAuthority { daemon throws in
        let name = daemon.user.name
        let cases: [([String], Bool, String)] = [
          (["-n", name], true, "by auth.publickey.trusted_user_ca_keys"),
          (["-n", "x,\(name),y", "-z", "42"], true, "certificate 'test' serial 42"),
          (["-n", "x"], false, "wrong_principal"), ([], false, "wrong_principal"),
          (["-n", name, "-V", "-2h:-1h"], false, "expired_certificate"),
          (["-n", name, "-V", "+1h:+2h"], false, "certificate_not_yet_valid"),
          (["-n", name, "-V", "-1h:+1h"], true, "accepted"),
          (["-n", name, "-O", "source-address=127.0.0.0/8"], true, "accepted"),
          (["-n", name, "-O", "source-address=10.0.0.0/8"], false, "wrong_source"),
          (["-n", name, "-O", "critical:x@example.com"], false, "unknown_critical_option"),
          (["-n", name, "-O", "extension:x@example.com"], true, "accepted"),
        ]
        for (options, isGood, words) in cases {
          try daemon.certify(options)
          try daemon.login(isGood, log: words)
        }
        try daemon.certify("-n", name, authority: "other")
        try daemon.login(false, log: "untrusted_ca")
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a line with cert-authority trusts for one user`() throws {
      try withAuthority { daemon throws in
        let name = daemon.user.name
        let other = try String(contentsOfFile: "\(daemon.directory)/other.pub", encoding: .utf8)
        let cases: [(String, [String], Bool, String)] = [
          ("cert-authority", ["-n", name], true, "authorized_keys:1"), ("", ["-n", name], false, "untrusted_ca"),
          ("cert-authority", ["-n", "x"], false, "wrong_principal"), ("cert-authority", [], false, "wrong_principal"),
          ("cert-authority,principals=\"x,y\"", ["-n", "y"], true, "authorized_keys:1"),
          ("cert-authority,principals=\"x,y\"", ["-n", name], false, "wrong_principal"),
          ("cert-authority,from=\"10.0.0.0/8\"", ["-n", name], false, "wrong_source"),
          ("cert-authority,expiry-time=\"20200101\"", ["-n", name], false, "expired_key"),
          (
            "cert-authority,command=\"echo a\"", ["-n", name, "-O", "force-command=echo b"], false,
            "forced_commands_differ"
          ),
        ]
        for (options, certificate, isGood, words) in cases {
          try daemon.user.authorize("\(options) \(other)")
          try daemon.certify(certificate, authority: "other")
          try daemon.login(isGood, log: words)
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a terminal needs permit-pty and the permission of the line`() throws {
      try withAuthority { daemon throws in
        let other = try String(contentsOfFile: "\(daemon.directory)/other.pub", encoding: .utf8)
        let cases = [
          ([], "", true), (["-O", "no-pty"], "", false), (["-O", "clear"], "", false), ([], ",no-pty", false),
        ]
        for (options, line, hasTerminal) in cases {
          try daemon.user.authorize("cert-authority\(line) \(other)")
          try daemon.certify(["-n", daemon.user.name] + options, authority: "other")
          let outcome = try daemon.ssh("-tt", "host", "test -t 0 && echo terminal")
          #expect(outcome.output.contains("terminal") == hasTerminal, "\(options) \(line)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a certificate forces its command, and the line may contain the same one`()
      throws
    {
      try withAuthority { daemon throws in
        let other = try String(contentsOfFile: "\(daemon.directory)/other.pub", encoding: .utf8)
        let force = ["-n", daemon.user.name, "-O", "force-command=echo forced"]
        for line in ["", ",command=\"echo forced\""] {
          try daemon.user.authorize("cert-authority\(line) \(other)")
          try daemon.certify(force, authority: "other")
          #expect(try daemon.ssh("host", "id").output == "forced\n")
        }
        try daemon.certify("-n", daemon.user.name, authority: "other")
        #expect(try daemon.ssh("host", "id").output == "forced\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the user's file of principals decides if its permissions are safe`() throws {
      try withAuthority(publicKey: ", authorized_principals_pattern: '%h/.ssh/principals'") { daemon throws in
        let path = "\(daemon.user.home)/.ssh/principals"
        try daemon.certify("-n", "ops,\(daemon.user.name)")
        try daemon.login(false, log: "wrong_principal")
        let cases: [(String, mode_t, Bool, String)] = [
          ("ops\n", 0o600, true, "accepted"), ("# ops\nother\n", 0o600, false, "wrong_principal"),
          ("from=\"10.0.0.0/8\" ops\n", 0o600, false, "wrong_source"),
          ("no-pty ops # comment\n", 0o644, true, "accepted"),
          ("ops\n", 0o666, false, "writable by others"),
        ]
        for (text, mode, isGood, words) in cases {
          try Data(text.utf8).write(to: URL(fileURLWithPath: path))
          chown(path, daemon.user.uid, daemon.user.gid)
          chmod(path, mode)
          try daemon.login(isGood, log: words)
        }
      }
    }

    @Test(.timeLimit(.minutes(2))) func `a revoked key cannot log in, with a text list and every kind of KRL`() throws {
      try withAuthority { daemon throws in
        let directory = daemon.directory
        try daemon.certify("-n", daemon.user.name, "-z", "42")
        try daemon.login(true, log: "accepted")
        func revoke(_ specification: String, _ options: [String] = []) throws {
          try Data(specification.utf8).write(to: URL(fileURLWithPath: "\(directory)/specification"))
          try succeed(
            ["ssh-keygen", "-q", "-k", "-f", "\(directory)/revoked"] + options + ["\(directory)/specification"])
          try daemon.reload(try daemon.configuration)
        }
        let key = try daemon.key
        let authority = try String(contentsOfFile: "\(directory)/ca.pub", encoding: .utf8)
        let byCA = ["-s", "\(directory)/ca.pub"]
        let hash = try run(["ssh-keygen", "-l", "-f", "\(directory)/id.pub"]).output.split(separator: " ")[1]
        let cases: [(String, [String], Bool)] = [
          (key, [], true), (authority, [], true), ("sha1: \(key)", [], true), ("sha256: \(key)", [], true),
          ("hash: \(hash)", [], true), ("serial: 42", byCA, true), ("serial: 40-45", byCA, true),
          ("serial: 43", byCA, false), ("serial: 2\nserial: 4\nserial: 42\nserial: 44\nserial: 60", byCA, true),
          ("id: test", byCA, true), ("id: other", byCA, false),
          ("serial: 42", ["-s", "\(directory)/other.pub"], false),
          ("serial: 42", ["-s", "none"], true),
        ]
        for (specification, options, isRevoked) in cases {
          try revoke(specification, options)
          try daemon.login(!isRevoked, log: isRevoked ? "revoked_key" : "accepted")
        }
        // As text, one key per line.
        try Data("# keys\n\(key)".utf8).write(to: URL(fileURLWithPath: "\(directory)/revoked"))
        try daemon.reload(try daemon.configuration)
        try daemon.login(false, log: "revoked_key")
        // A plain key that is listed is refused as well.
        try daemon.user.authorize(key)
        try FileManager.default.removeItem(atPath: "\(directory)/id-cert.pub")
        try daemon.login(false, log: "revoked_key")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a damaged or missing list of revoked keys does not load`() throws {
      try withAuthority { daemon throws in
        let path = "\(daemon.directory)/revoked"
        try daemon.certify("-n", daemon.user.name)
        for content in ["nonsense\n", "SSHKRL\n\0", nil] {
          try? FileManager.default.removeItem(atPath: path)
          if let content { try Data(content.utf8).write(to: URL(fileURLWithPath: path)) }
          let start = daemon.log.count
          daemon.signal(SIGHUP)
          try daemon.log.line(with: "auth.publickey.revoked_keys", "revoked", after: start)
          try daemon.log.line(with: "the previous one still applies", after: start)
        }
        try daemon.login(true, log: "accepted")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `certificates that the configuration excludes are refused`() throws {
      let make = { (files: Daemon.Preparation) throws -> Void in
        try succeed("ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", "\(files.directory)/ca")
      }
      try withDaemon(
        server: ["publickey_algorithms": "[ssh-ed25519-cert-v01@openssh.com]"],
        auth: ["publickey": "{trusted_user_ca_keys: DIRECTORY/ca.pub}"], prepare: make
      ) { daemon throws in
        try daemon.login(false, log: "key_type_refused")
        try daemon.certify("-n", daemon.user.name)
        try daemon.login(true, log: "certificate 'test'")
        let text = try daemon.configuration
        try daemon.reload(text.replacingOccurrences(of: "[ssh-ed25519-cert-v01@openssh.com]", with: "[ssh-ed25519]"))
        try daemon.user.authorize("")
        try daemon.login(false, log: "key_type_refused")
      }
    }
  }
}

extension Daemon {
  /// Has a CA key certify a key, so that ssh presents the certificate with it.
  func certify(_ options: String..., key: String = "id", authority: String = "ca") throws {
    try certify(options, key: key, authority: authority)
  }

  func certify(_ options: [String], key: String = "id", authority: String = "ca") throws {
    try succeed(
      ["ssh-keygen", "-q", "-s", "\(directory)/\(authority)", "-I", "test"] + options + ["\(directory)/\(key).pub"])
  }
}
