import Foundation
import Testing

extension Interop {
  /// Who may log in, whatever they prove. `ACCOUNT` in a configuration is replaced by the account that logs in.
  @Suite(.serialized) struct LoginRules {
    /// Keys of `auth` and of the account's entry, and the reason of the refusal; nil: the account can log in.
    struct Rule: Sendable, CustomTestStringConvertible {
      var auth = ""
      var user = ""
      var reason: String?

      var testDescription: String { "\(auth) \(user): \(reason ?? "in")" }

      static func auth(_ keys: String, _ reason: String?) -> Rule { Rule(auth: keys, reason: reason) }
      static func user(_ keys: String, _ reason: String?) -> Rule { Rule(user: keys, reason: reason) }
    }

    static let rules: [Rule] = [
      .auth("allow_users: [ACCOUNT]", nil), .auth("allow_users: [other]", "user_not_allowed"),
      .auth("allow_users: [other, \"?*\"]", nil), .auth("allow_users: [\"ACCOUNT@127.0.0.0/8\"]", nil),
      .auth("allow_users: [\"ACCOUNT@192.0.2.0/24\"]", "user_not_allowed"),
      .auth("deny_users: [ACCOUNT]", "user_denied"), .auth("deny_users: [other]", nil),
      .auth("deny_users: [\"*@127.0.0.1\"]", "user_denied"), .auth("deny_users: [\"*@::1\"]", nil),
      .auth("deny_users: [ACCOUNT], allow_users: [ACCOUNT]", "user_denied"),
      .user("disabled: true", "user_disabled"), .user("disabled: false", nil),
      .user("allowed_ips: [192.0.2.0/24]", "source_not_allowed"),
      .user("allowed_ips: [192.0.2.0/24, 127.0.0.1]", nil), .user("methods: [password]", "method_not_allowed"),
      .user("methods: [password, publickey]", nil),
      Rule(auth: "allow_groups: [staff]", user: "groups: [staff]", reason: nil),
      Rule(auth: "allow_groups: [staff]", reason: "group_not_allowed"),
      Rule(auth: "deny_groups: [\"st*\"]", user: "groups: [staff]", reason: "group_denied"),
      Rule(auth: "deny_groups: [\"st*\"], allow_users: [ACCOUNT]", user: "groups: [staff]", reason: "group_denied"),
    ]

    /// Groups of the system; a new account has one with its own name.
    static let groups: [Rule] = [
      .auth("allow_groups: [ACCOUNT]", nil), .auth("allow_groups: [other, \"inter*\"]", nil),
      .auth("allow_groups: [root]", "group_not_allowed"), .auth("deny_groups: [ACCOUNT]", "group_denied"),
      .auth("deny_groups: [\"?*\"]", "group_denied"), .auth("deny_groups: [root]", nil),
      .auth("allow_groups: [ACCOUNT], allow_users: [other]", "user_not_allowed"),
      .auth("allow_groups: [root], allow_users: [ACCOUNT]", "group_not_allowed"),
    ]

