import Foundation
import Testing

extension Interop {
  /// Accounts whose shell permits no work.
  @Suite(.serialized) struct ClosedAccounts {
    /// Checks that neither protocol transfers files, nor a forced call of scp, and that explain says the same.
    private func expectClosed(_ daemon: Daemon) throws {
      try daemon.makeLocalFile("in")
      try daemon.makeUserFile("there", "words")
      let start = daemon.log.count
      #expect(try daemon.sftp("get there \(daemon.directory)/out").status != 0)
      try daemon.log.line(with: "nologin_shell", after: start)
      for words in [["\(daemon.directory)/in", "host:put"], ["host:there", "\(daemon.directory)/out"]] {
        let copy = try daemon.scp("-O", words[0], words[1])
        #expect(copy.status != 0 && copy.errors.contains("not available (nologin_shell)"), "\(copy.errors)")
        #expect(try daemon.scp("-s", words[0], words[1]).status != 0)
      }
      #expect(!FileManager.default.fileExists(atPath: "\(daemon.user.home)/put"))
      #expect(!FileManager.default.fileExists(atPath: "\(daemon.directory)/out"))
      #expect(try daemon.ssh("host", "echo in").output != "in\n")
      let told = try explain(daemon)
      #expect(told.contains("SFTP") && told.components(separatedBy: "(nologin_shell)").count == 3, "\(told)")
    }

    private func expectFiles(_ daemon: Daemon) throws {
      try daemon.makeUserFile("there", "words")
      #expect(try daemon.sftp("get there \(daemon.directory)/out").status == 0)
      #expect(try daemon.ssh("host", "echo in").output != "in\n")
      #expect(!(try explain(daemon)).contains("(nologin_shell)"))
    }

    /// The output of explain for a login of the account.
    private func explain(_ daemon: Daemon) throws -> String {
      let words = "explain -c \(daemon.directory)/server.yaml --user \(daemon.user.name) --from 127.0.0.1"
      return try daemon.shell("\(daemon.server) \(words) --key \(daemon.directory)/id.pub").output
    }

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      arguments: ["/usr/sbin/nologin", "/bin/false"])
    func `a system account that is closed by its shell has no file transfer either`(shell: String) throws {
      try withDaemon(loginShell: shell) { try expectClosed($0) }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a link to nologin, and nologin in another directory, close the account as well`() throws {
      try withDaemon { daemon throws in
        symlink("/usr/sbin/nologin", "\(daemon.directory)/closed")
        try FileManager.default.createDirectory(atPath: "\(daemon.directory)/opt", withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: "/bin/false", toPath: "\(daemon.directory)/opt/false")
        for shell in ["closed", "opt/false"] {
          try succeed("usermod", "-s", "\(daemon.directory)/\(shell)", daemon.user.name)
          try expectClosed(daemon)
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a user whose shell the configuration closes has no file transfer either`() throws {
      try withDaemon { daemon throws in
        try daemon.apply(user: "shell: /usr/sbin/nologin")
        try expectClosed(daemon)
      }
    }

    @Test(
      .timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)),
      arguments: ["user", "match-on", "match-off", "match-forced", "key"])
    func `a setting that says that a login is for file transfer permits it`(place: String) throws {
      try withDaemon { daemon throws in
        let closed = "shell: /usr/sbin/nologin"
        let users = "users: [ACCOUNT]"
        switch place {
        case "user": try daemon.apply(user: "\(closed), sftp_only: true")
        case "match-on":
          try daemon.apply(user: closed, match: "[{\(users), sftp: {enabled: true}, scp: {enabled: true}}]")
        case "match-off": try daemon.apply(user: closed, match: "[{\(users), shell: {enabled: false}}]")
        case "match-forced":
          try daemon.apply(user: closed, match: "[{\(users), shell: {forced_command: internal-sftp}}]")
        default:
          try daemon.apply(user: closed)
          let key = try String(contentsOfFile: "\(daemon.directory)/id.pub", encoding: .utf8)
          try daemon.user.authorize("command=\"scp -t .\" \(key)")
          let copy = try daemon.scp("-O", "\(daemon.directory)/id.pub", "host:x")
          #expect(copy.status != 0 && copy.errors.contains("(nologin_shell)"), "\(copy.errors)")
          try daemon.user.authorize("command=\"internal-sftp\" \(key)")
        }
        try expectFiles(daemon)
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a custom shell works, with a single warning`() throws {
      try withDaemon { daemon throws in
        let shell = "\(daemon.directory)/own-shell"
        try Data("#!/bin/sh\nexec /bin/sh \"$@\"\n".utf8).write(to: URL(fileURLWithPath: shell))
        chmod(shell, 0o755)
        try daemon.apply(user: "shell: \(shell)")
        for _ in 0..<3 { #expect(try daemon.ssh("host", "echo in").output == "in\n") }
        #expect(try daemon.sftp("ls").status == 0)
        let warning = "the shell \(shell) is not listed in /etc/shells"
        #expect(daemon.log.all.components(separatedBy: warning).count == 2)
        #expect(try explain(daemon).contains("/etc/shells does not list \(shell)"))
        let checked = try daemon.shell("\(daemon.server) check-config -c \(daemon.directory)/server.yaml 2>&1")
        #expect(checked.output.contains("'\(shell)' is not listed in /etc/shells"), "\(checked.output)")
      }
    }
  }
}
