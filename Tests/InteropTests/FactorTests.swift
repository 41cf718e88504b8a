import Foundation
import Testing

extension Interop {
  /// Logins of several steps, as `auth.required` asks for them.
  @Suite(.serialized) struct Factors {
    /// `right horse`, by `bssh-server hash-password`.
    static let password =
      "password_hash: '$argon2id$v=19$m=19456,t=2,p=1$EGdSQz9OxMPe6JpQnSpUEg"
      + "$36tq3O4P1xfcR0emOVv55qOV62/1LNLPDVHl8/Q4Y30'"

    /// A daemon that requires these steps.
    private func withSteps(
      _ required: String, methods: String = "[publickey, password, keyboard-interactive]", userKeys: String = password,
      sourceLocation: SourceLocation = #_sourceLocation, _ body: (Daemon) throws -> Void
    ) throws {
      let auth = ["methods": methods, "required": required]
      try withDaemon(auth: auth, userKeys: userKeys, sourceLocation: sourceLocation, body)
    }

    // MARK: A key and a password

    @Test(.timeLimit(.minutes(1)), arguments: ["password", "keyboard-interactive"])
    func `ssh logs in with key and password, and with neither alone`(second: String) throws {
      try withSteps("[[publickey, \(second)]]") { daemon throws in
        let both = try daemon.answeringSSH(["-v", "host", "echo in"], answer: "right horse")
        #expect(both.output == "in\n")
        #expect(both.errors.contains("using \"publickey\" with partial success"))
        #expect(both.errors.contains("Authentications that can continue: \(second)\r\n"))
        try daemon.log.line(with: "partly accepted '\(daemon.user.name)' by publickey, key SHA256:")
        try daemon.log.line(with: "accepted '\(daemon.user.name)' by publickey, \(second), key SHA256:")

        let start = daemon.log.count
        let keyAlone = try daemon.ssh("host", "echo in")
        #expect(keyAlone.status == 255 && keyAlone.output.isEmpty)
        #expect(keyAlone.errors.contains("Permission denied (\(second))"))
        let wrong = try daemon.answeringSSH(["host", "echo in"], answer: "wrong horse")
        #expect(wrong.status == 255 && wrong.output.isEmpty)
        try daemon.log.line(with: "by \(second): wrong_password", after: start)
        let passwordAlone = try daemon.answeringSSH(
          ["-o", "PubkeyAuthentication=no", "host", "echo in"], answer: "right horse")
        #expect(passwordAlone.status == 255 && passwordAlone.output.isEmpty)
        #expect(passwordAlone.errors.contains("Permission denied (publickey)"))
      }
    }