    @Test(.timeLimit(.minutes(3))) func `lists of users and a user's own entry decide who can log in`() throws {
      try withDaemon { daemon throws in for rule in Self.rules { try check(rule, daemon) } }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `lists of groups decide who can log in`() throws {
      try withDaemon { daemon throws in for rule in Self.groups { try check(rule, daemon) } }
    }

    private func check(_ rule: Rule, _ daemon: Daemon) throws {
      try daemon.apply(auth: rule.auth, user: rule.user)
      let start = daemon.log.count
      let outcome = try daemon.ssh("host", "echo in")
      #expect(outcome.output == (rule.reason == nil ? "in\n" : ""), "\(rule.testDescription)")
      if let reason = rule.reason, outcome.output.isEmpty {
        #expect(outcome.errors.contains("Permission denied (publickey)"))
        try daemon.log.line(with: "refused '\(daemon.user.name)' by publickey: \(reason)", after: start)
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["disabled: true", "allowed_ips: [192.0.2.7]", "methods: [keyboard-interactive]"])
    func `a refused user sees the reply to wrong credentials, after the same time`(rule: String) throws {
      try withDaemon { daemon throws in
        let hash = try daemon.shell("echo 'right horse' | \(daemon.server) hash-password").line
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8).dropLast()
        let other = "{name: refused, authorized_keys: ['\(key)'], password_hash: '\(hash)', \(rule)"
        let account = daemon.runsAsRoot ? "run_as: \(daemon.user.name)" : "home: \(daemon.user.home), shell: /bin/sh"
        try daemon.apply(
          auth: "methods: [publickey, password]", user: "password_hash: '\(hash)'", others: ["\(other), \(account)}"])
        try daemon.claim(
          "credentials.py", "refused-users-look-like-wrong-credentials",
          environment: ["REFUSED": "refused", "PASSWORD": "right horse"])
      }
    }

    // MARK: The system

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `accounts that are locked or have expired cannot log in`() throws {
      try withDaemon { daemon throws in
        let hash = try daemon.shell("echo 'right horse' | \(daemon.server) hash-password").line
        try daemon.apply(auth: "methods: [publickey, password]", user: "password_hash: '\(hash)'")
        let name = daemon.user.name
        // The change of the account, and the reasons for key and password; empty: it can log in.
        let changes: [(words: [String], byKey: String, byPassword: String)] = [
          (["usermod", "-L", name], "", "account_locked"),
          // As useradd leaves it, as RHEL's does, and as other systems lock it.
          (["usermod", "-p", "!", name], "", "account_locked"),
          (["usermod", "-p", "!!", name], "", "account_locked"),
          (["usermod", "-p", "*LK*", name], "", "account_locked"),
          (["usermod", "-p", "!*", "-e", "2001-01-01", name], "account_expired", "account_expired"),
          (["usermod", "-e", "", name], "", "account_locked"),
          (["usermod", "-p", "*", name], "", ""),
          (["chage", "-E", "2001-01-01", name], "account_expired", "account_expired"),
          (["chage", "-E", "2101-01-01", name], "", ""),
          (["chage", "-d", "0", name], "", "password_expired"),
          (["chage", "-d", "2001-01-01", "-M", "90", name], "", "password_expired"),
          (["chage", "-I", "7", name], "account_expired", "account_expired"),
          (["chage", "-d", "2101-01-01", "-I", "-1", name], "", ""),
        ]
        let locked: [[String]] = ["!", "!!", "*LK*", "!$6$x$y"].map { ["usermod", "-p", $0, name] }
        let password = "sshpass -p 'right horse' $SSH -o BatchMode=no -o PreferredAuthentications=password host echo in"
        for change in changes {
          try succeed(change.words)
          let start = daemon.log.count
          let key = try daemon.ssh("host", "echo in").output
          #expect(key == (change.byKey.isEmpty ? "in\n" : ""), "\(change)")
          if !change.byKey.isEmpty, key.isEmpty {
            try daemon.log.line(with: "by publickey: \(change.byKey)", after: start)
          }
          let byPassword = try daemon.shell(password).output
          #expect(byPassword == (change.byPassword.isEmpty ? "in\n" : ""), "\(change)")
          if !change.byPassword.isEmpty, byPassword.isEmpty {
            try daemon.log.line(with: "by password: \(change.byPassword)", after: start)
          }
        }
        try daemon.apply(auth: "locked_accounts: no")
        for words in locked {
          try succeed(words)
          let start = daemon.log.count
          #expect(try daemon.ssh("host", "echo in").output == "", "\(words)")
          try daemon.log.line(with: "by publickey: account_locked", after: start)
          let explained = try daemon.shell(
            "\(daemon.server) explain -c \(daemon.directory)/server.yaml --user \(name) --from 127.0.0.1")
          #expect(explained.output.contains("account_locked, by shadow(5)"), "\(explained.output)")
        }
        // A `match` block decides.
        try daemon.apply(
          auth: "locked_accounts: no", match: "[{users: [ACCOUNT], auth: {locked_accounts: keys}}]")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `the account that a user runs as is checked, and so is its expiry`() throws {
      try withDaemon { daemon throws in
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8).dropLast()
        try daemon.apply(others: ["{name: alias, run_as: \(daemon.user.name), authorized_keys: ['\(key)']}"])
        #expect(try daemon.ssh("alias@host", "echo in").output == "in\n")
        try succeed("chage", "-E", "0", daemon.user.name)
        #expect(try daemon.ssh("alias@host", "echo in").output == "")
        try daemon.log.line(with: "refused 'alias' by publickey: account_expired")
      }
    }

    /// In a mount namespace with its own /etc: nobody else must be locked out.
    private static let ownEtc = [
      "unshare", "--mount", "sh", "-c",
      "mkdir DIRECTORY/etc && cp -a /etc/. DIRECTORY/etc && mount --bind DIRECTORY/etc /etc && exec \"$@\"", "sh",
    ]
    private static let canUnshare = isRoot && (try? run(["unshare", "--mount", "true"]).status) == 0

    @Test(.timeLimit(.minutes(3)), .enabled(if: canUnshare, "needs root, and mount namespaces"))
    func `while nologin exists only root can log in, and others are told why`() throws {
      try withDaemon(launcher: Self.ownEtc) { daemon throws in
        let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8).dropLast()
        try daemon.apply(others: ["{name: root, authorized_keys: ['\(key)']}"])
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
        try Data("Back at noon\n".utf8).write(to: URL(fileURLWithPath: "\(daemon.directory)/etc/nologin"))
        let refused = try daemon.ssh("host", "echo in")
        #expect(refused.output == "" && refused.errors.contains("Back at noon"))
        try daemon.log.line(with: "refused '\(daemon.user.name)' by publickey: nologin")
        #expect(try daemon.ssh("root@host", "echo in").output == "in\n")
        // A user who proves nothing is told nothing.
        let stranger = try daemon.ssh("-o", "PubkeyAuthentication=no", "host", "echo in")
        #expect(!stranger.errors.contains("Back at noon"))
        try FileManager.default.removeItem(atPath: "\(daemon.directory)/etc/nologin")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }
  }
}

extension Daemon {
  /// Applies a configuration: keys of `auth` in flow style, keys of the account's entry, entries of further users, and
  /// `match` blocks. `ACCOUNT` is replaced by the account's name.
  func apply(auth: String = "", user more: String = "", others: [String] = [], match: String = "") throws {
    let place = runsAsRoot ? "" : ", home: '\(user.home)', shell: /bin/sh"
    let entries = ["{name: \(user.name)\(place)\(more.isEmpty ? "" : ", \(more)")}"] + others
    let server = try configuration.components(separatedBy: "auth:\n")[0]
    let keys = auth.isEmpty ? "" : ", \(auth)"
    let text = "auth:\n  {password: {users: [\(entries.joined(separator: ", "))]}\(keys)}\n"
    let blocks = match.isEmpty ? "" : "match: \(match)\n"
    try reload(server + (text + blocks).replacingOccurrences(of: "ACCOUNT", with: user.name))
  }
}
