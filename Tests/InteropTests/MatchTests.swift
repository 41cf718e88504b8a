import Foundation
import Testing

extension Interop {
  /// `match` blocks: what they change, and for whom.
  @Suite(.serialized) struct MatchBlocks {
    /// Keys of a block, a shell command, and its output with and without them.
    struct Effect: Sendable {
      let keys: String
      let probe: String
      let with: String
      let without: String

      init(_ keys: String, _ probe: String, _ with: String, _ without: String) {
        self.keys = keys
        self.probe = probe
        self.with = with
        self.without = without
      }
    }

    private static let login = "$SSH host echo in"
    private static let sftp = "sftp -q -S $SSH -b -"
    private static let scp = "scp -q -S $SSH"

    static let effects: [Effect] = [
      Effect("auth: {methods: [password]}", login, "", "in"),
      Effect("auth: {required: [[publickey, password]]}", login, "", "in"),
      Effect("auth: {deny_users: [\"*\"]}", login, "", "in"),
      Effect("auth: {allow_users: [other]}", login, "", "in"),
      Effect("auth: {allow_groups: [no-such-group]}", login, "", "in"),
      Effect("auth: {publickey: {authorized_keys_pattern: /nowhere/%u}}", login, "", "in"),
      Effect("auth: {publickey: {authorized_keys_dir: /nowhere}}", login, "", "in"),
      Effect("shell: {enabled: false}", login, "", "in"),
      Effect("shell: {umask: 077}", "$SSH host umask", "0077", "0022"),
      Effect("shell: {env: {COLOUR: red}}", "$SSH host 'echo $COLOUR'", "red", ""),
      Effect("shell: {accept_env: [FLAVOUR]}", "FLAVOUR=mint $SSH -o SendEnv=FLAVOUR host 'echo $FLAVOUR'", "mint", ""),
      Effect("shell: {pty: false}", "$SSH -tt host 'test -t 0 && echo terminal'", "", "terminal"),
      Effect("shell: {command_timeout: 1s}", "$SSH host 'sleep 4; echo in'", "", "in"),
      Effect("shell: {allowed_commands: [\"true *\"]}", login, "", "in"),
      Effect("shell: {blocked_commands: [\"echo *\"]}", login, "", "in"),
      Effect("shell: {forced_command: \"echo forced\"}", login, "forced", "in"),
      Effect("security: {session_timeout: 1s}", "$SSH host 'sleep 4; echo in'", "", "in"),
      Effect("security: {idle_timeout: 1s}", "$SSH host 'sleep 4; echo in'", "", "in"),
      Effect("sftp: {enabled: false}", "echo pwd | \(sftp) host >/dev/null && echo in", "", "in"),
      Effect(
        "sftp: {root: \"%h\"}", "echo pwd | \(sftp) host | tail -n 1", "Remote working directory: /",
        "Remote working directory: HOME"),
      Effect(
        "sftp: {read_only: true}", "echo 'mkdir made' | \(sftp) host >/dev/null && echo in; rmdir $USER_HOME/made", "",
        "in"),
      Effect("scp: {enabled: false}", "\(scp) -O host:/etc/hostname $DIRECTORY/copy && echo in", "", "in"),
      Effect("scp: {root: \"%h\"}", "\(scp) -O host:/etc/hostname $DIRECTORY/copy && echo in", "", "in"),
      Effect(
        "filter: {enabled: true, default_action: deny}",
        "echo \"get /etc/hostname $DIRECTORY/copy\" | \(sftp) host >/dev/null && echo in", "", "in"),
    ]

