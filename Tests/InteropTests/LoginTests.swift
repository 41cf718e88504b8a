import Foundation
import Testing

extension Interop {
  /// Keys and passwords, as OpenSSH's client offers them.
  @Suite(.serialized) struct Login {
    @Test(.timeLimit(.minutes(3))) func `a command runs as its user, and its exit status is returned`() throws {
      try withDaemon { daemon throws in
        let outcome = try daemon.ssh("host", "id -u; echo err >&2; exit 7")
        #expect(outcome.output == "\(daemon.user.uid)\n")
        #expect(outcome.errors == "err\n")
        #expect(outcome.status == 7)
        try daemon.log.line(with: "accepted '\(daemon.user.name)' by publickey", "SHA256:")
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        (["-t", "ed25519"], "ssh-ed25519"), (["-t", "ecdsa", "-b", "256"], "ecdsa-sha2-nistp256"),
        (["-t", "ecdsa", "-b", "384"], "ecdsa-sha2-nistp384"), (["-t", "ecdsa", "-b", "521"], "ecdsa-sha2-nistp521"),
        (["-t", "rsa", "-b", "2048"], "rsa-sha2-256"), (["-t", "rsa", "-b", "3072"], "rsa-sha2-512"),
      ])
    func `every type of key logs in`(type: [String], algorithm: String) throws {
      try withDaemon { daemon throws in
        try succeed(["ssh-keygen", "-q", "-N", "", "-f", "\(daemon.directory)/key"] + type)
        let key = try String(contentsOfFile: "\(daemon.directory)/key.pub", encoding: .utf8)
        try daemon.user.authorize(key)
        let outcome = try daemon.ssh(
          "-v", "-o", "IdentityFile=none", "-i", "\(daemon.directory)/key", "-o",
          "PubkeyAcceptedAlgorithms=\(algorithm)", "host", "echo in")
        #expect(outcome.output == "in\n")
        #expect(outcome.status == 0)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a key that is not authorized cannot log in`() throws {
      try withDaemon { daemon throws in
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(daemon.directory)/other")
        try daemon.user.authorize(try String(contentsOfFile: "\(daemon.directory)/other.pub", encoding: .utf8))
        let outcome = try daemon.ssh("host", "echo in")
        #expect(outcome.status == 255)
        #expect(outcome.errors.contains("Permission denied (publickey)"))
        #expect(outcome.output.isEmpty)
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `methods that are not configured are neither offered nor accepted`() throws {
      try withDaemon(auth: ["methods": "[publickey]"]) { daemon throws in
        let password = try daemon.shell("sshpass -p x $SSH -o BatchMode=no -o PubkeyAuthentication=no host true")
        #expect(password.status != 0)
        #expect(password.errors.contains("(publickey)"))
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["argon2id", "bcrypt"], ["password", "keyboard-interactive"])
    func `a password logs in by every method that asks for it`(hash: String, method: String) throws {
      try withPasswords(hash) { daemon throws in
        let good = "sshpass -p 'right horse' $SSH -o BatchMode=no -o PreferredAuthentications=\(method) host 'echo in'"
        #expect(try daemon.shell(good).output == "in\n")
        let bad = try daemon.shell(good.replacingOccurrences(of: "right", with: "wrong"))
        #expect(bad.status != 0)
        #expect(bad.output.isEmpty)
        try daemon.log.line(with: "refused", "wrong_password")
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["right-password", "empty-and-endless-passwords", "seven-passwords"])
    func `any password is checked, and the number of attempts is limited`(claim: String) throws {
      try withPasswords("argon2id") { try $0.claim("credentials.py", claim, environment: ["PASSWORD": "right horse"]) }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["keyboard-interactive", "answers-that-nobody-asked-for"])
    func `keyboard-interactive asks once, without echo`(claim: String) throws {
      try withPasswords("argon2id") { try $0.claim("credentials.py", claim, environment: ["PASSWORD": "right horse"]) }
    }

    @Test(.timeLimit(.minutes(3))) func `root cannot log in with a password unless that is configured`() throws {
      try withPasswords("argon2id", user: "root") { daemon throws in
        let script = "sshpass -p 'right horse' $SSH -o BatchMode=no -o PubkeyAuthentication=no root@host 'echo in'"
        #expect(try daemon.shell(script).status != 0)
        try daemon.log.line(with: "refused", "root")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `the banner is shown before the login`() throws {
      let write = { (files: Daemon.Preparation) in
        try Data("Beware of the dog\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/banner.txt"))
      }
      try withDaemon(server: ["banner": "DIRECTORY/banner.txt"], prepare: write) { daemon throws in
        let outcome = try daemon.ssh("host", "echo in")
        #expect(outcome.errors.contains("Beware of the dog"))
        #expect(outcome.output == "in\n")
      }
    }

    /// A daemon that accepts passwords; `right horse` is the right one.
    private func withPasswords(_ hash: String, user name: String? = nil, _ body: (Daemon) throws -> Void) throws {
      try withDaemon(auth: ["methods": "[publickey, password, keyboard-interactive]"]) { daemon throws in
        let line =
          hash == "bcrypt"
          ? try daemon.shell(
            "\(Daemon.python) -c 'import crypt; print(crypt.crypt(\"right horse\", crypt.mksalt(crypt.METHOD_BLOWFISH)))'"
          ).line
          : try daemon.shell("echo 'right horse' | \(daemon.server) hash-password").line
        let text = "auth:\n  password:\n    users:\n      - {name: \(name ?? daemon.user.name), "
        let rest = "home: \(daemon.user.home), shell: /bin/sh, password_hash: '\(line)'}\n"
        let methods = "  methods: [publickey, password, keyboard-interactive]\n"
        let server = try daemon.configuration.components(separatedBy: "auth:\n")[0]
        try daemon.reload(server + text + rest + methods)
        try body(daemon)
      }
    }
  }
}
