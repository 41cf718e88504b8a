import Foundation
import Testing

extension Interop {
  /// Logins with several steps, as `auth.required` requires them.
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

    @Test(.timeLimit(.minutes(3)), arguments: ["password", "keyboard-interactive"])
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

    @Test(.timeLimit(.minutes(3))) func `without sequences any one method is a login`() throws {
      try withSteps("[]") { daemon throws in
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        let password = try daemon.answeringSSH(
          ["-o", "PubkeyAuthentication=no", "host", "echo in"], answer: "right horse")
        #expect(password.output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `one of several sequences is enough`() throws {
      try withSteps("[[publickey, keyboard-interactive], [password, publickey]]") { daemon throws in
        for first in ["publickey", "password"] {
          let order = "PreferredAuthentications=\(first),publickey,keyboard-interactive"
          let outcome = try daemon.answeringSSH(["-v", "-o", order, "host", "echo in"], answer: "right horse")
          #expect(outcome.output == "in\n")
          #expect(outcome.errors.contains("using \"\(first)\" with partial success"))
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `two publickey steps need two different keys`() throws {
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

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
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

    // MARK: A key and a code

    /// The secret of RFC 6238, which the user's authenticator has.
    static let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

    /// A daemon that requires these steps of a user who has a password and an authenticator.
    private func withCodes(
      _ required: String, methods: String = "[publickey]", keys: String = "",
      sourceLocation: SourceLocation = #_sourceLocation,
      _ body: (Daemon) throws -> Void
    ) throws {
      try withSteps(
        required, methods: methods, userKeys: "\(Self.password), totp_secret: \(Self.secret)\(keys)",
        sourceLocation: sourceLocation, body)
    }

    /// The code that the authenticator shows this many time steps from now, by oathtool.
    private func code(_ steps: Int = 0, _ more: [String] = []) throws -> String {
      let time = Int(Date().timeIntervalSince1970) + 30 * steps
      return try succeed(["oathtool", "--totp", "-b", "-N", "@\(time)", Self.secret] + more)
    }

    @Test(.timeLimit(.minutes(3))) func `ssh logs in with key and code, and with neither alone`() throws {
      try withCodes("[[publickey, totp]]") { daemon throws in
        let wrong = try daemon.answeringSSH(["host", "echo in"], code: "000000")
        #expect(wrong.status == 255 && wrong.output.isEmpty)
        #expect(wrong.errors.contains("Permission denied (keyboard-interactive)"))
        try daemon.log.line(with: "refused '\(daemon.user.name)' by totp: wrong_code")
        let none = try daemon.ssh("host", "echo in")
        #expect(none.status == 255 && none.output.isEmpty)
        let code = try code()
        let codeAlone = try daemon.answeringSSH(["-o", "PubkeyAuthentication=no", "host", "echo in"], code: code)
        #expect(codeAlone.status == 255 && codeAlone.output.isEmpty)
        #expect(codeAlone.errors.contains("Permission denied (publickey)"))

        let both = try daemon.answeringSSH(["-v", "host", "echo in"], code: code)
        #expect(both.output == "in\n")
        #expect(both.errors.contains("using \"publickey\" with partial success"))
        #expect(try daemon.asked.last == "(\(daemon.user.name)@127.0.0.1) Verification code: ")
        try daemon.log.line(with: "accepted '\(daemon.user.name)' by publickey, totp, key SHA256:")
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a used code is refused, even after a reload, and the next one is not`() throws {
      try withCodes("[[publickey, totp]]") { daemon throws in
        let (code, next) = (try code(), try code(1))
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).output == "in\n")
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).status == 255)
        try daemon.log.line(with: "refused '\(daemon.user.name)' by totp: code_used_before")
        try daemon.reload(try daemon.configuration)
        let start = daemon.log.count
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).status == 255)
        try daemon.log.line(with: "code_used_before", after: start)
        #expect(try daemon.answeringSSH(["host", "echo in"], code: next).output == "in\n")
        // Using it also uses up the one before.
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).status == 255)
        let log = daemon.log.all
        #expect(!log.contains(Self.secret) && !log.contains(code) && !log.contains(next))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `of many logins with one code at the same time one succeeds`() throws {
      try withCodes("[[publickey, totp]]") { daemon throws in
        let code = try code()
        try daemon.claim("factors.py", "one-code-is-one-login", environment: ["CODE": code])
        try daemon.log.line(with: "code_used_before")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a clock that is off by one time step is accepted, and by more it is not`()
      throws
    {
      try withCodes("[[publickey, totp]]") { daemon throws in
        for steps in [-4, -3, 3, 4] {
          #expect(try daemon.answeringSSH(["host", "echo in"], code: try code(steps)).status == 255)
        }
        // A time step can end between the authenticator's display and the server's check; then another code has to be
        // tried.
        var isIn = false
        for _ in 0..<3 where !isIn {
          isIn = try daemon.answeringSSH(["host", "echo in"], code: try code(-1)).output == "in\n"
        }
        #expect(isIn)
        #expect(try daemon.answeringSSH(["host", "echo in"], code: try code(1)).output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [("sha256", "8"), ("sha512", "6")])
    func `codes with other hashes and lengths log in`(hash: String, digits: String) throws {
      try withCodes("[[publickey, totp]]", keys: ", totp_algorithm: \(hash), totp_digits: \(digits)") { daemon throws in
        #expect(try daemon.answeringSSH(["host", "echo in"], code: try code()).status == 255)
        let time = Int(Date().timeIntervalSince1970)
        let code = try succeed("oathtool", "--totp=\(hash)", "-d", digits, "-b", "-N", "@\(time)", Self.secret)
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).output == "in\n")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        ("[[publickey, password, totp]]", "[publickey, password]"), ("[[password, totp]]", "[password]"),
        ("[[keyboard-interactive, totp]]", "[keyboard-interactive]"), ("[[totp, password]]", "[password]"),
      ])
    func `ssh asks for password and code with separate prompts`(required: String, methods: String) throws {
      try withCodes(required, methods: methods) { daemon throws in
        let words = ["host", "echo in"]
        let code = try code()
        #expect(try daemon.answeringSSH(words, answer: "wrong horse", code: code, prompts: 2).status == 255)
        let next = try self.code(1)
        #expect(try daemon.answeringSSH(words, answer: "right horse", code: next, prompts: 2).output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `unknown users, and users without a secret, fail at a code like one with a secret`() throws {
      try withCodes("[[totp, password]]", methods: "[password]") { daemon throws in
        let second = "{name: \(isRoot ? "daemon" : "second"), home: /, shell: /bin/sh, \(Self.password)}"
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: "{users: [", with: "{users: [\(second), "))
        try daemon.claim(
          "factors.py", "codes-of-anybody-fail-alike", environment: ["SECOND": isRoot ? "daemon" : "second"])
        for reason in ["wrong_code", "no_totp_secret"] { try daemon.log.line(with: "by totp: \(reason)") }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `after ten wrong codes even the right one is refused`() throws {
      try withCodes("[[publickey, totp]]") { daemon throws in
        try daemon.claim("factors.py", "ten-wrong-codes")
        #expect(try daemon.answeringSSH(["host", "echo in"], code: try code()).status == 255)
        try daemon.log.line(with: "by totp: too_many_wrong_codes")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["paramiko", "asyncssh"])
    func `Python's clients log in with key and code, and not with the same code again`(client: String) throws {
      try withCodes("[[publickey, totp]]") {
        try $0.claim("factors.py", "\(client)-gives-key-and-code", environment: ["CODE": try code()])
      }
    }

    @Test(.timeLimit(.minutes(3))) func `PuTTY's plink asks for the code without echo`() throws {
      try withCodes("[[publickey, totp]]") { daemon throws in
        let key = "\(daemon.directory)/key.ppk"
        try succeed("puttygen", "\(daemon.directory)/id", "-O", "private", "-o", key)
        let code = try code()
        for (code, isIn) in [("000000", false), (code, true), (code, false)] {
          let outcome = try daemon.typing(code, afterPrompt: "Verification code: ", into: ["-i", key])
          #expect(outcome.output.contains("logged-in") == isIn, "\(outcome.output)")
          #expect(!outcome.output.contains(code))
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the output of totp-setup logs in`() throws {
      try withSteps("[[publickey, totp]]", methods: "[publickey]") { daemon throws in
        let printed = try succeed(daemon.server, "totp-setup", daemon.user.name, "--algorithm", "sha256")
        let lines = printed.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let keys = lines.filter { $0.hasPrefix("totp_") }.joined(separator: ", ")
        let address = lines.first { $0.hasPrefix("otpauth://totp/") }.flatMap { URLComponents(string: $0) }
        try daemon.reload(
          try daemon.configuration.replacingOccurrences(of: Self.password, with: "\(Self.password), \(keys)"))
        let secret = address?.queryItems?.first { $0.name == "secret" }?.value ?? "none"
        let code = try succeed("oathtool", "--totp=sha256", "-b", secret)
        #expect(try daemon.answeringSSH(["host", "echo in"], code: code).output == "in\n")
      }
    }

    // MARK: What the client learns

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "partial-success-names-what-can-continue", "steps-out-of-order-are-refused",
        "unknown-users-walk-the-same-steps", "failures-count-over-all-steps",
      ])
    func `for each step the client is told what RFC 4252 says`(claim: String) throws {
      try withSteps("[[publickey, password], [publickey, keyboard-interactive]]") {
        try $0.claim("factors.py", claim, environment: ["PASSWORD": "right horse"])
      }
    }

    // MARK: Other clients

    @Test(.timeLimit(.minutes(3)), arguments: ["paramiko", "asyncssh"])
    func `Python's clients log in with key and password, and with neither alone`(client: String) throws {
      try withSteps("[[publickey, password]]") {
        try $0.claim("factors.py", "\(client)-gives-key-and-password", environment: ["PASSWORD": "right horse"])
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["password", "keyboard-interactive"])
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
  /// Runs our ssh with a program that answers its prompts: for a code with `code`, otherwise with `answer`.
  func answeringSSH(
    _ words: [String], answer: String = "", code: String = "", prompts: Int = 1
  ) throws -> Outcome {
    let program = "\(directory)/askpass"
    let script = """
      #!/bin/sh
      echo "$1" >>\(directory)/asked
      case $1 in *"Verification code"*) echo "$CODE" ;; *) echo "$ANSWER" ;; esac

      """
    try Data(script.utf8).write(to: URL(fileURLWithPath: program))
    chmod(program, 0o755)
    let more = ["SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force", "ANSWER": answer, "CODE": code]
    return try run(
      ["\(directory)/ssh", "-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=\(prompts)"] + words,
      environment: environment.merging(more) { $1 })
  }

  /// The prompts that `answeringSSH` received.
  fileprivate var asked: [String] {
    get throws {
      try String(contentsOfFile: "\(directory)/asked", encoding: .utf8).split(separator: "\n").map(String.init)
    }
  }

  /// Runs `echo logged-in` with plink on a terminal, and types `text` at the prompt; the output is everything shown.
  fileprivate func typing(_ text: String, afterPrompt prompt: String, into words: [String]) throws -> Outcome {
    let fingerprint = try succeed("ssh-keygen", "-lf", "\(directory)/host0.pub").split(separator: " ")[1]
    let command =
      ["plink", "-no-antispoof", "-P", String(port), "-hostkey", String(fingerprint)] + words + [
        "\(user.name)@127.0.0.1", "echo logged-in",
      ]
    let script = """
      set timeout 20
      spawn -noecho {*}$argv
      expect "\(prompt)" { send "\(text)\\r" }
      expect "\(prompt)" { close } eof
      """
    let path = "\(directory)/typing.exp"
    try Data(script.utf8).write(to: URL(fileURLWithPath: path))
    return try run(["expect", path] + command, environment: environment)
  }

  /// Runs `echo in` with plink, without prompts.
  fileprivate func plink(_ words: String...) throws -> Outcome {
    let fingerprint = try succeed("ssh-keygen", "-lf", "\(directory)/host0.pub").split(separator: " ")[1]
    return try run(
      ["plink", "-batch", "-P", String(port), "-hostkey", String(fingerprint)] + words
        + ["\(user.name)@127.0.0.1", "echo in"], environment: environment)
  }
}