    @Test(.timeLimit(.minutes(5))) func `a block changes the settings of the logins that it selects`() throws {
      try withDaemon { daemon throws in
        let everyone = ["[\"*\"]", "[ACCOUNT]", "[\"?*\", \"!other\"]"]
        for (number, effect) in Self.effects.enumerated() {
          let conditions = [
            ("users: \(everyone[number % everyone.count])", true), ("users: [\"*\", \"!ACCOUNT\"]", false),
          ]
          for (condition, applies) in conditions { try check(effect, condition, applies, daemon) }
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a block selects by user, group and address`() throws {
      let effect = Effect("shell: {umask: 077}", "$SSH host umask", "0077", "0022")
      try withDaemon { daemon throws in
        let conditions: [(String, Bool)] = [
          ("users: [ACCOUNT]", true), ("users: [other]", false), ("groups: [staff]", true), ("groups: [other]", false),
          ("groups: [\"st*\"]", true), ("groups: [\"*\", \"!staff\"]", false), ("addresses: [127.0.0.0/8]", true),
          ("addresses: [192.0.2.0/24, \"::/0\"]", false), ("addresses: [127.0.0.0/8, \"!127.0.0.1\"]", false),
          ("users: [ACCOUNT], groups: [staff], addresses: [127.0.0.1]", true),
          ("users: [ACCOUNT], groups: [other], addresses: [127.0.0.1]", false),
          ("users: [ACCOUNT], groups: [staff], addresses: [127.0.0.2]", false),
        ]
        for (condition, applies) in conditions { try check(effect, condition, applies, daemon) }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a block selects by groups of the system`() throws {
      let effect = Effect("shell: {umask: 077}", "$SSH host umask", "0077", "0022")
      try withDaemon { daemon throws in
        for (condition, applies) in [
          ("groups: [ACCOUNT]", true), ("groups: [root]", false), ("groups: [\"i?terop*\"]", true),
        ] {
          try check(effect, condition, applies, daemon)
        }
      }
    }

    private func check(_ effect: Effect, _ condition: String, _ applies: Bool, _ daemon: Daemon) throws {
      try daemon.apply(
        auth: "methods: [publickey, password]", user: "groups: [staff]", match: "[{\(condition), \(effect.keys)}]")
      let output = try daemon.shell(effect.probe).output.trimmingCharacters(in: .whitespacesAndNewlines)
      let expected = (applies ? effect.with : effect.without).replacingOccurrences(of: "HOME", with: daemon.user.home)
      #expect(output == expected, "\(condition), \(effect.keys)")
    }

    @Test(.timeLimit(.minutes(3))) func `certificates are trusted and revoked where a block says so`() throws {
      try withDaemon { daemon throws in
        let (directory, name) = (daemon.directory, daemon.user.name)
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(directory)/ca")
        try succeed("ssh-keygen", "-q", "-s", "\(directory)/ca", "-I", "test", "-n", name, "\(directory)/id.pub")
        let key = try String(contentsOfFile: "\(directory)/id.pub", encoding: .utf8)
        try Data(key.utf8).write(to: URL(fileURLWithPath: "\(directory)/revoked"))
        for (keys, with, without) in [
          ("trusted_user_ca_keys: '\(directory)/ca.pub'", "in\n", ""),
          ("revoked_keys: '\(directory)/revoked'", "", "in\n"),
        ] {
          try daemon.user.authorize(with.isEmpty ? key : "")
          for (user, output) in [(name, with), ("other", without)] {
            try daemon.apply(match: "[{users: [\(user)], auth: {publickey: {\(keys)}}}]")
            #expect(try daemon.ssh("host", "echo in").output == output, "\(keys) for \(user)")
          }
        }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `of several blocks the later one takes precedence, key by key`() throws {
      try withDaemon { daemon throws in
        let first = "{users: [\"*\"], shell: {umask: 077, env: {COLOUR: red}}}"
        let second = "{users: [other], shell: {umask: 000}}"
        let third = "{users: [ACCOUNT], shell: {umask: 027}}"
        for (blocks, output) in [
          ([first, second, third], "0027 red\n"), ([third, second, first], "0077 red\n"), ([second, third], "0027 \n"),
        ] {
          try daemon.apply(match: "[\(blocks.joined(separator: ", "))]")
          #expect(try daemon.ssh("host", "echo \"$(umask) $COLOUR\"").output == output)
        }
      }
    }

    @Test(.timeLimit(.minutes(3)))
    func `a client is offered the methods that apply to it, also for an unknown name`() throws {
      try withDaemon { daemon throws in
        try daemon.apply(
          match: "[{users: [ACCOUNT, nosuchuser], auth: {methods: [keyboard-interactive, password]}}]")
        for (user, methods) in [
          (daemon.user.name, "keyboard-interactive,password"), ("nosuchuser", "keyboard-interactive,password"),
          ("someone", "publickey"),
        ] {
          let outcome = try daemon.ssh("-o", "PubkeyAuthentication=no", "\(user)@host", "true")
          #expect(outcome.errors.contains("Permission denied (\(methods))"), "\(outcome.errors)")
        }
      }
    }
  }
}