    @Test(.timeLimit(.minutes(1))) func `without sequences any one method is a login`() throws {
      try withSteps("[]") { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        let password = try daemon.answeringSSH(
          ["-o", "PubkeyAuthentication=no", "host", "echo in"], answer: "right horse")
        #expect(password.output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(1))) func `of several sequences one is enough`() throws {
      try withSteps("[[publickey, keyboard-interactive], [password, publickey]]") { daemon throws in
        for first in ["publickey", "password"] {
          let order = "PreferredAuthentications=\(first),publickey,keyboard-interactive"
          let outcome = try daemon.answeringSSH(["-v", "-o", order, "host", "echo in"], answer: "right horse")
          #expect(outcome.output == "in\n")
          #expect(outcome.errors.contains("using \"\(first)\" with partial success"))
        }
      }
    }

    @Test(.timeLimit(.minutes(1))) func `two keys are two keys`() throws {
      try withSteps("[[publickey, publickey]]") { daemon throws in
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(daemon.directory)/second")
        let keys = try ["id", "second"].map { name in
          try String(contentsOfFile: "\(daemon.directory)/\(name).pub", encoding: .utf8)
        }
        try daemon.user.authorize(keys.joined())
        let one = try daemon.ssh("host", "echo in")
        #expect(one.status == 255 && one.output.isEmpty)
        try daemon.log.line(with: "key_used_before")
        try daemon.claim("factors.py", "the-same-key-does-not-count-twice")
        let two = try daemon.ssh("-v", "-i", "\(daemon.directory)/second", "host", "echo in")
        #expect(two.output == "in\n")
        #expect(two.errors.contains("using \"publickey\" with partial success"))
      }
    }

    @Test(.timeLimit(.minutes(1)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `root needs a sequence with a key`() throws {
      try withSteps("[[keyboard-interactive], [publickey, password]]") { daemon throws in
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
        let root = "{name: root, \(Self.password), authorized_keys: ['\(key.dropLast())']}"
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: "{users: [", with: "{users: [\(root), "))
        let alone = try daemon.answeringSSH(
          ["-o", "PubkeyAuthentication=no", "root@host", "echo in"], answer: "right horse")
        #expect(alone.status == 255 && alone.output.isEmpty)
        try daemon.log.line(with: "refused 'root' by keyboard-interactive: root_not_permitted")
        #expect(try daemon.answeringSSH(["root@host", "echo in"], answer: "right horse").output == "in\n")
      }
    }

    // MARK: What the client is told

    @Test(
      .timeLimit(.minutes(1)),
      arguments: [
        "partial-success-names-what-can-continue", "steps-out-of-order-are-refused",
        "unknown-users-walk-the-same-steps", "failures-count-over-all-steps",
      ])
    func `the client is told of each step what RFC 4252 says`(claim: String) throws {
      try withSteps("[[publickey, password], [publickey, keyboard-interactive]]") {
        try $0.claim("factors.py", claim, environment: ["PASSWORD": "right horse"])
      }
    }

    // MARK: Other clients

    @Test(.timeLimit(.minutes(1)), arguments: ["paramiko", "asyncssh"])
    func `Python's clients log in with key and password, and with neither alone`(client: String) throws {
      try withSteps("[[publickey, password]]") {
        try $0.claim("factors.py", "\(client)-gives-key-and-password", environment: ["PASSWORD": "right horse"])
      }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["password", "keyboard-interactive"])
    func `PuTTY's plink logs in with key and password, and with neither alone`(second: String) throws {
      try withSteps("[[publickey, \(second)]]") { daemon throws in
        let key = "\(daemon.directory)/key.ppk"
        try succeed("puttygen", "\(daemon.directory)/id", "-O", "private", "-o", key)
        #expect(try daemon.plink("-i", key, "-pw", "right horse").output == "in\n")
        #expect(try daemon.plink("-i", key, "-pw", "wrong horse").status != 0)
        #expect(try daemon.plink("-i", key).status != 0)
        #expect(try daemon.plink("-noagent", "-pw", "right horse").status != 0)
      }
    }
  }
}

extension Daemon {
  /// Runs our ssh with a program that gives `answer` to every question.
  func answeringSSH(_ words: [String], answer: String) throws -> Outcome {
    let program = "\(directory)/askpass"
    try Data("#!/bin/sh\necho \"$1\" >>\(directory)/asked\nprintf '%s\\n' \"$ANSWER\"\n".utf8)
      .write(to: URL(fileURLWithPath: program))
    chmod(program, 0o755)
    let more = ["SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force", "ANSWER": answer]
    return try run(
      ["\(directory)/ssh", "-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"] + words,
      environment: environment.merging(more) { $1 })
  }

  /// Runs `echo in` by plink, which asks nobody.
  fileprivate func plink(_ words: String...) throws -> Outcome {
    let fingerprint = try succeed("ssh-keygen", "-lf", "\(directory)/host0.pub").split(separator: " ")[1]
    return try run(
      ["plink", "-batch", "-P", String(port), "-hostkey", String(fingerprint)] + words
        + ["\(user.name)@127.0.0.1", "echo in"], environment: environment)
  }
}
