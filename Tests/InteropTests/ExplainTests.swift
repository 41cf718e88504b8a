import Foundation
import Testing

extension Interop {
  /// `explain` says what the daemon does.
  @Suite(.serialized) struct Explain {
    /// A way to request a login: options of `explain`, and a shell command that attempts it.
    struct Attempt: Sendable {
      let question: [String]
      let probe: String
    }

    private static let password = "sshpass -p 'right horse' $SSH -o BatchMode=no -o NumberOfPasswordPrompts=1"
    static let attempts = [
      Attempt(
        question: ["--key", "DIRECTORY/id.pub", "--method", "publickey"],
        probe: "$SSH -o PreferredAuthentications=publickey host echo in"),
      Attempt(
        question: ["--method", "password"], probe: "\(password) -o PreferredAuthentications=password host echo in"),
      Attempt(
        question: ["--method", "keyboard-interactive"],
        probe: "\(password) -o PreferredAuthentications=keyboard-interactive host echo in"),
      Attempt(
        question: ["--key", "DIRECTORY/id.pub", "--method", "publickey", "--method", "password"],
        probe: "\(password) -o PreferredAuthentications=publickey,password host echo in"),
      Attempt(
        question: ["--key", "DIRECTORY/other.pub", "--method", "publickey"],
        probe: "ssh -F $DIRECTORY/other_config -o PreferredAuthentications=publickey host echo in"),
    ]

    /// Parts of a configuration, of which one of each kind is selected. `ACCOUNT` is the user who logs in, a member of
    /// the group `staff`.
    static let methods = [
      "methods: [publickey]", "methods: [password]", "methods: [publickey, password]",
      "methods: [publickey, password, keyboard-interactive]", "methods: [keyboard-interactive]",
      "methods: [publickey, password], required: [[publickey, password]]",
      "methods: [publickey, keyboard-interactive], required: [[publickey], [publickey, keyboard-interactive]]",
    ]
    static let lists = [
      "", "deny_users: [ACCOUNT]", "allow_users: [ACCOUNT]", "allow_users: [other]", "deny_groups: [staff]",
      "allow_groups: [staff, x]", "allow_groups: [x]", "allow_users: [\"ACCOUNT@127.0.0.0/8\"]",
      "deny_users: [\"*@127.0.0.1\"], allow_groups: [staff]", "allow_users: [\"ACCOUNT@192.0.2.0/24\"]",
    ]
    static let users = [
      "", "", "disabled: true", "allowed_ips: [127.0.0.0/8]", "allowed_ips: [192.0.2.7]", "methods: [publickey]",
      "methods: [password, keyboard-interactive]",
    ]
    static let blocks = [
      "", "", "[{users: [ACCOUNT], auth: {methods: [publickey, password]}}]",
      "[{groups: [staff], auth: {deny_users: [\"*\"]}}]", "[{addresses: [127.0.0.1], auth: {deny_users: []}}]",
      "[{users: [ACCOUNT], auth: {publickey: {authorized_keys_pattern: /nowhere/%u}}}]",
      "[{groups: [x], auth: {deny_users: [\"*\"]}}, {users: [\"*\", \"!ACCOUNT\"], auth: {methods: [publickey]}}]",
    ]
    static let lines = [
      "", "", "from=\"127.0.0.1\" ", "from=\"192.0.2.7\" ", "expiry-time=\"20010101\" ", "no-pty,command=\"echo in\" ",
      "unknown-option ", "cert-authority ", "from=\"127.*,!127.0.0.1\" ",
    ]

    @Test(.timeLimit(.minutes(8)), arguments: [1, 2] as [UInt64])
    func `for randomly selected configurations explain says what the daemon does`(seed: UInt64) throws {
      try withDaemon { daemon throws in
        try prepare(daemon)
        let hash = try daemon.shell("echo 'right horse' | \(daemon.server) hash-password").line
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
        var generator = Generator(seed: seed)
        func draw(_ pieces: [String]) -> String { pieces[Int.random(in: pieces.indices, using: &generator)] }
        var outcomes = Set<Bool>()
        for round in 0..<16 {
          let line = draw(Self.lines)
          let (methods, list, user, block) = (
            draw(Self.methods), draw(Self.lists), draw(Self.users), draw(Self.blocks)
          )
          try daemon.user.authorize("# \(round)\n\(line)\(key)")
          try daemon.apply(
            auth: methods + (list.isEmpty ? "" : ", \(list)"),
            user: "password_hash: '\(hash)', groups: [staff]\(user.isEmpty ? "" : ", \(user)")", match: block)
          for attempt in Self.attempts {
            outcomes.insert(
              try compare(daemon, attempt, daemon.user.name, "\(line)| \(methods) | \(list) | \(user) | \(block)"))
          }
        }
        #expect(outcomes == [true, false])
      }
    }

    /// Configurations in which one thing decides.
    static let certificates: [(options: [String], lines: String, keys: String, isLetIn: Bool)] = [
      (["-n", "ACCOUNT"], "cert-authority CA", "", true),
      (["-n", "other"], "cert-authority CA", "", false),
      (["-n", "other"], "cert-authority,principals=\"other\" CA", "", true),
      (["-n", "ACCOUNT", "-V", "20010101:20010201"], "cert-authority CA", "", false),
      (["-n", "ACCOUNT", "-O", "source-address=192.0.2.7"], "cert-authority CA", "", false),
      (["-n", "ACCOUNT", "-O", "critical:unknown=x"], "cert-authority CA", "", false),
      (["-n", "ACCOUNT"], "", "", false),
      (["-n", "ACCOUNT"], "", "trusted_user_ca_keys: DIRECTORY/ca.pub", true),
      (["-n", "ACCOUNT"], "", "trusted_user_ca_keys: DIRECTORY/ca.pub, revoked_keys: DIRECTORY/ca.pub", false),
      (
        ["-n", "role"], "",
        "trusted_user_ca_keys: DIRECTORY/ca.pub, authorized_principals_pattern: \"%h/.ssh/principals\"", true
      ),
    ]

