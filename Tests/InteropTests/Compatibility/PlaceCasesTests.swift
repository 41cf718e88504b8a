import Foundation
import Testing

extension Interop {
  /// Addresses, roots and journal files as administrators configure them.
  @Suite(.serialized) struct PlaceCases {
    /// Options that direct ssh to another address of the daemon.
    private func options(_ address: String, _ daemon: Daemon) -> [String] {
      // ssh_config(5) has tokens that begin with a percent sign.
      ["-o", "HostName=\(address.replacing("%", with: "%%"))", "-o", "HostKeyAlias=[127.0.0.1]:\(daemon.port)"]
    }

    @Test(.timeLimit(.minutes(3))) func `IPv4 and IPv6 are served on one port, each under its own name`() throws {
      try withDaemon(server: ["bind_address": "[\"[::]\", 0.0.0.0]"]) { daemon throws in
        for address in ["127.0.0.1", "::1"] {
          let words = try daemon.ssh(options(address, daemon) + ["host", "echo $SSH_CLIENT $SSH_CONNECTION"]).line
            .split(separator: " ")
          #expect(words.count == 7 && words[0] == address && words[3] == address && words[5] == address, "\(words)")
        }
      }
    }

    @Test(.timeLimit(.minutes(3)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a link-local address is served with its interface, which programs are told`() throws {
      let address = "fe80::b55:\(String(UInt16.random(in: 1...0xffff), radix: 16))"
      try succeed("ip", "-6", "address", "add", "\(address)/64", "dev", "lo", "nodad")
      defer { _ = try? run(["ip", "-6", "address", "del", "\(address)/64", "dev", "lo"]) }
      try withDaemon(server: ["bind_address": "[\"[\(address)%lo]\"]"]) { daemon throws in
        let outcome = try daemon.ssh(
          options("\(address)%lo", daemon) + ["host", "echo $SSH_CLIENT; echo $SSH_CONNECTION"])
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == 2, "\(outcome)")
        #expect(lines.first?.first == "\(address)%lo" && lines.last?[2] == "\(address)%lo", "\(lines)")
        try daemon.log.line(with: "listening on [\(address)%lo]:\(daemon.port)")
      }
    }

    @Test(.timeLimit(.minutes(2)), .enabled(if: isRoot, Comment(rawValue: needsRoot)))
    func `a root is all that sftp, scp and rclone see, and commands are not run beside it`() throws {
      let prepare = { (files: Daemon.Preparation) throws in
        let www = "\(files.directory)/root/www"
        try FileManager.default.createDirectory(atPath: www, withIntermediateDirectories: true)
        chown(www, files.user.uid, files.user.gid)
        for (link, target) in [("out", "/etc/passwd"), ("in", "/www"), ("up", "../../../../etc")] {
          symlink(target, "\(www)/\(link)")
        }
        try Data("top\n".utf8).write(to: URL(fileURLWithPath: "\(files.directory)/root/top"))
      }
      try withDaemon(
        shell: ["forced_command": "internal-sftp"], sftp: ["root": "DIRECTORY/root"], prepare: prepare
      ) { daemon throws in
        let (out, www) = ("\(daemon.directory)/out", "\(daemon.directory)/root/www")
        let start = try daemon.sftp("pwd\nls\nls www/in\ncd ..\npwd\ndf").output
        #expect(start.contains("directory: /\n") && start.contains("top") && start.contains("www/in/out"), "\(start)")
        #expect(start.contains("%"), "df: \(start)")
        for command in [
          "get www/out \(out)", "ls www/up/passwd", "get \(daemon.user.home)/.ssh/authorized_keys \(out)",
        ] {
          #expect(try daemon.sftp(command).status != 0, "\(command)")
        }
        try daemon.makeLocalFile("in")
        let changes =
          "put \(daemon.directory)/in www/h\nrename www/h www/i\nsymlink i www/l\nget www/l \(out)\nrm www/i\nrm www/l"
        #expect(try daemon.sftp(changes).status == 0)
        #expect(try daemon.digest(out) == daemon.digest("\(daemon.directory)/in"))
        #expect(try daemon.scp("-s", "\(daemon.directory)/in", "host:/www/f").status == 0)
        #expect(try daemon.digest("\(www)/f") == daemon.digest("\(daemon.directory)/in"))
        #expect(try daemon.scp("-s", "host:/www/f", "\(out)2").status == 0)
        let rclone = try daemon.shell(
          """
          set -e; cd $DIRECTORY; touch none; mkdir -p tree/sub; echo one >tree/one; echo two >tree/sub/two
          rclone sync tree :sftp:/www/r --config none --sftp-host 127.0.0.1 --sftp-port $PORT --sftp-user $LOGIN \
            --sftp-key-file $KEY --sftp-known-hosts-file known_hosts --retries 1
          diff -r tree root/www/r && echo same
          """)
        #expect(rclone.output == "same\n", "\(rclone.errors)")
        // The old protocol and rsync are commands, and get the SFTP protocol in their place.
        #expect(try daemon.scp("-O", "\(daemon.directory)/in", "host:/www/g").status != 0)
        #expect(try daemon.shell("cd $DIRECTORY; timeout 20 rsync -e $SSH in host:/www/g").status != 0)
        #expect(!FileManager.default.fileExists(atPath: "\(www)/g"))
        #expect(try !daemon.ssh("host", "id").output.contains("uid="))
      }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a journal that others truncate, move or remove continues, and verify reports what is missing`() throws {
      try withDaemon { daemon throws in
        daemon.keepsJournal = false
        let (journal, moved) = (daemon.events.path, daemon.events.path + "-moved")
        func login(_ word: String, isWrittenTo path: String) throws {
          #expect(try daemon.ssh("host", "true # \(word)").status == 0)
          eventually(within: 10, "\(word) is in \(path)") {
            (FileManager.default.contents(atPath: path) ?? Data()).range(of: Data("true # \(word)".utf8)) != nil
          }
        }
        func reload() throws {
          let start = daemon.log.count
          daemon.signal(SIGHUP)
          try daemon.log.line(with: "the new configuration applies", after: start)
        }
        try login("one", isWrittenTo: journal)
        // logrotate's copytruncate.
        #expect(truncate(journal, 0) == 0)
        try login("two", isWrittenTo: journal)
        #expect(FileManager.default.contents(atPath: journal)?.first == UInt8(ascii: "{"))
        let verify = try daemon.shell("\(daemon.server) audit verify -c $DIRECTORY/server.yaml")
        #expect(verify.status != 0, "\(verify)")
        // Moved without notice, and then with one.
        #expect(rename(journal, moved) == 0)
        try login("three", isWrittenTo: FileManager.default.fileExists(atPath: journal) ? journal : moved)
        try reload()
        try login("four", isWrittenTo: journal)
        #expect(unlink(journal) == 0)
        #expect(try daemon.ssh("host", "true # five").status == 0)
        try reload()
        try login("six", isWrittenTo: journal)
      }
    }
  }
}
