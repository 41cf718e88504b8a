import Foundation
import Testing

extension Interop {
  /// Secrets of the daemon that nobody may find.
  @Suite(.serialized) struct Secrets {
    /// An exporter without a receiver, and recordings, so that there is a process of every kind.
    private let everyProcess = [
      "exporters": "[{type: file, path: DIRECTORY/audit/audit.log}, {type: syslog, socket: DIRECTORY/nobody}]",
      "recording": "{enabled: true}",
    ]

    /// `Max core file size` of a process: the soft and the hard limit.
    private func coreLimits(_ pid: pid_t) throws -> [Substring] {
      let text = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
      return Array(line.split(separator: " ")[4...5])
    }

    @Test(.timeLimit(.minutes(3))) func `no process of the daemon can leave a core file, programs of a login can`()
      throws
    {
      try withDaemon(audit: everyProcess) { daemon throws in
        let client = try daemon.startSSH("host", "ulimit -Sc; ulimit -Hc; exec cat")
        try client.output.line { !$0.isEmpty }
        let copy = try Client(["sftp", "-S", "\(daemon.directory)/ssh", "host"], environment: daemon.environment)
        try daemon.log.line(with: "SFTP started")
        eventually("the transfer's own limit") { daemon.processes("bssh-transfer").count == 1 }
        let names = Set(Daemon.programs).subtracting(["bssh-server"])
        #expect(Set(daemon.processes.map(\.name)).isSuperset(of: names))
        for process in daemon.processes where names.contains(process.name) {
          eventually("no core of \(process.title)") { (try? coreLimits(process.pid).first) == "0" }
        }
        // The limits with which the daemon was started.
        let own = try coreLimits(getpid()).map { $0 == "unlimited" ? "unlimited" : String((Int($0) ?? 0) / 512) }
        eventually("both limits") { client.output.all.split(separator: "\n").count == 2 }
        #expect(client.output.all.split(separator: "\n").map(String.init) == own)
        copy.end()
        client.closeInput()
        try client.wait()
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a process of the same user cannot inspect a process of the daemon`() throws {
      try withDaemon(mode: .unprivileged, audit: everyProcess) { daemon throws in
        let client = try daemon.startSSH("host", "echo in; exec cat")
        try client.output.line(with: "in")
        let names = Set(Daemon.programs).subtracting(["bssh-server", "bssh-transfer"])
        #expect(Set(daemon.processes.map(\.name)).isSuperset(of: names))
        for process in daemon.processes where names.contains(process.name) {
          // proc(5): the files of a process that is not dumpable belong to root.
          var entry = stat()
          #expect(stat("/proc/\(process.pid)/mem", &entry) == 0 && entry.st_uid == 0, "\(process.title)")
          let look = try run(["setpriv", "--reuid=65533", "--clear-groups", "cat", "/proc/\(process.pid)/environ"])
          #expect(look.status != 0, "\(process.title)")
        }
        // Programs of a login belong to the user.
        eventually("cat runs") { !daemon.processes("cat").isEmpty }
        let cat = try #require(daemon.processes("cat").first)
        var entry = stat()
        #expect(stat("/proc/\(cat.pid)/mem", &entry) == 0 && entry.st_uid == 65533)
        client.closeInput()
        try client.wait()
      }
    }

    /// A word that no program contains by itself.
    private static let password = "correct-Horse-7f3e9a41-battery"
    private static let hashes = [
      "argon2id": "$argon2id$v=19$m=19456,t=2,p=1$B12oXN7khq/7NLwIHr2CNA$vnwhu7w6J6gKOL9XOdJHmOkVwHcUoYI7VUazvuh2+7E",
      "bcrypt": "$2b$04$f88jsS3y1WYt57w8x0ElQ.iwuV.ZOgvKBEKjN7dfOCHq2/We1XTxq",
    ]
    private let methods = ["methods": "[publickey, password, keyboard-interactive]"]

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)), arguments: ["argon2id", "bcrypt"])
    func `no copy of a password is left in any process, right or wrong, nor in the log`(hash: String) throws {
      let keys = "password_hash: '\(Self.hashes[hash] ?? "")'"
      try withDaemon(auth: methods, userKeys: keys, hostKeys: ["ed25519", "rsa", "ecdsa"]) { daemon throws in
        var clients: [Client] = []
        for (method, cipher) in [
          ("password", "chacha20-poly1305@openssh.com"), ("keyboard-interactive", "aes256-gcm@openssh.com"),
          ("password", "aes128-ctr"), ("keyboard-interactive", "aes256-ctr"),
        ] {
          let words = [
            "sshpass", "-p", Self.password, "\(daemon.directory)/ssh", "-o", "BatchMode=no", "-o", "Ciphers=\(cipher)",
            "-o", "PreferredAuthentications=\(method)", "host", "echo in; exec cat",
          ]
          let client = try Client(words, environment: daemon.environment)
          try client.output.line(with: "in")
          clients.append(client)
        }
        try daemon.claim("memory.py", "passwords", environment: ["PASSWORD": Self.password])
        #expect(!daemon.log.all.contains(Self.password) && daemon.log.all.contains("wrong_password"))
        for client in clients {
          client.closeInput()
          try client.wait()
        }
      }
    }

    /// The memory files that contain host keys, in all processes of the daemon that have one open.
    private func hostKeys(_ daemon: Daemon) -> Set<ino_t> {
      var found: Set<ino_t> = []
      for pid in [daemon.pid] + daemon.processes.map(\.pid) {
        for (number, name) in RunningProcess(pid)?.descriptors ?? [:] where name.hasPrefix("/memfd:host-key") {
          var entry = stat()
          if stat("/proc/\(pid)/fd/\(number)", &entry) == 0 { found.insert(entry.st_ino) }
        }
      }
      return found
    }

    @Test(.timeLimit(.minutes(3))) func `after a reload no process has the previous host keys`() throws {
      try withDaemon { daemon throws in
        #expect(try daemon.ssh("host", "true").status == 0)
        let before = hostKeys(daemon)
        #expect(!before.isEmpty)
        try daemon.reload(try daemon.configuration + "\n")
        eventually(within: 30, "other host keys alone") {
          let now = hostKeys(daemon)
          return !now.isEmpty && now.isDisjoint(with: before)
        }
        #expect(try daemon.ssh("host", "true").status == 0)
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `unknown, locked and disabled users get the reply of a known one, after the same time`() throws {
      // The minimum time of a password reply would hide whether one was checked.
      let auth = methods.merging(["password": "{minimum_time: 0}"]) { $1 }
      try withDaemon(auth: auth) { daemon throws in
        let hash = Self.hashes["argon2id"] ?? ""
        let key = try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8)
        let locked = try TestAccount(in: daemon.directory)
        let disabled = try TestAccount(in: daemon.directory)
        defer {
          locked.remove()
          disabled.remove()
        }
        for account in [locked, disabled] { try account.authorize(key) }
        try succeed("usermod", "--lock", "--expiredate", "1", locked.name)
        let users = [("", daemon.user), ("", locked), (", disabled: true", disabled)].map { keys, account in
          "{name: \(account.name), password_hash: '\(hash)'\(keys)}"
        }
        let text = try daemon.configuration.replacingOccurrences(
          of: "{minimum_time: 0}", with: "{minimum_time: 0, users: [\(users.joined(separator: ", "))]}")
        try daemon.reload(text)
        let kinds = "known=\(daemon.user.name),unknown=nosuchuser,locked=\(locked.name),disabled=\(disabled.name)"
        try daemon.claim("timing.py", "users-alike", environment: ["KINDS": kinds], within: 110)
        for name in [locked.name, disabled.name] {
          #expect(try daemon.ssh("-l", name, "host", "true").status == 255)
        }
      }
    }
  }
}
