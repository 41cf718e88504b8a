import Foundation
import Testing

extension Interop {
  /// How a login can change the directory that it sees as `/`.
  @Suite(.serialized) struct Roots {
    /// From 127.0.0.2 a login sees its whole home with one protocol; from elsewhere only what is below it, with both.
    private func withShare(_ inner: String, _ body: (Daemon) throws -> Void) throws {
      try withDaemon(shell: ["enabled": "false"]) { daemon throws in
        let elsewhere = "sftp: {root: \"%h/pub\", read_only: true}"
        try daemon.reload(
          try daemon.configuration
            + "match:\n  - {addresses: [\"!127.0.0.2\", 127.0.0.0/8], \(elsewhere)}\n"
            + "  - {addresses: [127.0.0.2], \(inner)}\n")
        try daemon.makeUserDirectory("pub")
        try daemon.makeUserFile("secret", "secret\n")
        try daemon.makeUserFile("pub/shown", "shown\n")
        try body(daemon)
      }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: ["sftp: {root: \"%h\"}", "sftp: {root: \"%h/pub\"}, scp: {root: \"%h\"}"],
      ["/", "/etc", "."])
    func `a login cannot replace its root by a link, and so see other files`(inner: String, target: String) throws {
      try withShare(inner) { daemon throws in
        let out = "\(daemon.directory)/out"
        #expect(try daemon.sftp("get shown \(out)").status == 0)
        try FileManager.default.removeItem(atPath: out)
        // What the login can do from inside; with the SFTP below its home, if there is any.
        try FileManager.default.moveItem(
          atPath: "\(daemon.user.home)/pub", toPath: "\(daemon.user.home)/other")
        if inner.hasPrefix("sftp: {root: \"%h\"}") {
          let batch = "\(daemon.directory)/link"
          try Data("symlink \(target) /pub\n".utf8).write(to: URL(fileURLWithPath: batch))
          try succeed(
            "sftp", "-q", "-F", "\(daemon.directory)/ssh_config", "-o", "BindAddress=127.0.0.2", "-b", batch, "host")
        } else {
          symlink(target, "\(daemon.user.home)/pub")
          lchown("\(daemon.user.home)/pub", daemon.user.uid, daemon.user.gid)
        }
        let start = daemon.log.count
        for path in ["/etc/hostname", "/hostname", "/secret", "/shown"] {
          #expect(try daemon.sftp("get \(path) \(out)").status != 0, "\(path)")
          #expect(try daemon.scp("-O", "host:\(path)", out).status != 0, "\(path)")
        }
        #expect(!FileManager.default.fileExists(atPath: out))
        try daemon.log.line(
          with: "\(daemon.user.home)/pub cannot be entered", "symbolic link \(daemon.user.home)/pub",
          "in \(daemon.user.home) (uid \(daemon.user.uid)", after: start)
        let explained = try daemon.shell(
          "\(daemon.server) explain -c \(daemon.directory)/server.yaml --user \(daemon.user.name) --from 127.0.0.1")
        #expect(explained.output.contains("pub cannot be entered"), "\(explained.output)")
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a root below a directory that others than root can change causes a warning with that directory`() throws {
      try withDaemon(sftp: ["root": "\"%h/pub\""]) { daemon throws in
        try daemon.makeUserDirectory("pub")
        #expect(try daemon.sftp("ls").status == 0)
        try daemon.log.line(
          with: "warning: not only root can replace the root \(daemon.user.home)/pub",
          "\(daemon.user.home) (uid \(daemon.user.uid), mode 700)")
        let checked = try daemon.shell("\(daemon.server) check-config -c \(daemon.directory)/server.yaml 2>&1")
        #expect(checked.output.contains("'%h/pub' is below the home"), "\(checked.output)")
        // The home itself is accepted, although it belongs to the login.
        try daemon.reload(try daemon.configuration.replacingOccurrences(of: "%h/pub", with: "%h"))
        let start = daemon.log.count
        #expect(try daemon.sftp("ls pub").status == 0)
        try daemon.log.line(with: "logged out", after: start)
        #expect(!daemon.log.all.dropFirst(start).contains("not only root can replace"))
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `links that only root can have created are followed`() throws {
      try withDaemon(sftp: ["root": "DIRECTORY/link/%u"]) { daemon throws in
        symlink(daemon.directory, "\(daemon.directory)/link")
        try daemon.makeUserFile("there", "words")
        #expect(try daemon.sftp("get /there \(daemon.directory)/out").status == 0)
      }
    }
  }
}
