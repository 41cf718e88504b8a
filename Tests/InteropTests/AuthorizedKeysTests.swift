import Foundation
import Testing

extension Interop {
  /// Where keys are read from, and where not. Needs root, since owners of files matter.
  @Suite(.serialized, .enabled(if: isRoot, Comment(rawValue: needsRoot))) struct AuthorizedKeys {
    /// Prepares the account's files, and checks whether it can log in, and that the log contains these words.
    private func login(
      _ isGood: Bool, log words: String..., sourceLocation: SourceLocation = #_sourceLocation,
      after prepare: (Daemon, String) throws -> Void
    ) throws {
      try withDaemon(sourceLocation: sourceLocation) { daemon throws in
        try prepare(daemon, try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8))
        let outcome = try daemon.ssh("host", "echo in", within: 10)
        #expect(outcome.output == (isGood ? "in\n" : ""), sourceLocation: sourceLocation)
        for word in words { try daemon.log.line(with: word, within: 2) }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a symbolic link to a safe file works`() throws {
      try login(true) { daemon, _ in
        let target = "\(daemon.user.home)/keys"
        try FileManager.default.moveItem(atPath: daemon.user.authorizedKeys, toPath: target)
        try FileManager.default.createSymbolicLink(atPath: daemon.user.authorizedKeys, withDestinationPath: target)
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a file of root that anyone can read works`() throws {
      try login(true) { daemon, _ in
        chown(daemon.user.authorizedKeys, 0, 0)
        chmod(daemon.user.authorizedKeys, 0o644)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: [mode_t(0o722), 0o777])
    func `a home that others can write is refused`(mode: mode_t) throws {
      try login(false, log: "writable") { daemon, _ in chmod(daemon.user.home, mode) }
    }

    @Test(.timeLimit(.minutes(3))) func `a file that others can write is refused`() throws {
      try login(false, log: "writable") { daemon, _ in chmod(daemon.user.authorizedKeys, 0o666) }
    }

    @Test(.timeLimit(.minutes(3))) func `a directory behind a symbolic link that others can write is refused`() throws {
      try login(false, log: "writable") { daemon, keys in
        let open = "\(daemon.directory)/open"
        try FileManager.default.createDirectory(atPath: open, withIntermediateDirectories: false)
        chmod(open, 0o777)
        try FileManager.default.moveItem(atPath: daemon.user.authorizedKeys, toPath: "\(open)/keys")
        try FileManager.default.createSymbolicLink(
          atPath: daemon.user.authorizedKeys, withDestinationPath: "\(open)/keys")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a file of another user is refused`() throws {
      try login(false, log: "authorized_keys") { daemon, _ in
        chown(daemon.user.authorizedKeys, 65534, 65534)
        chmod(daemon.user.authorizedKeys, 0o644)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: ["pipe", "device", "directory"])
    func `a file that is not regular is refused without blocking`(kind: String) throws {
      try login(false, log: "authorized_keys") { daemon, _ in
        let path = daemon.user.authorizedKeys
        try FileManager.default.removeItem(atPath: path)
        switch kind {
        case "pipe": mkfifo(path, 0o600)
        case "device": try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        default: mkdir(path, 0o700)
        }
        if kind != "device" { chown(path, daemon.user.uid, daemon.user.gid) }
      }
    }

    @Test(.timeLimit(.minutes(3))) func `a user cannot have a file read that only others can read`() throws {
      try login(false) { daemon, keys in
        let secret = "\(daemon.directory)/secret"
        try Data(keys.utf8).write(to: URL(fileURLWithPath: secret))
        chmod(secret, 0o600)
        try FileManager.default.removeItem(atPath: daemon.user.authorizedKeys)
        try FileManager.default.createSymbolicLink(atPath: daemon.user.authorizedKeys, withDestinationPath: secret)
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [
        "nonsense", "no-pty,no-such-option", "command=\"id", "command=id", "from=\"10.0.0.1/8\"", "pty=\"1\"",
      ])
    func `a line with an unknown option is refused, and the log names it`(option: String) throws {
      try login(false, log: "authorized_keys:1") { daemon, keys in try daemon.user.authorize("\(option) \(keys)") }
    }

    @Test(.timeLimit(.minutes(3))) func `malformed lines do not affect valid ones after them`() throws {
      try login(true, log: "authorized_keys:2", "authorized_keys:3") { daemon, keys in
        let long = "ssh-ed25519 " + String(repeating: "A", count: 100_000)
        try daemon.user.authorize("# comment\nssh-ed25519 nonsense\n\(long)\n\0\u{1}\n\n   \(keys)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `text after the key is a comment`() throws {
      try login(true) { daemon, keys in
        try daemon.user.authorize(keys.replacingOccurrences(of: "interop", with: "a comment of many words"))
      }
    }

    @Test(.timeLimit(.minutes(3))) func `keys in the configuration work`() throws {
      try withDaemon { daemon throws in
        let key = try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8)
          .trimmingCharacters(in: .newlines)
        try FileManager.default.removeItem(atPath: daemon.user.authorizedKeys)
        #expect(try daemon.ssh("host", "echo in").status == 255)
        let user = "{name: \(daemon.user.name), authorized_keys: [\"\(key)\"]}"
        try daemon.reload(try daemon.configuration + "auth:\n  password: {users: [\(user)]}\n")
        #expect(try daemon.ssh("host", "echo in").output == "in\n")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `16 MiB of keys are read, and a byte more is too much`() throws {
      try withDaemon { daemon throws in
        let key = try String(contentsOfFile: daemon.user.authorizedKeys, encoding: .utf8)
        let line = "# " + String(repeating: "x", count: 1021) + "\n"
        let size = 16 << 20
        var text = String(repeating: line, count: (size - key.utf8.count) / line.utf8.count - 1)
        text += String(repeating: "#", count: size - key.utf8.count - text.utf8.count - 1) + "\n" + key
        #expect(text.utf8.count == size)
        try daemon.user.authorize(text)
        #expect(try daemon.ssh(["host", "echo in"], within: 100).output == "in\n")
        try daemon.user.authorize("#" + text)
        #expect(try daemon.ssh(["host", "echo in"], within: 100).output.isEmpty)
        try daemon.log.line(with: "is not used", "is larger than 16 MiB")
      }
    }
  }
}