    @Test(.timeLimit(.minutes(2))) func `explain supports certificates, principals and revocation`() throws {
      try withDaemon { daemon throws in
        try prepare(daemon)
        let directory = daemon.directory
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(directory)/ca")
        let authority = try String(contentsOfFile: "\(directory)/ca.pub", encoding: .utf8)
        let principals = "\(daemon.user.home)/.ssh/principals"
        try Data("role\n".utf8).write(to: URL(fileURLWithPath: principals))
        chmod(principals, 0o600)
        chown(principals, daemon.user.uid, daemon.user.gid)
        for row in Self.certificates {
          let options = row.options.map { $0 == "ACCOUNT" ? daemon.user.name : $0 }
          try succeed(
            ["ssh-keygen", "-q", "-s", "\(directory)/ca", "-I", "test"] + options + ["\(directory)/other.pub"])
          try daemon.user.authorize(row.lines.replacingOccurrences(of: "CA", with: authority))
          let keys = row.keys.replacingOccurrences(of: "DIRECTORY", with: directory)
          try daemon.apply(auth: "publickey: {\(keys)}")
          let attempt = Attempt(
            question: ["--key", "DIRECTORY/other-cert.pub", "--method", "publickey"],
            probe: Self.attempts[4].probe)
          let isLetIn = try compare(daemon, attempt, daemon.user.name, "\(row)")
          #expect(isLetIn == row.isLetIn, "\(row)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `explain supports addresses, and unknown names`() throws {
      try withDaemon(security: ["blocked_ips": "[127.0.0.2]", "allowed_ips": "[127.0.0.0/30]"]) { daemon throws in
        try prepare(daemon)
        for (source, name) in [
          ("127.0.0.1", daemon.user.name), ("127.0.0.2", daemon.user.name), ("127.0.0.3", daemon.user.name),
          ("127.0.0.7", daemon.user.name), ("127.0.0.1", "nosuchuser"),
        ] {
          let probe = "$SSH -b \(source) -l \(name) host echo in"
          let attempt = Attempt(question: ["--key", "DIRECTORY/id.pub"], probe: probe)
          _ = try compare(daemon, attempt, name, source, from: source)
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `explain reads shadow(5) and files as the daemon does`() throws {
      try withDaemon { daemon throws in
        try prepare(daemon)
        let (name, home) = (daemon.user.name, daemon.user.home)
        for (change, undo) in [
          ("usermod -L \(name)", "usermod -p '*' \(name)"), ("chage -E 2001-01-01 \(name)", "chage -E -1 \(name)"),
          ("chmod 777 \(home)/.ssh", "chmod 700 \(home)/.ssh"),
          ("usermod -s /nonexistent \(name)", "usermod -s /bin/sh \(name)"),
          ("chmod 000 \(home)/.ssh/authorized_keys", "chmod 600 \(home)/.ssh/authorized_keys"), ("true", "true"),
        ] {
          try succeed("sh", "-c", change)
          _ = try compare(daemon, Self.attempts[0], name, change)
          try succeed("sh", "-c", undo)
        }
      }
    }

    private func prepare(_ daemon: Daemon) throws {
      try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(daemon.directory)/other")
      let usual = try String(contentsOfFile: "\(daemon.directory)/ssh_config", encoding: .utf8)
      let other = usual.replacingOccurrences(of: "\(daemon.directory)/id", with: "\(daemon.directory)/other")
      try Data(other.utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/other_config"))
    }

    /// Attempts a login, and runs explain: both must say the same, for the same reason. Returns what they say.
    private func compare(
      _ daemon: Daemon, _ attempt: Attempt, _ name: String, _ what: String, from source: String = "127.0.0.1"
    ) throws -> Bool {
      let start = daemon.log.count
      let isLetIn = try daemon.shell(attempt.probe).output.hasSuffix("in\n")
      let question = attempt.question.map { $0.replacingOccurrences(of: "DIRECTORY", with: daemon.directory) }
      let command =
        [daemon.server, "explain", "-c", "\(daemon.directory)/server.yaml", "--user", name, "--from", source]
      let outcome = try run(command + question)
      let last = outcome.output.split(separator: "\n").last.map(String.init) ?? ""
      #expect(outcome.status == (isLetIn ? 0 : 1), "\(what) \(question)\n\(outcome.output)\(outcome.errors)")
      #expect(last.hasPrefix(isLetIn ? "accepted: " : "refused: "))
      let code = last.split(separator: ",").dropFirst().first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
      // A client does not request what it is not offered, and the daemon waits for steps that do not come.
      if !isLetIn, !["method_not_enabled", "more_steps"].contains(code) {
        let told = (try? daemon.log.line(after: start, within: 5) { $0.contains(code) }) != nil
        #expect(told, "\(what) \(question): \(last)\n\(daemon.log.all.suffix(3000))")
      }
      return isLetIn
    }
  }
}

/// Numbers from a seed: xorshift.
private struct Generator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
