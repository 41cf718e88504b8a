import Foundation
import Testing

extension Interop {
  /// How clients begin and log in, in ways that other servers have rejected.
  @Suite(.serialized) struct LoginCases {
    @Test(.timeLimit(.minutes(2))) func `guessed key exchange packets are used or ignored`() throws {
      try withDaemon {
        try $0.claims("handshake_cases.py", "no-guess", "a-right-guess-is-taken", "wrong-guesses-are-passed-over")
      }
    }

    @Test(.timeLimit(.minutes(3))) func `identification lines of all clients are accepted, and nothing else`() throws {
      try withDaemon {
        try $0.claims(
          "handshake_cases.py", "identifications-of-real-clients", "version-1-99-is-version-2",
          "the-first-packet-may-come-with-the-identification", "what-is-no-ssh-is-turned-away", within: 170)
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `odd authentication requests are answered in order, and only valid ones succeed`()
      throws
    {
      try withPasswords { daemon throws in
        try daemon.claims(
          "login_cases.py", "methods-that-are-not-there-fail", "only-the-password-is-the-password",
          "only-the-user-is-the-user", "requests-without-waiting-are-answered-in-order",
          "a-service-request-before-each-try", "a-service-that-is-none-ends-the-connection",
          "one-question-without-echo", "other-answers-than-one", "another-request-instead-of-an-answer",
          environment: ["PASSWORD": Daemon.password])
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `authorized_keys are read as editors and panels write them`() throws {
      try withReference { daemon, reference throws in
        let words = try succeed("ssh-keygen", "-y", "-f", "\(daemon.directory)/id").split(separator: " ")
        let (key, blob) = ("\(words[0]) \(words[1])", words[1])
        try succeed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(daemon.directory)/other")
        let other = try String(contentsOfFile: "\(daemon.directory)/other.pub", encoding: .utf8)
        let long = String(repeating: "c", count: 20_000)
        let files: [(String, content: String)] = [
          ("plain", "\(key)\n"), ("no end of the line", key), ("CRLF", "\(key) comment\r\n"),
          ("CRLF alone", "\(key)\r\n"),
          ("CRLF on the second line", "\(other)\r\n\(key)\r\n"), ("CRLF and more", "# c\r\n\r\n\(key)\r\n"),
          ("a mark of the byte order before a comment", "\u{feff}# comment\n\(key)\n"),
          ("a mark of the byte order before the key", "\u{feff}\(key)\n"), ("blanks around", "   \t \(key)   \t \n"),
          ("a tab between", key.replacingOccurrences(of: " ", with: "\t") + "\n"),
          ("three blanks between", key.replacingOccurrences(of: " ", with: "   ") + "\n"),
          ("empty lines behind", "\(key)\n\n\n\n"), ("a NUL before", "\0\(key)\n"),
          ("a quotation mark", "\(key) a \"quoted, comment with = and # in it\n"),
          ("a long comment", "\(key) \(long)\n"),
          ("behind a long line", "\(long)\n\(key)\n"), ("behind a long comment line", "#\(long)\n\(key)\n"),
          ("behind 5,000 other keys", String(repeating: other, count: 5000) + "\(key)\n"),
          ("two blanks behind options", "no-pty,no-X11-forwarding  \(key)\n"),
          ("a blank within options", "no-pty, no-X11-forwarding \(key)\n"),
          ("command=", "command=\"echo in\" \(key)\n"),
          ("environment= with a blank", "environment=\"A=b c\",no-pty \(key)\n"),
          ("a tab behind options", "no-pty\t\(key)\n"),
          ("a blank within the key", key.replacingOccurrences(of: "AAAAC3", with: "AAAA C3") + "\n"),
          ("RFC 4716", "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"x\"\n\(blob)\n---- END SSH2 PUBLIC KEY ----\n"),
          ("the wrong type", "ssh-rsa \(blob)\n"),
        ]
        func isIn(_ options: [String]) throws -> Bool {
          try daemon.ssh(options + ["host", "echo in"]).output == "in\n"
        }
        for (name, content) in files {
          try daemon.user.authorize(content)
          let (ours, theirs) = (try isIn([]), try isIn(reference.options))
          #expect(ours == theirs, "\(name): here \(ours), with sshd \(theirs)")
        }
        // Bytes that are not UTF-8, and UTF-16.
        let comment: [UInt8] = Array("\(key) ".utf8) + [0xff, 0xfe, 0x0a]
        let wide: [UInt8] = [0xff, 0xfe] + "\(key)\n".utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        for (bytes, expected) in [(comment, true), (wide, false)] {
          try Data(bytes).write(to: URL(fileURLWithPath: daemon.user.authorizedKeys))
          #expect(try isIn([]) == expected)
          #expect(try isIn(reference.options) == expected)
        }
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `accounts in odd states can log in if they can with sshd`() throws {
      try withReference { daemon, reference throws in
        let (name, home) = (daemon.user.name, daemon.user.home)
        let keys = daemon.user.authorizedKeys
        let hash = try succeed("openssl", "passwd", "-6", "x")
        let states: [(String, [[String]])] = [
          ("as it was made", []), ("a home that all may write", [["chmod", "777", home]]),
          ("keys that all may write", [["chmod", "666", keys]]),
          ("keys of root", [["chown", "root:", keys], ["chmod", "644", keys]]),
          ("a home of root", [["chown", "root:", home], ["chmod", "755", home]]),
          ("a home that cannot be entered", [["chmod", "600", home]]), ("expired", [["chage", "-E", "1", name]]),
          ("a password that must be changed", [["usermod", "-p", hash, name], ["chage", "-d", "0", name]]),
          (
            "a password that is too old",
            [["usermod", "-p", hash, name], ["chage", "-M", "1", "-d", "2000-01-01", name]]
          ),
          ("a shell that is not there", [["usermod", "-s", "/nonexistent/shell", name]]),
          ("no shell", [["usermod", "-s", "", name]]), ("no home", [["usermod", "-d", "/nonexistent/home", name]]),
        ]
        for (state, commands) in states {
          // An account that is in use cannot be changed.
          eventually(within: 10, "nobody is logged in") {
            !RunningProcess.all.contains { $0.uid == daemon.user.uid && !$0.isZombie }
          }
          try succeed("usermod", "-p", "*", "-s", "/bin/sh", "-d", home, name)
          try succeed("chage", "-E", "-1", "-M", "-1", "-I", "-1", "-d", "2020-01-01", name)
          try succeed("chown", "\(name):", home, keys)
          try succeed("chmod", "700", home)
          try succeed("chmod", "600", keys)
          for command in commands { try succeed(command) }
          let ours = try daemon.ssh("host", "echo in").output
          let theirs = try daemon.ssh(reference.options + ["host", "echo in"]).output
          #expect(ours == theirs, "\(state): here '\(ours)', with sshd '\(theirs)'")
        }
      }
    }
  }
}
